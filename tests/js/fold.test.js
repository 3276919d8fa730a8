// Folding: snapshots take the place of segments, whoever makes them, whoever is behind, and wherever one
// is given up. First the disk alone, whose "engine" is a list of texts, then clients on the compiled core.

import 'fake-indexeddb/auto'
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { decodeManifest, encodeManifest } from '../../js/storage/manifest.js'
import { pathsOf } from '../../js/storage/paths.js'
import { bytes, closeDisks, newName, noVectors, openDisk, text } from '../support/disks.js'
import { result } from '../support/fake-fs.js'
import { engines, newDatabase, openClient, until } from '../support/open-client.js'
import { storedFiles } from '../support/stored-files.js'

afterEach(closeDisks)

/** @param {string} name @param {object} [options] */
async function openContext(name, options = {}) {
  const disk = openDisk(name, { timeoutMs: 500, ...options })
  /** @type {string[]} */
  const seen = []
  const onSegment = (/** @type {number} */ seq, /** @type {Uint8Array} */ contents) => {
    seen.push(`${seq} ${text(contents)}`)
    return !text(contents).startsWith('damaged')
  }
  await disk.load(onSegment)
  const write = (/** @type {string} */ value) => disk.commit(() => bytes(value), onSegment)
  /** @param {number} to @param {string[]} pieces @param {boolean} [isWhole] */
  const fold = (to, pieces, isWhole = true) => {
    const left = [...pieces, '']
    const nextPiece = () => bytes(/** @type {string} */ (left.shift()))
    return disk.fold({ ...noVectors, to, isWhole, rows: pieces.length, nextPiece })
  }
  return { disk, seen, write, fold, onSegment, refresh: () => disk.refresh(onSegment) }
}

/** What a fresh context finds, with every IDBFS there is, and without. @param {string} name */
async function stored(name) {
  const modules = await Promise.all(engines.map(({ createModule }) => createModule({})))
  const broken = { FS: { mkdirTree() {}, mount: () => assert.fail('no IDBFS') }, IDBFS: {} }
  /** @type {string[][]} */
  const found = []
  for (const module of [...modules, broken]) {
    const { seen, disk } = await openContext(name, { module })
    disk.database.drop()
    found.push(seen)
  }
  for (const other of found) assert.deepEqual(other, found[0])
  return found[0]
}

/** @param {string} name @param {IDBTransactionMode} mode @param {(files: IDBObjectStore) => IDBRequest} ask */
async function raw(name, mode, ask) {
  const db = await result(indexedDB.open(name))
  const answer = await result(ask(db.transaction('FILE_DATA', mode).objectStore('FILE_DATA')))
  db.close()
  return answer
}

/** The files of a database, below its name. @param {string} name @returns {Promise<string[]>} */
async function filesOf(name) {
  return [...(await storedFiles(name)).keys()]
}

test('a snapshot takes the place of the segments it stands for', async () => {
  const name = newName()
  const { write, fold } = await openContext(name)
  for (const value of ['a', 'b', 'c']) await write(value)
  assert.equal(await fold(3, ['abc', 'def']), true)
  assert.equal(await write('d'), 4)
  assert.deepEqual(await stored(name), ['3 abc', '3 def', '4 d'])
  const files = await filesOf(name)
  assert.deepEqual(
    files.filter((path) => path.startsWith('journal/')),
    ['journal/000000000003', 'journal/000000000004'],
  )
  assert.deepEqual(
    files.filter((path) => path.startsWith('manifest')),
    ['manifest', 'manifest.copy'],
  )
})

test('one on top adds to it, a whole one replaces all', async () => {
  const name = newName()
  const { write, fold } = await openContext(name)
  await write('a')
  await fold(1, ['A'])
  await write('b')
  assert.equal(await fold(2, ['B'], false), true)
  assert.deepEqual(await stored(name), ['1 A', '2 B'])
  assert.equal(await fold(2, ['C'], false), false, 'it says nothing new')
  assert.equal(await fold(2, ['AB']), true)
  assert.deepEqual(await stored(name), ['2 AB'])
  const pieces = (await filesOf(name)).filter((path) => path.startsWith('snapshot/'))
  assert.equal(pieces.length, 1, 'the pieces that no manifest names are gone')
})

test('a context that knows the segments goes on; one that slept gets the snapshot first', async () => {
  const name = newName()
  const [folds, knows, slept] = [
    await openContext(name),
    await openContext(name),
    await openContext(name),
  ]
  await slept.write('a')
  for (const value of ['b', 'c']) await folds.write(value)
  await knows.refresh()
  await folds.fold(3, ['abc'])
  assert.equal(await knows.write('d'), 4)
  assert.deepEqual(knows.seen, ['1 a', '2 b', '3 c'])
  assert.equal(await slept.write('e'), 5)
  assert.deepEqual(slept.seen, ['3 abc', '4 d'])
  assert.deepEqual(await stored(name), ['3 abc', '4 d', '5 e'])
})

test('who writes not knowing that others folded past leaves nothing behind the snapshot', async () => {
  const name = newName()
  const [folds, slept] = [await openContext(name), await openContext(name)]
  await slept.write('a')
  for (const value of ['b', 'c']) await folds.write(value)
  await folds.fold(3, ['abc'])
  assert.equal(await slept.write('d'), 4)
  assert.deepEqual(slept.seen, ['3 abc'])
  const journal = (await filesOf(name)).filter((path) => path.startsWith('journal/'))
  assert.deepEqual(journal, ['journal/000000000003', 'journal/000000000004'])
})

test('of two who fold at once the first counts, and the other leaves nothing', async () => {
  const name = newName()
  const one = await openContext(name)
  const two = await openContext(name)
  await one.write('a')
  await two.refresh()
  /** @type {Promise<boolean> | undefined} */
  let other
  const left = ['slow', 'er', '']
  const nextPiece = () => {
    other ??= two.fold(1, ['fast'])
    return bytes(/** @type {string} */ (left.shift()))
  }
  const first = one.disk.fold({ ...noVectors, to: 1, isWhole: true, rows: 2, nextPiece })
  const done = [await first, await other]
  assert.deepEqual(done.sort(), [false, true])
  const found = await stored(name)
  assert.ok(found[0] === '1 fast' ? found.length === 1 : found.join() === '1 slow,1 er')
  const { snapshots } = /** @type {any} */ (
    decodeManifest((await raw(name, 'readonly', (files) => files.get(`${name}/manifest`))).contents)
  )
  const pieces = (await filesOf(name)).filter((path) => path.startsWith('snapshot/'))
  assert.ok(pieces.every((path) => path.includes(snapshots[0].id)))
})

test('who hears only now that another has folded writes nothing', async () => {
  const name = newName()
  const [one, two] = [
    await openContext(name, { foldAfter: 2 }),
    await openContext(name, { foldAfter: 2 }),
  ]
  for (const value of ['a', 'b']) await one.write(value)
  await two.refresh()
  assert.ok(two.disk.isFoldDue())
  await one.fold(2, ['ab'])
  const before = await filesOf(name)
  const nextPiece = () => assert.fail('asked for a piece')
  const source = { ...noVectors, to: 2, isWhole: true, rows: 1, nextPiece }
  assert.equal(await two.disk.fold(source), false)
  assert.deepEqual(await filesOf(name), before)
  assert.ok(!two.disk.isFoldDue())
  assert.equal(await two.write('c'), 3)
  assert.deepEqual(await stored(name), ['2 ab', '3 c'])
})

test('one that is given up is nothing, and the next one cleans up after it', async () => {
  const name = newName()
  const { disk, write, fold } = await openContext(name)
  await write('a')
  let told = 0
  const nextPiece = () => {
    if (told++ === 2) throw new Error('killed')
    return bytes('half')
  }
  await assert.rejects(
    disk.fold({ ...noVectors, to: 1, isWhole: true, rows: 9, nextPiece }),
    /killed/,
  )
  assert.deepEqual(await stored(name), ['1 a'])
  const halves = (await filesOf(name)).filter((path) => path.startsWith('snapshot/'))
  assert.equal(halves.length, 2)
  await fold(1, ['A'])
  assert.deepEqual(await stored(name), ['1 A'])
  const files = await filesOf(name)
  assert.ok(!halves.some((path) => files.includes(path)))
})

test('pieces that another context took for rubbish are not installed', async () => {
  const name = newName()
  const { disk, write } = await openContext(name)
  await write('a')
  const db = await result(indexedDB.open(name))
  let told = 0
  const nextPiece = () => {
    // in the database's order this comes before the snapshot is installed
    const files = db.transaction('FILE_DATA', 'readwrite').objectStore('FILE_DATA')
    if (told === 2) files.delete(disk.paths.allPieces)
    return bytes(['x', 'y', ''][told++])
  }
  assert.equal(await disk.fold({ ...noVectors, to: 1, isWhole: true, rows: 2, nextPiece }), false)
  db.close()
  assert.deepEqual(await stored(name), ['1 a'])
})

test('a damaged segment is set aside, not deleted', async () => {
  const name = newName()
  const first = await openContext(name)
  for (const value of ['a', 'damaged b', 'c']) await first.write(value)
  const { disk, fold, write } = await openContext(name)
  assert.ok(disk.isFoldDue())
  assert.ok(disk.wantsWhole({ all: 1000, changed: 1 }))
  assert.equal(await write('d'), 4)
  await fold(4, ['acd'])
  assert.ok(!disk.isFoldDue())
  assert.deepEqual(await stored(name), ['4 acd'])
  const aside = await raw(name, 'readonly', (files) => files.get(`${name}/damaged/000000000002`))
  assert.equal(text(aside.contents), 'damaged b')
})

test('a damaged manifest is read from its copy; both damaged are told', async () => {
  const name = newName()
  const { write, fold } = await openContext(name)
  for (const value of ['a', 'b']) await write(value)
  await fold(2, ['AB'])
  await write('c')
  const spoil = (/** @type {string} */ file) =>
    raw(name, 'readwrite', (files) =>
      files.put(
        { timestamp: new Date(), mode: 0o100666, contents: bytes('damaged') },
        `${name}/${file}`,
      ),
    )
  await spoil('manifest')
  assert.deepEqual(await stored(name), ['2 AB', '3 c'])
  await spoil('manifest.copy')
  assert.deepEqual(await stored(name), ['0 damaged', '2 b', '3 c'])
  const again = await openContext(name)
  assert.equal(await again.fold(3, ['from the server']), true)
  assert.deepEqual(await stored(name), ['3 from the server'])
})

test('a manifest of a newer format is "reload-needed", whether IDBFS reads it or we do', async () => {
  const name = newName()
  const { write, fold } = await openContext(name)
  await write('a')
  await fold(1, ['A'])
  const newer = text(encodeManifest({ generation: 9, snapshots: [], vectors: [] })).replace(
    'manifest 1',
    'manifest 2',
  )
  for (const file of ['manifest', 'manifest.copy']) {
    const record = { timestamp: new Date(), mode: 0o100666, contents: bytes(newer) }
    await raw(name, 'readwrite', (files) => files.put(record, `${name}/${file}`))
  }
  await assert.rejects(openContext(name), { code: 'reload-needed' })
})

test('a database made anew under the same name is not written into', async () => {
  const name = newName()
  const stale = await openContext(name)
  await stale.write('a')
  await stale.write('b')
  await result(indexedDB.deleteDatabase(name))
  const { write } = await openContext(name)
  for (const value of ['x', 'y', 'z']) await write(value)
  await assert.rejects(stale.write('c'), { code: 'storage-lost', message: /cleared/ })
  assert.deepEqual(stale.seen, [])
  assert.deepEqual(await stored(name), ['1 x', '2 y', '3 z'])
})

test('a commit whose end is unknown is not written twice over a snapshot', async () => {
  const name = newName()
  const one = await openContext(name)
  const two = await openContext(name)
  await one.write('a')
  const { transaction } = IDBDatabase.prototype
  // the commit completes, the connection dies, and another context folds before it is made again
  let isFirst = true
  IDBDatabase.prototype.transaction = function (/** @type {any[]} */ ...args) {
    const made = transaction.apply(this, /** @type {any} */ (args))
    if (!isFirst) return made
    isFirst = false
    made.addEventListener('complete', async () => {
      await two.refresh()
      await two.fold(2, ['ab'])
      made.onabort?.(new Event('abort'))
    })
    Object.defineProperty(made, 'oncomplete', { get: () => null, set: () => {} })
    return made
  }
  try {
    await assert.rejects(one.write('b'), { code: 'storage-lost' })
  } finally {
    IDBDatabase.prototype.transaction = transaction
  }
  assert.deepEqual(await stored(name), ['2 ab'])
  assert.equal(await one.write('c'), 3)
  assert.deepEqual(await stored(name), ['2 ab', '3 c'])
})

for (const { name: engine, createModule } of engines.slice(1)) {
  /** @param {string} database @param {object} [options] */
  const openReal = (database, options) => openClient({ database, ...options }, createModule)
  const folder = (/** @type {string} */ database) =>
    `/${database}/11111111-1111-4111-8111-111111111111`
  const day = (/** @type {number} */ i) =>
    new Date(Date.UTC(2020, 0, 1 + i)).toISOString().slice(0, 10)

  test(`${engine}: 100 writes, folded every 15, are there after reopening`, async () => {
    const database = newDatabase()
    const client = await openReal(database, { foldAfter: 15 })
    for (let i = 0; i < 100; i++) {
      await client.collection('health').put(day(i % 40), { steps: i })
      await client.collection('progress').increment('self', 'totalCompletions')
      if (i % 10 === 0) await client.collection('health').remove(day(i % 40))
    }
    await client.collection('theme').put('self', { theme: 'dark' })
    await until(async () => {
      const files = await filesOf(folder(database))
      return files.filter((path) => path.startsWith('journal/')).length < 30
    })
    const before = client.collection('health').list()
    await client.close()
    const again = await openReal(database)
    assert.deepEqual(again.collection('health').list(), before)
    assert.equal(again.collection('progress').get('self').totalCompletions, 100)
    assert.equal(again.collection('theme').get('self').theme, 'dark')
    assert.equal(again.status().pending, client.status().pending)
    await again.close()
  })

  test(`${engine}: what a newer build folded makes this one read-only`, async () => {
    const database = newDatabase()
    const client = await openReal(database, {})
    await client.collection('health').put(day(1), { steps: 1 })
    const name = folder(database)
    const newer = text(encodeManifest({ generation: 1, snapshots: [], vectors: [] })).replace(
      ' 1 ',
      ' 2 ',
    )
    const record = { timestamp: new Date(), mode: 0o100666, contents: bytes(newer) }
    await raw(name, 'readwrite', (files) => files.put(record, `${name}/manifest`))
    await raw(name, 'readwrite', (files) => files.delete(pathsOf(name).segmentsBefore(99)))
    const code = 'reload-needed'
    await assert.rejects(client.collection('health').put(day(2), { steps: 2 }), { code })
    assert.equal(client.status().storage, 'read-only')
    assert.deepEqual(client.collection('health').keys(), [day(1)], 'it can be read')
    await client.close()
    await assert.rejects(openReal(database, {}), { code })
  })

  test(`${engine}: three contexts write, and each folds: nothing lost, nothing twice`, async () => {
    const database = newDatabase()
    const clients = await Promise.all([1, 2, 3].map(() => openReal(database, { foldAfter: 5 })))
    for (let i = 0; i < 40; i++) {
      await Promise.all(
        clients.map(async (client, who) => {
          await client.collection('health').put(day(who * 40 + i), { steps: i })
          await client.collection('progress').increment('self', 'totalCompletions')
        }),
      )
      if (i % 10 === 9) await new Promise((resolve) => setTimeout(resolve, 400))
    }
    for (const client of clients) await client.close()
    const manifest = await raw(folder(database), 'readonly', (files) =>
      files.get(`${folder(database)}/manifest`),
    )
    assert.ok(/** @type {any} */ (decodeManifest(manifest.contents)).generation >= 2)
    const again = await openReal(database)
    assert.equal(again.collection('health').size, 120)
    assert.equal(again.collection('progress').get('self').totalCompletions, 120)
    await again.close()
  })
}
