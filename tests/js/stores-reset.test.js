// What leads back to how a store began: an edit, or an app that signs out. Real zustand stores, the compiled engine.

import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { seedMappings, syncStore } from '../../js/zustand.js'
import { closeClients, newClient } from '../support/full-disk.js'
import { newDatabase, until } from '../support/open-client.js'
import { entry, journalStore, progressStore, storeOf } from '../support/stores.js'

afterEach(closeClients)

const themeStore = () => storeOf(() => ({ theme: 'system', other: 0 }))

/** @param {any} client */
const themeOf = (client) => client.collection('theme').get('self')?.theme

test('one field that goes back to how it began is an edit, and is so at the next start', async () => {
  const database = newDatabase()
  let client = await newClient({ database })
  let store = themeStore()
  let stop = syncStore(store, client, seedMappings.theme)
  store.setState({ theme: 'dark' })
  await until(() => themeOf(client) === 'dark')
  store.setState({ theme: 'system' })
  await until(() => themeOf(client) === 'system')
  stop()
  await client.close()
  client = await newClient({ database })
  store = themeStore()
  store.setState({ theme: 'light' })
  stop = syncStore(store, client, seedMappings.theme)
  assert.equal(store.getState().theme, 'system')
  stop()
})

test('a text that goes back to what the row has is no edit, and nothing is left of it', async () => {
  const client = await newClient()
  const store = themeStore()
  const stop = syncStore(store, client, seedMappings.theme)
  await client.collection('theme').put('self', { theme: 'system' })
  let writes = 0
  client.collection('theme').subscribe(() => {
    writes += 1
  })
  store.setState({ theme: 'light' })
  store.setState({ theme: 'system' })
  await client.collection('theme').put('self', { theme: 'dark' })
  assert.equal(store.getState().theme, 'dark')
  stop()
  assert.deepEqual([themeOf(client), store.getState().theme, writes], ['dark', 'dark', 1])
})

test('a store that goes back to how it began is not written', async () => {
  const client = await newClient()
  const [progress, journal] = [progressStore(), journalStore()]
  syncStore(progress, client, seedMappings.progress)
  syncStore(journal, client, { ...seedMappings.journal, deletes: 'diff' })
  progress.setState({ totalCompletions: 3, lastCompletedDate: '2026-11-20', complianceStreak: 2 })
  for (const id of ['a', 'b']) journal.getState().add(entry(id))
  await until(() => client.collection('logs').size === 2)
  progress.setState(progress.getInitialState())
  journal.setState(journal.getInitialState())
  await client.collection('theme').put('self', { theme: 'dark' }) // after what these would have written
  const row = () => client.collection('progress').get('self')
  assert.deepEqual([row().totalCompletions, row().complianceStreak], [3, 2])
  assert.equal(client.collection('logs').size, 2)
})

test('the only item, taken out by its user, is deleted', async () => {
  const client = await newClient()
  const journal = journalStore()
  syncStore(journal, client, { ...seedMappings.journal, deletes: 'diff' })
  journal.getState().add(entry('a'))
  await until(() => client.collection('logs').size === 1)
  journal.getState().drop('a')
  await until(() => client.collection('logs').size === 0)
})

test('a store that held one thing, and is emptied, is not written', async () => {
  const client = await newClient()
  const path = storeOf(() => ({ katas: [], birthData: null })) // names less than its row has
  const [progress, journal] = [progressStore(), journalStore()]
  syncStore(progress, client, seedMappings.progress)
  syncStore(path, client, seedMappings.sovereignPath)
  syncStore(journal, client, { ...seedMappings.journal, deletes: 'diff' })
  progress.setState({ totalCompletions: 3 })
  path.setState({ birthData: { place: 'Bern' } })
  journal.getState().add(entry('a'))
  await until(() => client.collection('logs').size === 1 && client.collection('path').size === 1)
  for (const store of [progress, path, journal]) store.setState(store.getInitialState())
  await client.collection('theme').put('self', { theme: 'dark' }) // after what these would have written
  assert.equal(client.collection('progress').get('self').totalCompletions, 3)
  assert.deepEqual(client.collection('path').get('self').birthData, { place: 'Bern' })
  assert.equal(client.collection('logs').size, 1)
})
