// A commit whose end nobody heard of and that nobody can take back: it goes on until it is known whether it is stored,
// and is stored once. The disk alone, whose engine is a list of texts; failures are injected at IndexedDB itself.

import 'fake-indexeddb/auto'
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import {
  bytes,
  closeDisks,
  hangingTab,
  newName,
  noVectors,
  openDisk,
  text,
} from '../support/disks.js'
import { result } from '../support/fake-fs.js'
import { fakeLocks } from '../support/fake-locks.js'
import { until } from '../support/open-client.js'

afterEach(closeDisks)

/** @param {string} name @param {any} [locks] */
async function openContext(name, locks) {
  const disk = openDisk(name, { timeoutMs: 200, locks })
  /** @type {string[]} */
  const seen = []
  /** @type {import('../../js/storage/disk.js').OnSegment} */
  const onSegment = (seq, contents) => void seen.push(`${seq} ${text(contents)}`)
  await disk.load(onSegment)
  let unsure = 0
  const write = (/** @type {string} */ value) =>
    disk.commit(
      () => bytes(value),
      onSegment,
      () => {
        unsure += 1
      },
    )
  return { disk, seen, write, timesUnsure: () => unsure }
}

/** One that writes without looking, and has written two segments. */
async function openWithLease(locks = fakeLocks()) {
  const name = newName()
  const context = await openContext(name, locks.client())
  for (const value of ['a', 'b']) await context.write(value)
  await until(() => context.disk.lease.covers(context.disk.head))
  return { name, ...context }
}

/** @param {string} name */
const stored = async (name) => (await openContext(name)).seen

/** @param {Promise<unknown>} promise @param {() => boolean} happened */
async function isOpenAfter(promise, happened) {
  let isOpen = true
  const settled = () => {
    isOpen = false
  }
  promise.then(settled, settled)
  await until(happened)
  await pause(0)
  return isOpen
}

/** The next transaction that is asked to end does so, and nobody hears of it. @param {any} t @param {boolean} isStored */
function loseEnd(t, isStored) {
  const { commit } = IDBTransaction.prototype
  t.mock.method(
    IDBTransaction.prototype,
    'commit',
    /** @this {any} */ function () {
      IDBTransaction.prototype.commit = commit
      const { onabort } = this
      this.onabort = null
      Object.defineProperty(this, 'oncomplete', { get: () => null, set: () => {} })
      if (isStored) commit.call(this)
      else this.abort()
      setTimeout(() => onabort.call(this, {}), 30)
    },
  )
}

/** @param {any} t @returns {() => void} makes it possible again */
function closeDoor(t) {
  const { mock } = t.mock.method(indexedDB, 'open', () => {
    throw new DOMException('the connection was lost', 'UnknownError')
  })
  return () => mock.restore()
}

test('behind a context that hangs it waits, and is acknowledged once that goes on', async () => {
  const { name, write, seen, timesUnsure } = await openWithLease()
  const goOn = await hangingTab(name)
  const done = write('c')
  const next = write('d')
  assert.ok(await isOpenAfter(done, () => timesUnsure() > 1))
  await goOn()
  assert.deepEqual([await done, await next], [3, 4])
  assert.deepEqual(seen, [], 'no segment of its own is given to the engine as another context’s')
  assert.deepEqual(await stored(name), ['1 a', '2 b', '3 c', '4 d'])
})

for (const isStored of [true, false]) {
  const title = isStored ? 'stored after all is found' : 'not stored is written again'
  test(`a connection that cannot be made again for a while: what is ${title}`, async (t) => {
    const { name, write, timesUnsure } = await openWithLease()
    loseEnd(t, isStored)
    const openDoor = closeDoor(t)
    const done = write('c')
    assert.ok(await isOpenAfter(done, () => timesUnsure() > 1))
    openDoor()
    assert.equal(await done, 3)
    assert.equal(await write('d'), 4)
    assert.deepEqual(await stored(name), ['1 a', '2 b', '3 c', '4 d'])
  })
}

test('one that was at its end when it was given up, without a lease', async (t) => {
  const name = newName()
  const { write, timesUnsure } = await openContext(name)
  await write('a')
  const { transaction } = IDBDatabase.prototype
  let tries = 0
  const { mock } = t.mock.method(
    IDBDatabase.prototype,
    'transaction',
    /** @this {any} @param {any[]} args */ function (...args) {
      if (tries++ > 0) throw new DOMException('made up', 'UnknownError')
      const made = transaction.apply(this, /** @type {any} */ (args))
      Object.defineProperty(made, 'oncomplete', { get: () => null, set: () => {} })
      made.addEventListener('complete', () => {
        made.abort = () => {
          throw new DOMException('made up', 'InvalidStateError')
        }
      })
      return made
    },
  )
  const done = write('b')
  assert.ok(await isOpenAfter(done, () => timesUnsure() > 0))
  mock.restore()
  assert.equal(await done, 2)
  assert.deepEqual(await stored(name), ['1 a', '2 b'])
})

test('cleared meanwhile: it says so, and waits no longer', async () => {
  const { name, write, timesUnsure } = await openWithLease()
  const goOn = await hangingTab(name)
  const done = write('c')
  assert.ok(await isOpenAfter(done, () => timesUnsure() > 0))
  const deleted = result(indexedDB.deleteDatabase(name))
  await goOn()
  await deleted
  await assert.rejects(done, { code: 'storage-lost', message: /was cleared/ })
  const names = (await indexedDB.databases()).map((db) => db.name)
  assert.ok(!names.includes(name), 'not even an empty database')
})

test('folded meanwhile, for a context that was put away: nobody can tell, and it says so', async (t) => {
  const locks = fakeLocks()
  const { name, disk, write, timesUnsure } = await openWithLease(locks)
  loseEnd(t, true)
  const { mock } = t.mock.method(disk.database, 'open', () => Promise.reject(new Error('lost')))
  const done = write('c')
  assert.ok(await isOpenAfter(done, () => timesUnsure() > 0))
  disk.rest()
  const other = await openContext(name, locks.client())
  assert.equal(await other.write('d'), 4)
  const pieces = ['abcd', '']
  const nextPiece = () => bytes(/** @type {string} */ (pieces.shift()))
  assert.ok(await other.disk.fold({ ...noVectors, to: 4, isWhole: true, rows: 4, nextPiece }))
  mock.restore()
  await assert.rejects(done, { code: 'storage-lost', message: /look whether .* is there/ })
  assert.deepEqual(await stored(name), ['4 abcd'])
})

test('nobody waits any more: it says that it may be stored, and it is later', async () => {
  const { name, disk, write, timesUnsure } = await openWithLease()
  const goOn = await hangingTab(name)
  const done = write('c')
  assert.ok(await isOpenAfter(done, () => timesUnsure() > 0))
  const refused = assert.rejects(done, {
    code: 'storage-lost',
    message: /look whether .* is there/,
  })
  await disk.close()
  await refused
  await goOn()
  assert.deepEqual(await stored(name), ['1 a', '2 b', '3 c'])
})
