// Whose session stands when a store is opened: real zustand stores, the compiled engine.

import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { seedMappings, syncStore } from '../../js/zustand.js'
import { closeClients, newClient } from '../support/full-disk.js'
import { anna, ben, until } from '../support/open-client.js'
import { newStorage, storeOf } from '../support/stores.js'

afterEach(closeClients)

/** @param {any} [storage] */
const authStore = (storage) =>
  storeOf(() => ({ session: null, email: null, pin: '1234' }), 'auth', storage)

/** @param {number} expires_at @param {string} [id] */
const session = (expires_at, id = anna) => ({
  access_token: `of ${expires_at}`,
  expires_at,
  user: { id },
})

/** @param {any} client */
const rowOf = (client) => client.collection('auth').get('self')

test('a session that the app has before the client opens stands over one that ends sooner', async () => {
  const client = await newClient()
  await client.collection('auth').put('self', { session: session(1000), email: 'old@b.c' })
  const store = authStore()
  store.setState({ session: session(2000), email: 'a@b.c' })
  syncStore(store, client, seedMappings.auth)
  assert.deepEqual(store.getState().session, session(2000))
  assert.equal(store.getState().email, 'a@b.c')
  await until(() => rowOf(client).session.expires_at === 2000)
  assert.equal(rowOf(client).email, 'a@b.c')
})

test('a persisted session that was refreshed without a sync stands; one that ends sooner does not', async () => {
  const client = await newClient()
  const storage = newStorage()
  const first = authStore(storage)
  const stop = syncStore(first, client, seedMappings.auth)
  first.setState({ session: session(1000), email: 'a@b.c' })
  await until(() => rowOf(client)?.session.expires_at === 1000)
  stop()
  first.setState({ session: session(2000) })
  const second = authStore(storage)
  const stopSecond = syncStore(second, client, seedMappings.auth)
  assert.equal(second.getState().session.expires_at, 2000)
  await until(() => rowOf(client).session.expires_at === 2000)
  stopSecond()
  await client.collection('auth').patch('self', { session: session(3000) })
  const third = authStore(storage)
  syncStore(third, client, seedMappings.auth)
  assert.equal(third.getState().session.expires_at, 3000)
})

test('a session of somebody else, or of nobody known, never stands', async () => {
  const client = await newClient()
  await client.collection('auth').put('self', { session: session(1000), email: 'a@b.c' })
  for (const foreign of [session(9000, ben), { ...session(9000), user: undefined }]) {
    const store = authStore()
    store.setState({ session: foreign, email: 'ben@b.c' })
    syncStore(store, client, seedMappings.auth)()
    assert.deepEqual(store.getState().session, session(1000))
  }
  assert.deepEqual(rowOf(client), { session: session(1000), email: 'a@b.c' })
})
