// The journal on IndexedDB: what is acknowledged is stored, other contexts' segments are read first,
// and every way a browser's database fails. Failures are injected at IndexedDB itself.

import 'fake-indexeddb/auto'
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { MemoryDisk } from '../../js/storage/memory-disk.js'
import { bytes, closeDisks, hangingTab, newName, openDisk, text } from '../support/disks.js'
import { fakeFs, result } from '../support/fake-fs.js'
import { fakeLocks } from '../support/fake-locks.js'
import { engines } from '../support/open-client.js'
import { storedFiles } from '../support/stored-files.js'

/** @type {(() => void)[]} */
let undo = []
afterEach(() => {
  for (const step of undo) step()
  closeDisks()
  undo = []
})

/** One context: its disk, and the segments it was given. @param {string} name @param {object} [options] */
async function openContext(name, options = {}) {
  const disk = openDisk(name, { timeoutMs: 200, ...options })
  /** @type {string[]} */
  const seen = []
  const onSegment = (/** @type {number} */ seq, /** @type {Uint8Array} */ contents) => {
    seen.push(`${seq} ${text(contents)}`)
  }
  await disk.load(onSegment)
  const write = (/** @type {string} */ value) => disk.commit(() => bytes(value), onSegment)
  const refresh = () => disk.refresh(onSegment)
  return { disk, seen, write, refresh, onSegment }
}

/** What a fresh context finds: the same with every IDBFS there is. @param {string} name */
async function stored(name) {
  /** @type {string[][]} */
  const found = []
  for (const { createModule } of engines) {
    const module = await createModule({ print() {}, printErr() {} })
    const { seen, disk } = await openContext(name, { module })
    disk.database.drop()
    found.push(seen)
  }
  for (const other of found) assert.deepEqual(other, found[0])
  return found[0]
}

/** Replaces a method until the test is over. @param {any} object @param {string} method @param {any} replacement */
function replace(object, method, replacement) {
  const original = object[method]
  object[method] = replacement
  undo.push(() => {
    object[method] = original
  })
  return original
}

/** @param {string} name */
function domError(name) {
  return new DOMException(`made up ${name}`, name)
}

test('what was committed is there after reopening, in order', async () => {
  const name = newName()
  const { write } = await openContext(name)
  assert.deepEqual([await write('a'), await write('b'), await write('c')], [1, 2, 3])
  assert.deepEqual(await stored(name), ['1 a', '2 b', '3 c'])
})

test('records have the format, the version and the folder of IDBFS', async () => {
  const name = newName()
  const { write } = await openContext(name)
  await write('a')
  const db = await result(indexedDB.open(name))
  const files = db.transaction('FILE_DATA').objectStore('FILE_DATA')
  const keys = await result(files.getAllKeys())
  const records = await result(db.transaction('FILE_DATA').objectStore('FILE_DATA').getAll())
  db.close()
  assert.equal(db.version, 21)
  const names = ['damaged', 'journal', 'journal/000000000001', 'life', 'snapshot']
  assert.deepEqual(
    keys,
    names.map((path) => `${name}/${path}`),
  )
  const [, folder, file] = records
  assert.equal(folder.mode, 0o40777)
  assert.ok(folder.timestamp instanceof Date && file.timestamp instanceof Date)
  assert.equal(file.mode, 0o100666)
  assert.deepEqual([...file.contents], [...bytes('a')])
})

test('stock FS.syncfs(false) finds nothing to write, and nothing to delete', async () => {
  for (const { name: engine, createModule } of engines.slice(1)) {
    const name = newName()
    const first = await openContext(name)
    await first.write('a')
    const module = await createModule({ print() {}, printErr() {} })
    const second = await openContext(name, { module })
    await second.write('b')
    await new Promise((resolve, reject) => {
      module.FS.syncfs(false, (/** @type {unknown} */ error) =>
        error ? reject(error) : resolve(0),
      )
    })
    assert.deepEqual(await stored(name), ['1 a', '2 b'], engine)
  }
})

test('loading leaves nothing in MEMFS and no connection of IDBFS', async () => {
  const name = newName()
  await (await openContext(name)).write('a')
  const module = fakeFs()
  await openContext(name, { module })
  assert.deepEqual(
    [...module.files.keys()].filter((path) => /\d{12}$/.test(path)),
    [],
  )
  assert.deepEqual(module.IDBFS.dbs, {})
})

test('a view into a larger buffer stores its own bytes only', async () => {
  const name = newName()
  const { disk, onSegment } = await openContext(name)
  await disk.commit(() => bytes('xxxabcxxx').subarray(3, 6), onSegment)
  const db = await result(indexedDB.open(name))
  const file = await result(
    db.transaction('FILE_DATA').objectStore('FILE_DATA').get(`${name}/journal/000000000001`),
  )
  db.close()
  assert.deepEqual([text(file.contents), file.contents.buffer.byteLength], ['abc', 3])
})

test('segments of other contexts are read before the own one is asked for', async () => {
  const name = newName()
  const first = await openContext(name)
  const second = await openContext(name)
  await first.write('a')
  await first.write('b')
  let seenWhenAsked = 0
  const seq = await second.disk.commit(() => {
    seenWhenAsked = second.seen.length
    return bytes('c')
  }, second.onSegment)
  assert.deepEqual([seq, seenWhenAsked, second.seen], [3, 2, ['1 a', '2 b']])
  await first.disk.refresh(first.onSegment)
  assert.deepEqual(first.seen, ['3 c'])
  assert.deepEqual(await stored(name), ['1 a', '2 b', '3 c'])
})

test('four contexts writing at once lose nothing and see everything', async () => {
  const name = newName()
  const contexts = await Promise.all([1, 2, 3, 4].map(() => openContext(name)))
  const writes = contexts.flatMap(({ write }, who) =>
    Array.from({ length: 25 }, (_, i) => write(`${who}/${i}`)),
  )
  const numbers = await Promise.all(writes)
  assert.deepEqual(
    numbers.sort((a, b) => a - b),
    Array.from({ length: 100 }, (_, i) => i + 1),
  )
  const found = await stored(name)
  assert.equal(new Set(found.map((entry) => entry.split(' ')[1])).size, 100)
  for (const { disk, seen, onSegment } of contexts) {
    await disk.refresh(onSegment)
    assert.equal(seen.length, 75, 'all of the others, none of its own, each once')
    assert.equal(new Set(seen).size, 75)
  }
})

// without a lease after a look at what is there, with one at once
for (const [which, before, locks] of /** @type {[string, string[], any][]} */ ([
  ['the first', []],
  ['the next', ['1 a']],
  ['with a lease', ['1 a', '2 b'], fakeLocks().client()],
])) {
  const seq = before.length + 1
  /** One that holds `before`. @param {string} name */
  const openBefore = async (name) => {
    const { write, disk } = await openContext(name, { locks })
    for (const entry of before) await write(entry.slice(2))
    assert.equal(disk.lease.covers(disk.head), locks !== undefined)
    return write
  }

  test(`${which}: an aborted transaction rejects, stores nothing, and the next commit works`, async () => {
    const name = newName()
    const write = await openBefore(name)
    const add = replace(
      IDBObjectStore.prototype,
      'add',
      /** @this {any} @param {any[]} args */ function (...args) {
        this.transaction.abort()
        return add.apply(this, args)
      },
    )
    await assert.rejects(write('b'), { name: 'SyncError', code: 'storage-lost', retryable: true })
    undo.pop()?.()
    assert.deepEqual(await stored(name), before)
    assert.equal(await write('c'), seq)
    assert.deepEqual(await stored(name), [...before, `${seq} c`])
  })

  test(`${which}: a full disk rejects with "quota", stores nothing, is tried once`, async () => {
    const name = newName()
    const write = await openBefore(name)
    let tries = 0
    replace(IDBObjectStore.prototype, 'add', () => {
      tries += 1
      throw domError('QuotaExceededError')
    })
    await assert.rejects(write('b'), { code: 'quota', retryable: true })
    assert.equal(tries, 1)
    undo.pop()?.()
    assert.deepEqual(await stored(name), before)
    assert.equal(await write('c'), seq)
  })

  test(`${which}: what another context wrote meanwhile comes before it`, async () => {
    const name = newName()
    const write = await openBefore(name)
    const other = await openContext(name)
    await other.write('b')
    assert.equal(await write('c'), seq + 1)
    assert.deepEqual(await stored(name), [...before, `${seq} b`, `${seq + 1} c`])
  })

  // with a lease it would be: but a database loses all of its records or none
  if (!locks)
    test(`${which}: nothing is written into a hole that a lost record left`, async () => {
      const name = newName()
      const write = await openBefore(name)
      const other = await openContext(name)
      for (const value of ['b', 'c']) await other.write(value)
      const db = await result(indexedDB.open(name))
      const path = other.disk.paths.segment(seq)
      await result(db.transaction('FILE_DATA', 'readwrite').objectStore('FILE_DATA').delete(path))
      db.close()
      assert.equal(await write('d'), seq + 2)
      assert.deepEqual(await stored(name), [...before, `${seq + 1} c`, `${seq + 2} d`])
    })

  test(`${which}: a full disk found out at the end of the transaction is "quota" too`, async () => {
    const name = newName()
    const write = await openBefore(name)
    const add = replace(
      IDBObjectStore.prototype,
      'add',
      /** @this {any} @param {any[]} args */ function (...args) {
        // how fake-indexeddb gives a transaction up on its own
        queueMicrotask(() => this.transaction._abort('QuotaExceededError'))
        return add.apply(this, args)
      },
    )
    await assert.rejects(write('b'), { code: 'quota' })
    undo.pop()?.()
    assert.deepEqual(await stored(name), before)
  })

  const fate = locks ? 'may be stored, and is' : 'is not stored'
  test(`${which}: given up behind a context that hangs it ${fate} later`, async () => {
    const name = newName()
    const write = await openBefore(name)
    const goOn = await hangingTab(name)
    const message = locks ? /look whether .* is there/ : /does not answer/
    await assert.rejects(write('b'), { code: 'storage-lost', message })
    await goOn()
    const after = locks ? [...before, `${seq} b`] : before
    const next = after.length + 1
    assert.deepEqual(await stored(name), after)
    assert.equal(await write('c'), next)
    assert.deepEqual(await stored(name), [...after, `${next} c`])
  })
}

test('a connection closed under us is made again, with what others wrote meanwhile', async () => {
  const name = newName()
  const first = await openContext(name)
  await first.write('a')
  const second = await openContext(name)
  await second.write('b')
  first.disk.database.db?.close() // what Safari does: the handle is there, and dead
  assert.equal(await first.write('c'), 3)
  assert.deepEqual(first.seen, ['2 b'])
  assert.deepEqual(await stored(name), ['1 a', '2 b', '3 c'])
})

test('a connection that cannot be made again is "storage-lost"', async () => {
  const { disk, write } = await openContext(newName())
  await write('a')
  disk.database.drop()
  replace(indexedDB, 'open', () => {
    throw domError('UnknownError')
  })
  await assert.rejects(write('b'), { code: 'storage-lost', message: /made up UnknownError/ })
})

test('a connection that fails to be made again is not called a cleared database', async () => {
  const { disk, write } = await openContext(newName())
  await write('a')
  disk.database.drop()
  const { open } = indexedDB
  // an older version than it has: the browser refuses
  replace(indexedDB, 'open', () => open.call(indexedDB, disk.name, 1))
  await assert.rejects(write('b'), { code: 'storage-lost', message: /failed: .*version/ })
})

test('a callback that never comes is "storage-lost" after the time', async () => {
  const { disk, write } = await openContext(newName())
  await write('a')
  const request = {}
  const store = { getAllKeys: () => request, transaction: { db: disk.database.db } }
  replace(IDBDatabase.prototype, 'transaction', () => ({ objectStore: () => store, abort() {} }))
  const hold = disk.database.options.timeoutMs
  const before = Date.now()
  await assert.rejects(write('b'), { code: 'storage-lost', message: /does not answer/ })
  assert.ok(Date.now() - before >= hold)
})

test('opening that never answers is "storage-lost" after the time', async () => {
  const disk = openDisk(newName(), { timeoutMs: 50 })
  replace(indexedDB, 'open', () => ({}))
  await assert.rejects(
    disk.load(() => {}),
    { code: 'storage-lost', message: /does not answer/ },
  )
})

test('a commit whose acknowledgement got lost is found, not written twice', async () => {
  const name = newName()
  const { write, seen } = await openContext(name)
  await write('a')
  let lost = 0
  // the first transaction completes, but nobody hears of it
  const transaction = replace(
    IDBDatabase.prototype,
    'transaction',
    /** @this {any} @param {any[]} args */ function (...args) {
      const made = transaction.apply(this, args)
      if (lost++ > 0) return made
      Object.defineProperty(made, 'oncomplete', { get: () => null, set: () => {} })
      Object.defineProperty(made, 'abort', { value: () => {} })
      return made
    },
  )
  assert.equal(await write('b'), 2)
  assert.equal(lost, 2, 'it was tried again')
  assert.deepEqual(seen, [], 'the own segment is not given to the engine as another context’s')
  assert.equal(await write('c'), 3)
  assert.deepEqual(await stored(name), ['1 a', '2 b', '3 c'])
})

test('a commit that was at its end when it was given up: its rejection says that it may be there', async () => {
  const name = newName()
  const { write } = await openContext(name)
  await write('a')
  let tries = 0
  const transaction = replace(
    IDBDatabase.prototype,
    'transaction',
    /** @this {any} @param {any[]} args */ function (...args) {
      if (tries++ > 0) throw domError('UnknownError')
      const made = transaction.apply(this, args)
      Object.defineProperty(made, 'oncomplete', { get: () => null, set: () => {} })
      made.addEventListener('complete', () => {
        made.abort = () => {
          throw domError('InvalidStateError')
        }
      })
      return made
    },
  )
  await assert.rejects(write('b'), { code: 'storage-lost', message: /look whether .* is there/ })
  undo.pop()?.()
  assert.deepEqual(await stored(name), ['1 a', '2 b'])
  assert.equal(await write('c'), 3)
})

test('a stale context does not bring cleared data back', async () => {
  const name = newName()
  const { disk, write } = await openContext(name)
  await write('a')
  assert.equal(disk.database.db !== null, true)
  await result(indexedDB.deleteDatabase(name)) // does not block: we let go on versionchange
  assert.equal(disk.database.db, null)
  await assert.rejects(write('b'), { code: 'storage-lost', message: /cleared/ })
  const names = (await indexedDB.databases()).map((db) => db.name)
  assert.ok(!names.includes(name), 'not even an empty database')
})

test('a store that was emptied is not written into', async () => {
  const name = newName()
  const { write, refresh } = await openContext(name, { locks: fakeLocks().client() })
  for (const value of ['a', 'b', 'c']) await write(value)
  const db = await result(indexedDB.open(name))
  await result(db.transaction('FILE_DATA', 'readwrite').objectStore('FILE_DATA').clear())
  db.close()
  // as a page does when it is looked at again
  await assert.rejects(refresh(), { code: 'storage-lost', message: /cleared/ })
  await assert.rejects(write('b'), { code: 'storage-lost', message: /cleared/ })
  assert.deepEqual([...(await storedFiles(name)).keys()], [])
})

test('a record that is no file damages itself only', async () => {
  const name = newName()
  const { write } = await openContext(name)
  for (const value of ['a', 'b', 'c']) await write(value)
  const db = await result(indexedDB.open(name))
  const files = db.transaction('FILE_DATA', 'readwrite').objectStore('FILE_DATA')
  const key = `${name}/journal/000000000002`
  await result(files.put({ timestamp: new Date(), mode: 0o100666 }, key))
  db.close()
  assert.deepEqual(await stored(name), ['1 a', '2 ', '3 c'])
  const again = await openContext(name)
  assert.equal(await again.write('d'), 4)
})

test('other files in the folder are no segments', async () => {
  const name = newName()
  const { write } = await openContext(name)
  await write('a')
  const db = await result(indexedDB.open(name))
  const files = db.transaction('FILE_DATA', 'readwrite').objectStore('FILE_DATA')
  const record = { timestamp: new Date(), mode: 0o100666, contents: bytes('x') }
  await result(files.put(record, `${name}/journal/000000000001.old`))
  await result(files.put(record, `${name}/journal/notes`))
  db.close()
  assert.equal(await write('b'), 2)
  assert.deepEqual(await stored(name), ['1 a', '2 b'])
})

test('a segment() that throws stores nothing and rejects with just that', async () => {
  const name = newName()
  const { disk, write, onSegment } = await openContext(name)
  await write('a')
  const refusal = Object.assign(new Error('no'), { name: 'QuotaExceededError' })
  const commit = disk.commit(() => {
    throw refusal
  }, onSegment)
  await assert.rejects(commit, { code: 'quota', cause: refusal })
  assert.deepEqual(await stored(name), ['1 a'])
})

test('durability is handed to the transaction', async () => {
  /** @type {unknown[]} */
  const asked = []
  const transaction = replace(
    IDBDatabase.prototype,
    'transaction',
    /** @this {any} @param {any[]} args */ function (...args) {
      if (args[2]?.durability) asked.push(args[2].durability)
      return transaction.apply(this, args)
    },
  )
  await (await openContext(newName(), { durability: 'strict' })).write('a')
  await (await openContext(newName())).write('a')
  assert.deepEqual(asked, ['strict', 'relaxed'])
})

test('close lets a commit under way end, then lets go', async () => {
  const name = newName()
  const { disk, write } = await openContext(name)
  const last = write('a')
  await disk.close()
  assert.equal(await last, 1)
  assert.equal(disk.database.db, null)
  assert.deepEqual(await stored(name), ['1 a'])
})

test('a memory disk numbers and forgets', async () => {
  const disk = new MemoryDisk()
  await disk.load()
  assert.deepEqual(
    [await disk.commit(() => bytes('a')), await disk.commit(() => bytes('b'))],
    [1, 2],
  )
  await disk.close()
})
