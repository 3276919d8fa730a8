// Leases: what is folded stays while a context relies on it, and a commit under a lease is one request. At the end, many
// histories of contexts that write, fold, wipe, are put away, come back and crash: nothing acknowledged is ever lost.

import 'fake-indexeddb/auto'
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { nextTask } from '../../js/next-task.js'
import { IndexedDbDisk } from '../../js/storage/disk.js'
import { Lease } from '../../js/storage/lease.js'
import { bytes, closeDisks, newName, nothing, noVectors, openDisk, text } from '../support/disks.js'
import { fakeLocks } from '../support/fake-locks.js'
import { storedFiles } from '../support/stored-files.js'
import { random } from '../support/vectors.js'

afterEach(closeDisks)

const settled = () => new Promise((resolve) => setImmediate(resolve))

/**
 * One context: its disk, and what it knows, by the number of the segment. A piece of a snapshot is all of it.
 * @param {string} name
 * @param {any} locks
 */
async function openContext(name, locks) {
  const disk = openDisk(name, { timeoutMs: 5_000, locks })
  /** @type {Map<number, string>} */
  const known = new Map()
  const onSegment = (/** @type {number} */ seq, /** @type {Uint8Array} */ contents) => {
    const value = text(contents)
    if (!value.startsWith('[')) known.set(seq, value)
    else for (const [each, of] of JSON.parse(value)) known.set(each, of)
    return value !== ''
  }
  await disk.load(onSegment)
  /** @param {string} value */
  const write = async (value) => {
    const seq = await disk.commit(() => bytes(value), onSegment)
    known.set(seq, value)
    return seq
  }
  const fold = () => {
    const to = Math.max(0, ...known.keys())
    const piece = bytes(JSON.stringify([...known].filter(([seq]) => seq <= to)))
    const pieces = [piece, nothing]
    return disk.fold({
      ...{ ...noVectors, to, isWhole: true, rows: known.size },
      nextPiece: () => /** @type {Uint8Array} */ (pieces.shift()),
    })
  }
  const refresh = () => disk.refresh(onSegment)
  const wipe = () => disk.wipe(onSegment, () => {})
  return { disk, known, write, fold, refresh, wipe }
}

/** @typedef {Awaited<ReturnType<typeof openContext>>} Context */

/** Numbers of the segments that are stored, those that hold nothing as 0. @param {string} name */
async function segments(name) {
  const found = []
  for (const [path, { contents }] of await storedFiles(name)) {
    const [, seq] = path.match(/^journal\/(\d{12})$/) ?? []
    if (seq) found.push(contents?.length ? Number(seq) : 0)
  }
  return found
}

/** Which requests are made of the database meanwhile, in order. @param {() => Promise<unknown>} work */
async function requests(work) {
  const { prototype } = IDBObjectStore
  /** @type {string[]} */
  const made = []
  /** @type {(() => void)[]} */
  const undo = []
  for (const method of /** @type {const} */ ([
    'add',
    'put',
    'get',
    'getKey',
    'getAll',
    'getAllKeys',
  ])) {
    const original = /** @type {any} */ (prototype[method])
    Object.assign(prototype, {
      [method]: /** @this {IDBObjectStore} @param {any[]} args */ function (...args) {
        made.push(method)
        return original.apply(this, args)
      },
    })
    undo.push(() => Object.assign(prototype, { [method]: original }))
  }
  await work().finally(() => {
    for (const step of undo) step()
  })
  return made
}

test('a lease: asked, held, sure only after a look, moved on without a gap, let go', async () => {
  const locks = fakeLocks().client()
  const held = async () => (await locks.query()).held.map(({ name }) => name)
  const lease = new Lease('/a/b', /** @type {any} */ (locks))
  const granted = lease.ask(3)
  lease.confirm()
  await granted
  assert.deepEqual(await held(), ['somatic-sync:/a/b:journal-after-3'])
  assert.equal(lease.covers(7), false)
  lease.confirm()
  assert.deepEqual([lease.covers(2), lease.covers(3)], [false, true])
  const moved = lease.ask(5)
  assert.equal(lease.covers(7), true)
  await moved
  await settled()
  assert.deepEqual(await held(), ['somatic-sync:/a/b:journal-after-5'])
  assert.deepEqual([lease.covers(4), lease.covers(5)], [false, true])
  assert.equal(await lease.lowest(), 5)
  lease.release()
  await settled()
  assert.deepEqual(await held(), [])
  assert.deepEqual([lease.covers(7), await lease.lowest()], [false, Number.POSITIVE_INFINITY])
})

test('a lease that is refused, stolen, or let go while it is asked for promises nothing', async () => {
  const refusing = { request: () => Promise.reject(new Error('not here')) }
  const refused = new Lease('a', /** @type {any} */ (refusing))
  await refused.ask(0)
  refused.confirm()
  assert.equal(refused.covers(1), false)

  const locks = fakeLocks().client()
  const stolen = new Lease('a', /** @type {any} */ (locks))
  await stolen.ask(0)
  stolen.confirm()
  await locks.request('somatic-sync:a:journal-after-0', { steal: true }, () => {})
  assert.equal(stolen.covers(1), false)

  const early = new Lease('a', /** @type {any} */ (locks))
  const asked = early.ask(0)
  early.release()
  await asked
  await settled()
  assert.deepEqual((await locks.query()).held, [])

  const none = new Lease('a', undefined)
  await none.ask(0)
  assert.deepEqual([none.covers(1), await none.lowest()], [false, Number.POSITIVE_INFINITY])
})

test('with a lease a commit is one request, and no look; after others wrote it looks once', async () => {
  const name = newName()
  const { client } = fakeLocks()
  const first = await openContext(name, client())
  for (const value of ['a', 'b']) await first.write(value)
  assert.deepEqual(await requests(() => first.write('c')), ['add'])
  const second = await openContext(name, client())
  await second.write('d')
  assert.deepEqual(await requests(() => first.write('e')), ['add', 'getAllKeys', 'getAll', 'add'])
  assert.deepEqual(await requests(() => first.write('f')), ['add'])
  assert.deepEqual([...first.known.values()], ['a', 'b', 'c', 'd', 'e', 'f'])
})

test('segments on which a lease relies stay when they are folded, until it has moved on', async () => {
  const name = newName()
  const { client } = fakeLocks()
  const [first, second] = [await openContext(name, client()), await openContext(name, client())]
  for (const value of ['a', 'b']) await first.write(value)
  for (const value of ['c', 'd', 'e']) await second.write(value)
  assert.equal(await second.fold(), true)
  assert.deepEqual(await segments(name), [1, 2, 3, 4, 5])
  // the number that it takes for free is not
  assert.equal(await first.write('f'), 6)
  assert.deepEqual([...first.known.values()], ['a', 'b', 'c', 'd', 'e', 'f'])

  await second.refresh()
  assert.equal(await second.fold(), true)
  assert.deepEqual(await segments(name), [1, 2, 3, 4, 5, 6], 'the first one did not hear of it')
  first.disk.limits.segments = 1 // its journal is long enough to look for a snapshot
  await first.refresh()
  await settled()
  await second.write('g')
  assert.equal(await second.fold(), true)
  assert.deepEqual(await segments(name), [6, 7])
})

test('who is put away, closed or crashed relies on nothing; back again it looks before it writes', async () => {
  for (const how of ['rest', 'close', 'crash']) {
    const name = newName()
    const { client } = fakeLocks()
    const locks = client()
    const [first, second] = [await openContext(name, locks), await openContext(name, client())]
    for (const value of ['a', 'b', 'c']) await first.write(value)
    if (how === 'rest') first.disk.rest()
    if (how === 'close') await first.disk.close()
    if (how === 'crash') locks.crash()
    await settled()
    for (const value of ['d', 'e']) await second.write(value)
    assert.equal(await second.fold(), true)
    assert.deepEqual(await segments(name), [5], how)
    if (how !== 'rest') continue
    assert.equal(await first.write('f'), 6)
    assert.deepEqual([...first.known.values()], ['a', 'b', 'c', 'd', 'e', 'f'])
  }
})

test('a commit that is under way when its page is put away is still safe', async () => {
  const name = newName()
  const { client } = fakeLocks()
  const [first, second] = [await openContext(name, client()), await openContext(name, client())]
  for (const value of ['a', 'b', 'c']) await first.write(value)
  await second.refresh()
  const others = second.write('d')
  await nextTask() // its transaction is the first
  const own = first.write('e')
  first.disk.rest()
  await others
  await second.fold()
  assert.equal(await own, 5)
  await second.refresh()
  assert.deepEqual([...second.known.values()], ['a', 'b', 'c', 'd', 'e'])
})

test('a wipe leaves no number free for who has a lease, and nothing else', async () => {
  const name = newName()
  const { client } = fakeLocks()
  const [behind, level, third] = [
    await openContext(name, client()),
    await openContext(name, client()),
    await openContext(name, client()),
  ]
  for (const value of ['a', 'b', 'c']) await behind.write(value)
  for (const value of ['d', 'e', 'f']) await level.write(value)
  await third.wipe()
  assert.deepEqual(await segments(name), [0, 0, 0, 0, 0, 0, 0])
  for (const stale of [behind, level]) {
    await assert.rejects(stale.write('x'), { code: 'storage-lost', message: /cleared/ })
    await assert.rejects(stale.refresh(), { code: 'storage-lost', message: /cleared/ })
    await stale.disk.close()
  }
  const fresh = await openContext(name, client())
  assert.deepEqual([...fresh.known], [])
  assert.equal(await fresh.write('g'), 8)
  assert.equal(await fresh.fold(), true)
  assert.deepEqual(await segments(name), [8])
})

test('what a wipe forgot does not come back with a fold that was under way', async () => {
  const name = newName()
  const { client } = fakeLocks()
  const [behind, folder] = [await openContext(name, client()), await openContext(name, client())]
  for (const value of ['a', 'b', 'c']) await behind.write(value)
  await folder.write('d')
  assert.equal(await folder.fold(), true) // `behind` has a lease, and did not hear of it
  await folder.write('e')
  // the folder stands still after its look at the manifest
  const { snapshots } = folder.disk
  const look = snapshots.currentManifest.bind(snapshots)
  let goOn = () => {}
  const looked = new Promise((resolve) => {
    snapshots.currentManifest = async () => {
      const manifest = await look()
      await new Promise((go) => {
        goOn = () => go(null)
        resolve(null)
      })
      return manifest
    }
  })
  const folding = folder.fold()
  await looked
  await behind.wipe()
  goOn()
  assert.equal(await folding, false)
  assert.deepEqual([...(await openContext(name, client())).known], [])
  const files = [...(await storedFiles(name)).keys()]
  assert.deepEqual(
    files.filter((path) => path.startsWith('snapshot/')),
    [],
  )
})

test('wiped while it is opened, a context does not take the old rows into the new database', async () => {
  const name = newName()
  const { client } = fakeLocks()
  const other = await openContext(name, client())
  for (const value of ['a', 'b']) await other.write(value)
  const { takeFiles } = IndexedDbDisk.prototype
  /** @type {Promise<unknown> | undefined} */
  let wiped
  /** @this {IndexedDbDisk} @param {Parameters<typeof takeFiles>} args */
  function takeAndWipe(...args) {
    takeFiles.apply(this, args)
    wiped = other.wipe()
  }
  IndexedDbDisk.prototype.takeFiles = takeAndWipe
  try {
    await assert.rejects(openContext(name, client()), { code: 'storage-lost', message: /cleared/ })
  } finally {
    IndexedDbDisk.prototype.takeFiles = takeFiles
  }
  await wiped
  assert.deepEqual([...(await openContext(name, client())).known], [])
})

test('who is never told who holds locks folds and wipes all the same', async () => {
  const silent = { ...fakeLocks().client(), query: () => new Promise(() => {}) }
  const context = await openContext(newName(), silent)
  await context.write('a')
  assert.equal(await context.fold(), true)
  const wiped = context.wipe()
  await assert.rejects(context.write('b'), /cleared/, 'though the wipe still waits for an answer')
  await wiped
})

test('a context whose database was wiped keeps nothing from being deleted', async () => {
  const name = newName()
  const { client } = fakeLocks()
  const stale = await openContext(name, client())
  for (const value of ['a', 'b']) await stale.write(value)
  await (await openContext(name, client())).wipe()
  await assert.rejects(stale.write('x'), /cleared/)
  const next = await openContext(name, client())
  for (const value of ['c', 'd', 'e']) await next.write(value)
  assert.equal(await next.fold(), true)
  assert.equal((await segments(name)).length, 1)
})

test('what was written while a page was put away does not bring its lease back', async () => {
  const { client } = fakeLocks()
  const locks = client()
  const context = await openContext(newName(), locks)
  for (const value of ['a', 'b']) await context.write(value)
  const last = context.write('c')
  context.disk.rest()
  await last
  await context.write('d')
  await settled()
  assert.deepEqual((await locks.query()).held, [])
})

test('folded segments that are read late do not count for the next fold', async () => {
  const name = newName()
  const { client } = fakeLocks()
  const [first, second] = [await openContext(name, client()), await openContext(name, client())]
  for (const value of ['a', 'b']) await first.write(value)
  for (let i = 0; i < 30; i++) await second.write(`${i}`)
  assert.equal(await second.fold(), true)
  first.disk.limits.segments = 2
  await first.refresh()
  assert.deepEqual([first.disk.isFoldDue(), first.known.size], [false, 32])
})

/** A history of contexts of one database; what must never be is asserted on the way. @param {number} seed */
async function live(seed) {
  const name = newName()
  const next = random(seed)
  const roll = (/** @type {number} */ sides) => Math.floor(next() * sides)
  const { client } = fakeLocks()
  /** @type {Map<number, string>} acknowledged, and not wiped since */
  const acknowledged = new Map()
  const counts = { writes: 0, alone: 0, folds: 0, wipes: 0, crashes: 0, rests: 0 }
  /** @type {Set<Promise<unknown>>} */
  const underWay = new Set()
  let isWiped = false
  let wiped = 0

  const open = async () => {
    const locks = client()
    // a lock is granted some time after it was asked for: others fold and delete in between
    const lag = async () => {
      for (let left = roll(3) === 0 ? roll(400) : 0; left > 0; left--) await settled()
    }
    const request = async (/** @type {[any, any, any]} */ ...args) => {
      await lag()
      return locks.request(...args)
    }
    const query = async () => {
      const answer = await locks.query()
      await lag()
      return answer
    }
    for (;;) {
      try {
        const slow = { ...locks, request, query }
        return { ...(await openContext(name, slow)), locks, isGone: false }
      } catch (error) {
        // wiped while it was opened
        assert.match(String(error), /cleared/)
      }
    }
  }
  /** @typedef {Awaited<ReturnType<typeof open>>} Living */

  /** @param {Living} context @param {() => Promise<unknown>} work */
  const start = (context, work) => {
    const done = work().catch((error) => {
      // a wipe of another context is the only thing that may go wrong
      if (context.isGone) return
      assert.equal(`${error.code} ${/cleared/.test(error.message)}`, 'storage-lost true', error)
      assert.ok(isWiped)
      context.isGone = true
    })
    underWay.add(done)
    return done.finally(() => underWay.delete(done))
  }

  /** @param {Living} context @param {string} value */
  const write = async (context, value) => {
    const before = wiped
    const isCovered = context.disk.lease.covers(context.disk.head)
    const seq = await context.write(value)
    assert.ok(!acknowledged.has(seq), `${seq} is acknowledged twice`)
    assert.ok(seq > before, `${seq} was written after a wipe up to ${before}`)
    if (seq > wiped) acknowledged.set(seq, value)
    counts.writes += 1
    if (isCovered) counts.alone += 1
  }

  /** @param {Living} context */
  const fold = async (context) => {
    // it does not try again when the connection is lost; the next one does
    if (await context.fold().catch(() => false)) counts.folds += 1
  }

  /** @param {Living} context */
  const wipe = async (context) => {
    isWiped = true
    await context.wipe()
    wiped = context.disk.head + 1
    for (const seq of acknowledged.keys()) if (seq <= wiped) acknowledged.delete(seq)
    context.isGone = true
    counts.wipes += 1
  }

  /** Put away, and back some time later. @param {Living} context */
  const rest = async (context) => {
    context.disk.rest()
    counts.rests += 1
    for (let left = roll(40); left > 0; left--) await settled()
    context.disk.wake()
  }

  /** @param {Living} context */
  const crash = async (context) => {
    context.isGone = true
    context.locks.crash()
    context.disk.database.drop()
    counts.crashes += 1
  }

  /** As Safari does: the handle is there, and dead. @param {Living} context */
  const disconnect = async (context) => context.disk.database.db?.close()

  /** In a hundred steps. @type {[number, (context: Living, step: number) => Promise<unknown>][]} */
  const ways = [
    [60, (context, step) => write(context, `${seed}/${step}`)],
    [12, (context) => context.refresh()],
    [12, fold],
    [6, rest],
    [2, disconnect],
    [7, crash],
    [1, wipe],
  ]
  const hundred = ways.flatMap(([share, way]) => Array.from({ length: share }, () => way))

  const contexts = [await open(), await open(), await open()]
  for (let step = 0; step < 120; step++) {
    const which = roll(contexts.length)
    if (contexts[which].isGone) {
      contexts[which].locks.crash()
      contexts[which] = await open()
    }
    const context = contexts[which]
    const done = start(context, () => hundred[roll(100)](context, step))
    context.disk.limits.segments = 1 + roll(8)
    const pace = roll(9)
    if (pace < 3) await done
    else if (pace < 5) await settled()
  }
  await Promise.all(underWay)
  const fresh = await open()
  for (const [seq, value] of acknowledged) assert.equal(fresh.known.get(seq), value)
  for (const seq of fresh.known.keys()) assert.ok(seq > wiped, `${seq} was wiped, up to ${wiped}`)
  for (const context of contexts) {
    if (!context.isGone) await start(context, () => context.refresh())
    if (!context.isGone)
      assert.deepEqual(new Map([...context.known].sort()), new Map([...fresh.known].sort()))
  }
  return counts
}

test('100 histories: nothing acknowledged is lost, and every context knows it', async (t) => {
  const sum = { writes: 0, alone: 0, folds: 0, wipes: 0, crashes: 0, rests: 0 }
  for (let seed = 1; seed <= 100; seed++) {
    const counts = await live(seed).catch((error) => {
      throw new Error(`seed ${seed}: ${error.message}`, { cause: error })
    })
    for (const [what, count] of Object.entries(counts))
      sum[/** @type {keyof typeof sum} */ (what)] += count
    closeDisks()
  }
  t.diagnostic(JSON.stringify(sum))
  for (const count of Object.values(sum)) assert.ok(count > 50)
})
