// What a store had persisted before its rows were kept here, when not all of it can be taken over: real zustand
// stores, the compiled engine, a server that takes everything.

import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { seedMappings, syncStore } from '../../js/zustand.js'
import { agreeableServer } from '../support/agreeable-server.js'
import { closeClients, fillDisk, makeRoom, newClient } from '../support/full-disk.js'
import { newDatabase, until } from '../support/open-client.js'
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

afterEach(closeClients)

const adopting = Object.fromEntries(
  Object.entries(seedMappings).map(([name, mapping]) => [name, { ...mapping, adopt: true }]),
)

/** @param {any} client @param {string} name */
const isNoted = (client, name) => client.collection('stores').get(name)?.isTakenOver === true

const bad = {
  half: { ...entry('half'), content: 'half \ud83d' },
  future: { ...entry('future'), createdAt: '2999-01-01T00:00:00.000Z' },
  empty: { ...entry('empty'), content: undefined },
  long: { ...entry('long'), content: 'x'.repeat(204_801) },
}

test('one refused item is left out, told once, kept, and tried again at the next start', async () => {
  const database = newDatabase()
  const storage = newStorage()
  journalStore(storage).setState({ entries: [entry('a'), ...Object.values(bad), entry('b')] })
  for (let start = 0; start < 3; start++) {
    const client = await newClient({ database, fetch: agreeableServer() })
    const store = journalStore(storage)
    const stop = syncStore(store, client, adopting.journal)
    await client.sync()
    await until(() => isNoted(client, 'journal') && client.errors.length === 4)
    for (const id of ['a', 'b']) assert.equal(rowOf(client, id)?.content, 'Slept well.')
    assert.equal(client.collection('logs').size, 2)
    assert.equal(client.errors.length, 4)
    for (const [id, { content }] of Object.entries(bad)) {
      assert.equal(itemOf(store, id)?.content, content)
      assert.match(String(storage.getItem('journal')), new RegExp(`"id":"${id}"`))
    }
    stop()
    await client.close()
  }
  // mended
  const client = await newClient({ database, fetch: agreeableServer() })
  const store = journalStore(storage)
  syncStore(store, client, adopting.journal)
  for (const id of Object.keys(bad)) edit(store, id, entry(id))
  await until(() => client.collection('logs').size === 6)
  await until(() => !/somaticUnwritten/.test(String(storage.getItem('journal'))))
})

test('one refused field of the only row is left out, and one refused achievement', async () => {
  const client = await newClient({ fetch: agreeableServer() })
  const [paths, awards] = [newStorage(), newStorage()]
  const pathStore = () => storeOf(() => ({ katas: [], birthData: null }), 'path', paths)
  const awardStore = () => storeOf(() => ({ achievements: [] }), 'awards', awards)
  const katas = [{ id: 'k', name: 'half \ud83d' }]
  const achievements = [
    { id: 'first', unlocked: true, unlockedDate: null, progress: 1.5 },
    { id: 'week', unlocked: true, unlockedDate: null, progress: 7 },
  ]
  pathStore().setState({ katas, birthData: { date: '1990-01-01' } })
  awardStore().setState({ achievements })
  const [path, award] = [pathStore(), awardStore()]
  syncStore(path, client, adopting.sovereignPath)
  syncStore(award, client, adopting.achievements)
  await client.sync()
  await until(() => isNoted(client, 'path') && isNoted(client, 'awards'))
  assert.deepEqual(client.collection('path').get('self').birthData, { date: '1990-01-01' })
  assert.deepEqual(client.collection('achievements').keys(), ['week'])
  assert.deepEqual(path.getState().katas, katas)
  assert.deepEqual(
    award.getState().achievements.map((/** @type {any} */ { progress }) => progress),
    [1.5, 7],
  )
  assert.deepEqual(client.errors, ['invalid-value', 'invalid-value'])
})

test('a full disk leaves it undone: nothing is overwritten, and it happens later, once', async () => {
  const database = newDatabase()
  const client = await newClient({ database, fetch: agreeableServer() })
  await client.sync()
  const [entries, counts] = [newStorage(), newStorage()]
  journalStore(entries).setState({ entries: [entry('a'), bad.half] })
  progressStore(counts).setState({ totalCompletions: 10 })
  const [journal, progress] = [journalStore(entries), progressStore(counts)]
  fillDisk()
  syncStore(journal, client, adopting.journal)
  syncStore(progress, client, adopting.progress)
  await until(
    () => client.errors.filter((/** @type {string} */ code) => code === 'quota').length > 1,
  )
  await until(() => rowOf(client, 'a') === undefined && !isNoted(client, 'journal'))
  for (const id of ['a', 'half']) {
    assert.ok(itemOf(journal, id))
    assert.match(String(entries.getItem('journal')), new RegExp(`"id":"${id}"`))
  }
  assert.equal(progress.getState().totalCompletions, 10)
  assert.match(String(counts.getItem('progress')), /"totalCompletions":10/)
  makeRoom()
  await client.close() // before it was tried again
  const again = await newClient({ database, fetch: agreeableServer() })
  const [later, total] = [journalStore(entries), progressStore(counts)]
  syncStore(later, again, adopting.journal)
  syncStore(total, again, adopting.progress)
  await until(() => isNoted(again, 'journal') && isNoted(again, 'progress'))
  assert.deepEqual(ids(later).sort(), ['a', 'half'])
  assert.equal(again.collection('logs').size, 1)
  assert.equal(again.collection('progress').get('self').totalCompletions, 10)
  await total.persist.rehydrate()
  await again.sync()
  assert.equal(again.collection('progress').get('self').totalCompletions, 10)
})

test('the note that it was done is not there before the rows, nor without what was refused', async () => {
  const client = await newClient({ fetch: agreeableServer() })
  const storage = newStorage()
  journalStore(storage).setState({ entries: [entry('a'), bad.half] })
  const store = journalStore(storage)
  /** @type {unknown[]} */
  const seen = []
  client.collection('stores').subscribe(() => {
    const persisted = JSON.parse(String(storage.getItem('journal')))
    seen.push([rowOf(client, 'a')?.content, Object.keys(persisted.state.somaticUnwritten ?? {})])
  })
  syncStore(store, client, adopting.journal)
  await client.sync()
  await until(() => seen.length > 0)
  assert.deepEqual(seen[0], ['Slept well.', ['half']])
})

test('what is done before it is taken over counts with it', async () => {
  const client = await newClient({ fetch: agreeableServer() })
  const storage = newStorage()
  progressStore(storage).setState({ totalCompletions: 10 })
  const store = progressStore(storage)
  syncStore(store, client, adopting.progress)
  store.getState().completeRoutine('2026-11-20')
  await client.sync()
  await until(() => isNoted(client, 'progress'))
  assert.equal(client.collection('progress').get('self').totalCompletions, 11)
  assert.equal(store.getState().totalCompletions, 11)
})

test('a full disk: what was entered survives a reload, and never stands over what is newer', async () => {
  const database = newDatabase()
  const storage = newStorage()
  let client = await newClient({ database, fetch: agreeableServer() })
  let store = journalStore(storage)
  syncStore(store, client, seedMappings.journal)
  for (const id of ['a', 'b']) store.getState().add(entry(id))
  await client.sync()
  fillDisk()
  store.setState({
    entries: store.getState().entries.map((/** @type {any} */ each) => ({
      ...{ ...each, content: `mine of ${each.id}`, energyLevel: 2 },
    })),
  })
  await until(() => /mine of a.*somaticUnwritten/.test(String(storage.getItem('journal'))))
  await client.close()
  makeRoom()
  client = await newClient({ database, fetch: agreeableServer() })
  await client.collection('logs').patch(rowOf(client, 'b').id, { content: 'newer' })
  store = journalStore(storage)
  syncStore(store, client, seedMappings.journal)
  await until(() => rowOf(client, 'a').content === 'mine of a')
  assert.deepEqual([itemOf(store, 'a').content, itemOf(store, 'b').content], ['mine of a', 'newer'])
  assert.equal(rowOf(client, 'b').content, 'newer')
})
