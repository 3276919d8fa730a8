// Stores whose write waits behind a tab that hangs: it counts once, and a reload meanwhile loses nothing. Real zustand
// stores, the compiled engine, an IndexedDB transaction that another connection holds up.

import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { stateOf } from '../../js/client.js'
import { seedMappings, syncStore } from '../../js/zustand.js'
import { agreeableServer } from '../support/agreeable-server.js'
import { closeDisks, hangingTab } from '../support/disks.js'
import { result } from '../support/fake-fs.js'
import { fakeLocks } from '../support/fake-locks.js'
import { closeClients, newClient } from '../support/full-disk.js'
import { newDatabase, until } from '../support/open-client.js'
import {
  edit,
  entry,
  itemOf,
  journalStore,
  newStorage,
  progressStore,
  rowOf,
} from '../support/stores.js'

afterEach(() => {
  closeDisks()
  return closeClients()
})

/** A client of its own, as a page has it. @param {string} database */
async function openPage(database) {
  const client = await newClient({ database, fetch: agreeableServer() })
  const { disk } = /** @type {any} */ (stateOf(client).parts).core.host
  return { client, disk }
}

/** One that writes without looking, of a user who has completed one routine, and its stores. @param {any} [storage] */
async function openHanging(storage) {
  const database = newDatabase()
  const { client, disk } = await openPage(database)
  disk.lease.locks = fakeLocks().client()
  const { watchdog } = disk.database
  watchdog.ms = 200
  clearTimeout(watchdog.timer)
  watchdog.timer = undefined
  await client.collection('progress').put('self', { totalCompletions: 1 })
  await client.collection('theme').put('self', { theme: 'dark' })
  const [journal, progress] = bound(client, storage)
  journal.getState().add(entry('a', 'x'))
  await client.sync()
  await until(() => disk.lease.covers(disk.head))
  return { database, client, disk, journal, progress, goOn: await hangingTab(disk.name) }
}

/** @param {any} client @param {any} [storage] */
function bound(client, storage) {
  const [journal, progress] = [journalStore(storage), progressStore(storage)]
  syncStore(journal, client, seedMappings.journal)
  syncStore(progress, client, seedMappings.progress)
  return [journal, progress]
}

/** The browser threw away what was being written. @param {any} disk */
async function forgetNewest(disk) {
  const db = await result(indexedDB.open(disk.name))
  const files = db.transaction('FILE_DATA', 'readwrite').objectStore('FILE_DATA')
  await result(files.delete(disk.paths.segment(disk.head + 1)))
  db.close()
}

/** @param {any} progress @param {any} client */
const totals = (progress, client) => [
  progress.getState().totalCompletions,
  client.collection('progress').get('self').totalCompletions,
]

test('completions and texts written meanwhile are there once, and show all the while', async () => {
  const storage = newStorage()
  const { database, client, journal, progress, goOn } = await openHanging(storage)
  progress.getState().completeRoutine('2026-11-21')
  edit(journal, 'a', { content: 'xy', mood: 'light' })
  await until(() => client.status().storage === 'failing')
  progress.getState().completeRoutine('2026-11-22')
  edit(journal, 'a', { content: 'xyz', mood: 'calm' })
  assert.match(String(storage.getItem('progress')), /somaticUnwritten/)
  assert.deepEqual([totals(progress, client), itemOf(journal, 'a').content], [[3, 3], 'xyz'])
  await goOn()
  await until(() => client.status().storage === 'durable')
  await client.collection('theme').put('self', { theme: 'light' })
  assert.deepEqual([totals(progress, client), itemOf(journal, 'a').content], [[3, 3], 'xyz'])
  for (const name of ['progress', 'journal'])
    await until(() => !/somaticUnwritten/.test(String(storage.getItem(name))))
  const { client: fresh } = await openPage(database)
  assert.equal(fresh.collection('progress').get('self').totalCompletions, 3)
  assert.equal(rowOf(fresh, 'a').content, 'xyz')
})

for (const isStored of [true, false]) {
  const fate = isStored ? 'was stored' : 'was not stored'
  test(`a page killed meanwhile, whose write ${fate}: the next one has all of it, once`, async (t) => {
    const storage = newStorage()
    const { database, client, disk, journal, progress, goOn } = await openHanging(storage)
    progress.getState().completeRoutine('2026-11-21')
    edit(journal, 'a', { content: 'xy', mood: 'light' })
    await until(() => client.status().storage === 'failing')
    progress.getState().completeRoutine('2026-11-22')
    edit(journal, 'a', { content: 'xyz', mood: 'calm' })
    await until(() =>
      /"totalCompletions":3.*somaticUnwritten/.test(storage.getItem('progress') ?? ''),
    )
    const kept = ['journal', 'progress'].map((name) => [name, String(storage.getItem(name))])
    t.mock.method(disk.database, 'open', () => Promise.reject(new Error('killed')))
    disk.database.db = null
    await goOn()
    if (!isStored) await forgetNewest(disk)
    const { client: next } = await openPage(database)
    const before = next.collection('progress').get('self').totalCompletions
    assert.equal(before, isStored ? 2 : 1)
    const after = newStorage()
    for (const [name, state] of kept) after.setItem(name, state)
    const [journalAfter, progressAfter] = bound(next, after)
    await until(() => next.collection('progress').get('self').totalCompletions === 3)
    await until(() => rowOf(next, 'a').content === 'xyz')
    await until(() => next.status().storage === 'durable')
    assert.deepEqual(totals(progressAfter, next), [3, 3])
    const { content, mood } = itemOf(journalAfter, 'a')
    assert.deepEqual([content, mood], ['xyz', 'calm'])
    for (const name of ['progress', 'journal'])
      await until(() => !/somaticUnwritten/.test(String(after.getItem(name))))
  })
}
