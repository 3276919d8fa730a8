// What docs/zustand.md shows, as it stands there, and what it says of nobody signed in.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { afterEach, test } from 'node:test'
import { seedMappings, syncStore } from '../../js/zustand.js'
import { closeClients, newClient } from '../support/full-disk.js'
import { until } from '../support/open-client.js'
import { entry, journalStore, storeOf } from '../support/stores.js'

afterEach(closeClients)

const page = await readFile(new URL('../../docs/zustand.md', import.meta.url), 'utf8')
const id = '00000000-0000-4000-8000-000000000001'

test('the mapping of the page keeps notes, and takes nothing else for one', async () => {
  const [, code] = page.match(/```js\n(syncStore\(useNotes[\s\S]*?)```/) ?? []
  const client = await newClient()
  const [useNotes, journal] = [storeOf(() => ({ notes: [] })), journalStore()]
  syncStore(journal, client, seedMappings.journal)
  journal.getState().add(entry('a'))
  new Function('syncStore', 'useNotes', 'client', String(code))(syncStore, useNotes, client)
  assert.deepEqual(useNotes.getState().notes, [])
  useNotes.setState({ notes: [{ id, text: 'milk' }] })
  await until(() => client.collection('logs').get(id)?.category === 'note')
  await client.collection('logs').patch(id, { content: 'milk, bread' })
  assert.deepEqual(useNotes.getState().notes, [{ id, text: 'milk, bread' }])
})

test('nobody is signed in: the store is left alone, and hydrated waits', async () => {
  const client = await newClient({ auth: async () => null })
  const store = storeOf(() => ({ theme: 'dark' }))
  let isHydrated = false
  syncStore(store, client, seedMappings.theme).hydrated.then(() => {
    isHydrated = true
  })
  store.setState({ theme: 'light' })
  await client.close()
  assert.deepEqual([isHydrated, store.getState()], [false, { theme: 'light' }])
})
