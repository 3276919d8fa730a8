// What a store has and its rows do not have yet: real zustand stores, the compiled engine, a disk that is full.

import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { bindSync, syncUserProgress } from '../../js/supabase-sync-extended.js'
import { seedMappings, syncStore } from '../../js/zustand.js'
import { closeClients, fillDisk, makeRoom, newClient } from '../support/full-disk.js'
import { until } from '../support/open-client.js'
import {
  edit,
  entry,
  ids,
  itemOf,
  journalStore,
  newStorage,
  progressStore,
  rowOf,
  storeOf,
} from '../support/stores.js'

afterEach(async () => {
  bindSync(null)
  await closeClients()
})

test('typing in one member of a JSON field leaves the others to whoever changes them meanwhile', async () => {
  const client = await newClient()
  const store = journalStore()
  const stop = syncStore(store, client, seedMappings.journal)
  store.getState().add({ ...entry('a'), energyLevel: 3, insights: '' })
  edit(store, 'a', { insights: 'Res' })
  const { id, metadata } = rowOf(client, 'a')
  await client.collection('logs').patch(id, { metadata: { ...metadata, energyLevel: 9 } })
  assert.deepEqual([itemOf(store, 'a').energyLevel, itemOf(store, 'a').insights], [9, 'Res'])
  edit(store, 'a', { insights: 'Rest' })
  stop()
  const written = rowOf(client, 'a').metadata
  assert.deepEqual([written.energyLevel, written.insights], [9, 'Rest'])
})

test('a full disk: the store and what it persists keep what was entered, until it is written', async () => {
  const client = await newClient()
  const storage = newStorage()
  const store = journalStore(storage)
  syncStore(store, client, seedMappings.journal)
  store.getState().add(entry('a'))
  await client.collection('progress').put('self', {}) // durable, and all before it
  fillDisk()
  edit(store, 'a', { content: 'every word', energyLevel: 2 })
  store.getState().add(entry('b', 'a new one'))
  await until(() => client.errors.includes('quota') && !rowOf(client, 'b'))
  const kept = () => [itemOf(store, 'a').content, itemOf(store, 'b')?.content]
  assert.deepEqual(kept(), ['every word', 'a new one'])
  assert.match(String(storage.getItem('journal')), /every word.*a new one/)
  makeRoom()
  store.getState().add(entry('c'))
  await until(() => rowOf(client, 'b')?.content === 'a new one')
  assert.deepEqual([rowOf(client, 'a').content, ids(store)], ['every word', ['a', 'b', 'c']])
})

test('a full disk: a completion counts once when there is room again', async () => {
  const client = await newClient()
  bindSync(client)
  const store = progressStore()
  syncStore(store, client, seedMappings.progress)
  store.getState().completeRoutine('2026-11-20')
  await until(() => client.status().pending === 1)
  await client.collection('theme').put('self', { theme: 'dark' })
  fillDisk()
  store.getState().completeRoutine('2026-11-21')
  await until(() => client.errors.includes('quota'))
  assert.equal(store.getState().totalCompletions, 2)
  makeRoom()
  assert.deepEqual(await syncUserProgress(store.getState()), { success: true })
  store.getState().completeRoutine('2026-11-22')
  await client.collection('theme').put('self', { theme: 'light' })
  assert.equal(client.collection('progress').get('self').totalCompletions, 3)
  assert.equal(store.getState().totalCompletions, 3)
})

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('one write is refused, the next is not: the later change stands, and counts are counted once', async () => {
  const client = await newClient()
  const [store, progress] = [journalStore(), progressStore()]
  syncStore(store, client, seedMappings.journal)
  syncStore(progress, client, seedMappings.progress)
  store.getState().add(entry('a'))
  await client.collection('theme').put('self', { theme: 'dark' })
  await turn() // the next write flies alone
  fillDisk(1)
  edit(store, 'a', { content: 'ab', insights: 'of the first', energyLevel: 1 })
  edit(store, 'a', { content: 'abc', energyLevel: 2 })
  await until(() => client.errors.length === 1 && rowOf(client, 'a').metadata.energyLevel === 2)
  const texts = () => [rowOf(client, 'a').content, rowOf(client, 'a').metadata.insights]
  store.getState().add(entry('b'))
  await until(() => texts()[1] === 'of the first')
  assert.deepEqual(texts(), ['abc', 'of the first'])
  assert.equal(itemOf(store, 'a').content, 'abc')
  await turn()
  fillDisk(1)
  for (const day of ['20', '21']) progress.getState().completeRoutine(`2026-11-${day}`)
  await until(() => client.errors.length === 2)
  progress.getState().completeRoutine('2026-11-22')
  await until(() => client.collection('progress').get('self')?.totalCompletions === 3)
  await client.collection('theme').put('self', { theme: 'light' })
  assert.equal(client.collection('progress').get('self').totalCompletions, 3)
  assert.equal(progress.getState().totalCompletions, 3)
})

test('a full disk: what another device added to a list meanwhile stays in it', async () => {
  const client = await newClient()
  const store = storeOf(() => ({ katas: [], birthData: null }))
  const rows = client.collection('path')
  await rows.put('self', { katas: [{ id: 'one' }, { id: 'two' }] })
  syncStore(store, client, seedMappings.sovereignPath)
  fillDisk()
  store.setState({ katas: [{ id: 'one', name: 'renamed' }, { id: 'mine' }] })
  await until(() => client.errors.length > 0 && rows.get('self').katas[1].id === 'two')
  makeRoom()
  await rows.patch('self', { katas: [{ id: 'one' }, { id: 'two' }, { id: 'theirs' }] })
  const katas = [{ id: 'one', name: 'renamed' }, { id: 'theirs' }, { id: 'mine' }]
  assert.deepEqual(store.getState().katas, katas)
  store.setState({ birthData: { date: '1990-01-01' } })
  await until(() => rows.get('self').birthData)
  assert.deepEqual(rows.get('self').katas, katas)
})

test('a full disk: tried again after a while, though nobody writes', async (t) => {
  const client = await newClient()
  const store = journalStore()
  syncStore(store, client, seedMappings.journal)
  fillDisk()
  /** @type {(() => void)[]} */
  const later = []
  const { setTimeout } = globalThis
  t.mock.method(
    globalThis,
    'setTimeout',
    (/** @type {() => void} */ work, /** @type {number} */ ms) =>
      setTimeout(ms === 10_000 ? () => later.push(work) : work, ms === 10_000 ? 0 : ms),
  )
  store.getState().add(entry('a'))
  await until(() => later.length > 0)
  makeRoom()
  assert.deepEqual([rowOf(client, 'a'), ids(store)], [undefined, ['a']])
  later[0]()
  await until(() => rowOf(client, 'a')?.content === 'Slept well.')
})

test('a value that is refused stays where it was entered, alone, until it is mended', async () => {
  const client = await newClient()
  const store = journalStore()
  syncStore(store, client, seedMappings.journal)
  store.setState({ entries: [entry('a'), { ...entry('b'), energyLevel: Number.NaN }] })
  await until(() => client.errors.length > 0)
  await until(() => rowOf(client, 'a') !== undefined)
  store.getState().add(entry('c'))
  assert.deepEqual([ids(store), rowOf(client, 'b')], [['a', 'b', 'c'], undefined])
  assert.deepEqual(client.errors, ['invalid-value'])
  edit(store, 'b', { energyLevel: 4 })
  await until(() => rowOf(client, 'b')?.metadata.energyLevel === 4)
  assert.deepEqual(client.errors, ['invalid-value'])
})

test('a refused field of the only row leaves its other fields to be written', async () => {
  const client = await newClient()
  const store = storeOf(() => ({ katas: [], birthData: null, healthMetrics: null }))
  syncStore(store, client, seedMappings.sovereignPath)
  const katas = [{ id: 'k', name: 'half \ud83d' }]
  store.setState({ katas, birthData: { date: '1990-01-01' } })
  await until(() => client.collection('path').get('self')?.birthData?.date === '1990-01-01')
  store.setState({ healthMetrics: { steps: 3 } })
  await until(() => client.collection('path').get('self')?.healthMetrics?.steps === 3)
  assert.deepEqual(store.getState().katas, katas)
  assert.deepEqual(client.errors, ['invalid-value'])
})
