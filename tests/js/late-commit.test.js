// A commit that was given up while another tab hung, and was stored all the same: what others wrote meanwhile comes
// after it, for the context that wrote it too. Clients on the compiled core, each a context of its own.

import 'fake-indexeddb/auto'
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { stateOf } from '../../js/client.js'
import { bytes, closeDisks, hangingTab, newName, openDisk, text } from '../support/disks.js'
import { fakeLocks } from '../support/fake-locks.js'
import { engines, newDatabase, openClient, until } from '../support/open-client.js'

const compiled = engines.find(({ name }) => name === 'compiled engine')
const timeoutMs = 400
const id = '00000000-0000-4000-8000-000000000001'

/** @type {any[]} */
let open = []
afterEach(async () => {
  for (const client of open) await client.close()
  open = []
  closeDisks()
})

/** @param {string} database @param {any} [locks] */
async function openContext(database, locks) {
  const client = await openClient({ storage: 'indexeddb', database }, compiled?.createModule)
  open.push(client)
  const { core } = /** @type {any} */ (stateOf(client).parts)
  const { disk } = core.host
  const { watchdog } = disk.database
  watchdog.ms = timeoutMs
  clearTimeout(watchdog.timer)
  watchdog.timer = undefined
  disk.lease.locks = locks
  return { client, core, disk }
}

/**
 * A writes behind a hanging tab, then B; the tab goes on when A has given up and looks whether it is stored.
 * @param {{ first: (client: any) => Promise<void>, a: (client: any) => Promise<void>, b: (client: any) => Promise<void>, look: (client: any) => unknown }} steps
 */
async function meanwhile({ first, a, b, look }) {
  const database = newDatabase()
  const A = await openContext(database, fakeLocks().client())
  const B = await openContext(database)
  for (let i = 0; i < 3; i++)
    await A.client.collection('progress').increment('self', 'totalCompletions')
  await first(A.client)
  await until(() => A.disk.lease.covers(A.disk.head))
  await A.client.collection('progress').increment('self', 'totalCompletions')
  await pause(100) // what B does at the news of that must not be queued behind the hanging tab
  await B.core.refresh()
  const goOn = await hangingTab(A.disk.name)
  /** @type {string[]} */
  const order = []
  const ofA = a(A.client)
  await pause(timeoutMs / 2)
  const ofB = b(B.client)
  await pause(timeoutMs * 0.75)
  await goOn()
  await Promise.all([ofA.then(() => order.push('A')), ofB.then(() => order.push('B'))])
  assert.deepEqual(order, ['B', 'A'], 'A found its own segment and B’s in one look')
  for (const { core } of [A, B]) await core.refresh()
  const fresh = await openContext(database)
  const all = [A, B, fresh].map(({ client }) => look(client))
  assert.deepEqual([all[0], all[1]], [all[2], all[2]])
  return all[0]
}

test('counts of both are there once', { skip: !compiled }, async () => {
  const add = (/** @type {number} */ by) => (/** @type {any} */ client) =>
    client.collection('progress').increment('self', 'totalCompletions', by)
  const total = await meanwhile({
    first: async () => {},
    a: add(10),
    b: add(100),
    look: (client) => client.collection('progress').get('self').totalCompletions,
  })
  assert.equal(total, 114)
})

test('an edit and a removal end equal everywhere', { skip: !compiled }, async () => {
  await meanwhile({
    first: (client) => client.collection('logs').put(id, { category: 'journal', content: 'x' }),
    a: (client) => client.collection('logs').patch(id, { content: 'edited' }),
    b: (client) => client.collection('logs').remove(id),
    look: (client) => [client.collection('logs').get(id), client.status().pending],
  })
})

test('a connection lost after the end was asked for: the rejection says that it may be stored', async (t) => {
  const name = newName()
  const disk = openDisk(name, { timeoutMs, locks: fakeLocks().client() })
  await disk.load(() => {})
  const write = (/** @type {string} */ value) =>
    disk.commit(
      () => bytes(value),
      () => {},
    )
  for (const value of ['a', 'b']) await write(value)
  await until(() => disk.lease.covers(disk.head))
  await write('c')
  const { commit } = IDBTransaction.prototype
  t.mock.method(
    IDBTransaction.prototype,
    'commit',
    /** @this {any} */ function () {
      commit.call(this)
      const { onabort } = this
      this.onabort = null
      Object.defineProperty(this, 'oncomplete', { get: () => null, set: () => {} })
      setTimeout(() => onabort.call(this, {}), 30)
    },
  )
  t.mock.method(indexedDB, 'open', () => {
    throw new DOMException('the connection was lost', 'UnknownError')
  })
  await assert.rejects(write('d'), { code: 'storage-lost', message: /look whether .* is there/ })
  t.mock.restoreAll()
  /** @type {string[]} */
  const stored = []
  await openDisk(name).load((seq, contents) => void stored.push(`${seq} ${text(contents)}`))
  assert.deepEqual(stored, ['1 a', '2 b', '3 c', '4 d'])
})

test('a look that found the own segment and failed: the context reads it later, as another’s', async () => {
  const name = newName()
  const disk = openDisk(name, { timeoutMs, locks: fakeLocks().client() })
  /** @type {string[]} */
  const seen = []
  /** @type {import('../../js/storage/disk.js').OnSegment} */
  const onSegment = (seq, contents) => void seen.push(`${seq} ${text(contents)}`)
  await disk.load(onSegment)
  const write = (/** @type {string} */ value) => disk.commit(() => bytes(value), onSegment)
  for (const value of ['a', 'b']) await write(value)
  await until(() => disk.lease.covers(disk.head))
  const goOn = await hangingTab(name)
  const refused = assert.rejects(write('c'), { code: 'storage-lost', message: /look whether/ })
  await pause(timeoutMs * 1.5)
  const { reader } = disk
  const { readNew } = reader
  /** @type {(number | null)[]} */
  const found = []
  reader.readNew = (files, fail, onOther, next) =>
    readNew.call(reader, files, fail, onOther, (own) => {
      next(own)
      found.push(own)
      files.transaction.abort()
    })
  await goOn()
  await refused
  assert.deepEqual(found, [3])
  reader.readNew = readNew
  await disk.refresh(onSegment)
  assert.deepEqual(seen, ['3 c'])
  assert.equal(await write('d'), 4)
})
