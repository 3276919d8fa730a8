// Counts of a store whose write was given up behind a hanging tab: nobody can tell at first whether they are stored.
// Real zustand stores, the compiled engine, an IndexedDB transaction that another connection holds up.

import assert from 'node:assert/strict'
import { afterEach, mock, test } from 'node:test'
import { stateOf } from '../../js/client.js'
import { bindSync, syncUserProgress } from '../../js/supabase-sync-extended.js'
import { seedMappings, syncStore } from '../../js/zustand.js'
import { agreeableServer } from '../support/agreeable-server.js'
import { hangingTab } from '../support/disks.js'
import { fakeLocks } from '../support/fake-locks.js'
import { closeClients, newClient } from '../support/full-disk.js'
import { newDatabase, until } from '../support/open-client.js'
import { newStorage, progressStore } from '../support/stores.js'

const lookAgainMs = 3_000
const retryMs = 10_000

/** What waits before it looks again, or tries again: let go by letGo(). @type {{ ms: number, work: () => void }[]} */
let later = []

function holdLater() {
  const { setTimeout } = globalThis
  const hold = (/** @type {() => void} */ work, /** @type {number} */ ms) => {
    if (ms !== lookAgainMs && ms !== retryMs) return setTimeout(work, ms)
    later.push({ ms, work })
    return setTimeout(() => {}, 0)
  }
  mock.method(globalThis, 'setTimeout', hold)
}

afterEach(async () => {
  later = []
  mock.restoreAll()
  bindSync(null)
  await closeClients()
})

/** @param {number} ms */
const letGo = async (ms) => {
  await until(() => later.some((each) => each.ms === ms))
  const works = later.filter((each) => each.ms === ms)
  later = later.filter((each) => each.ms !== ms)
  for (const { work } of works) work()
}

/** A client that writes without looking, of a user who has completed one routine. */
async function newContext() {
  const database = newDatabase()
  const client = await newClient({ database, fetch: agreeableServer() })
  const { disk } = /** @type {any} */ (stateOf(client).parts).core.host
  disk.lease.locks = fakeLocks().client()
  const { watchdog } = disk.database
  watchdog.ms = 200
  clearTimeout(watchdog.timer)
  watchdog.timer = undefined
  await client.collection('progress').put('self', { totalCompletions: 1 })
  await client.collection('theme').put('self', { theme: 'dark' })
  await until(() => disk.lease.covers(disk.head))
  holdLater()
  return { client, disk, database }
}

/** The browser loses the next transaction that is asked to end, and the connection with it. */
function loseTransaction() {
  const { commit } = IDBTransaction.prototype
  mock.method(
    IDBTransaction.prototype,
    'commit',
    /** @this {any} */ function () {
      IDBTransaction.prototype.commit = commit
      const { open } = indexedDB
      indexedDB.open = () => {
        indexedDB.open = open
        throw new DOMException('the connection was lost', 'UnknownError')
      }
      this.abort()
    },
  )
}

/**
 * A write whose promise was rejected, and nobody knows yet whether it is stored.
 * @template T
 * @param {{ client: any, disk: any }} context
 * @param {boolean} isStored
 * @param {() => T} write
 */
async function unsure({ client, disk }, isStored, write) {
  const end = isStored ? await hangingTab(disk.name) : async () => {}
  if (!isStored) loseTransaction()
  const result = write()
  await until(() => client.errors.includes('storage-lost'))
  await end()
  return result
}

const totalOf = (/** @type {any} */ client) =>
  client.collection('progress').get('self').totalCompletions

/** @param {any} store @param {any} client */
const totals = (store, client) => [store.getState().totalCompletions, totalOf(client)]

for (const isStored of [true, false]) {
  const title = isStored ? 'that was stored after all' : 'that was not stored'

  test(`a completion ${title} is counted once`, async () => {
    const context = await newContext()
    const { client } = context
    const store = progressStore()
    syncStore(store, client, seedMappings.progress)
    await unsure(context, isStored, () => store.getState().completeRoutine('2026-11-21'))
    assert.deepEqual(totals(store, client), [2, 1])
    await letGo(lookAgainMs)
    if (!isStored) await letGo(retryMs)
    await until(() => totalOf(client) === 2)
    store.getState().completeRoutine('2026-11-22')
    await client.collection('theme').put('self', { theme: 'light' })
    assert.deepEqual(totals(store, client), [3, 3])
    assert.deepEqual(later, [], 'nothing waits')
  })

  test(`a completion ${title} is counted once by who opens the persisted store next`, async () => {
    const context = await newContext()
    const { client, database } = context
    const storage = newStorage()
    const store = progressStore(storage)
    syncStore(store, client, seedMappings.progress)
    await client.sync()
    await until(() => client.collection('stores').keys().length > 0) // taken over
    await client.sync()
    await unsure(context, isStored, () => store.getState().completeRoutine('2026-11-21'))
    await until(() => store.getState().somaticUnwritten)
    await client.close()
    mock.restoreAll()
    const next = await newClient({ database, fetch: agreeableServer() })
    const reopened = progressStore(storage)
    syncStore(reopened, next, seedMappings.progress)
    await until(() => totalOf(next) === 2)
    await next.collection('theme').put('self', { theme: 'light' })
    assert.deepEqual(totals(reopened, next), [2, 2])
  })

  test(`a reported completion ${title} is counted once when it is reported again`, async () => {
    const context = await newContext()
    const { client } = context
    bindSync(client)
    const report = (/** @type {number} */ totalCompletions) =>
      syncUserProgress({ complianceStreak: 1, lastCompletedDate: '2026-11-21', totalCompletions })
    assert.deepEqual(await report(1), { success: true })
    const before = totalOf(client)
    const { success } = await unsure(context, isStored, () => report(2))
    assert.equal(success, false)
    await letGo(lookAgainMs)
    if (isStored) await until(() => totalOf(client) === before + 1)
    else await client.collection('theme').put('self', { theme: 'light' }) // after the look
    assert.deepEqual(await report(2), { success: true })
    assert.equal(totalOf(client), before + 1)
  })
}
