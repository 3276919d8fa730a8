// Stores kept equal to collections: real zustand stores with and without persist, the real engine, devices that meet
// in a local Supabase.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { bindSync, syncUserProgress } from '../../js/supabase-sync-extended.js'
import { seedMappings, syncStore } from '../../js/zustand.js'
import { until } from '../support/open-client.js'
import { entry, ids, journalStore, newStorage, progressStore, storeOf } from '../support/stores.js'
import { settle, startWorld } from '../support/world.js'

const world = await startWorld()
after(() => world.stop())
/** @type {(() => void)[]} */
let stops = []
afterEach(() => {
  for (const stop of stops) stop()
  stops = []
  bindSync(null)
})

/** @param {any} store @param {any} client @param {any} mapping */
function bind(store, client, mapping) {
  const stop = syncStore(store, client, mapping)
  stops.push(stop)
  return stop
}

test('both ways: a completion is one increment, and shows on the other device', async () => {
  const user = await world.newUser()
  const [phone, laptop] = [await world.device(user), await world.device(user)]
  const [one, two] = [progressStore(), progressStore()]
  bind(one, phone, seedMappings.progress)
  bind(two, laptop, seedMappings.progress)
  one.getState().completeRoutine('2026-11-20')
  await settle(phone, laptop)
  assert.equal(two.getState().totalCompletions, 1)
  // both complete, neither knows of the other
  one.getState().completeRoutine('2026-11-21')
  two.getState().completeRoutine('2026-11-22')
  await settle(phone, laptop)
  for (const store of [one, two]) {
    const { complianceStreak, lastCompletedDate, totalCompletions } = store.getState()
    assert.deepEqual([complianceStreak, lastCompletedDate, totalCompletions], [3, '2026-11-22', 3])
  }
  assert.deepEqual([phone.errors, laptop.errors], [[], []])
})

test('syncStore and syncUserProgress, a reload in between: each completion counts once', async () => {
  const user = await world.newUser()
  const phone = await world.device(user)
  await phone.collection('progress').put('self', {
    ...{ totalCompletions: 10, completedDays: [['2026-11-01', '2026-11-10']] },
  })
  await phone.sync()
  const storage = newStorage()
  const options = { database: `tabs-${randomUUID()}` }
  let tab = await world.device(user, options)
  await tab.sync()
  for (const day of ['2026-11-11', '2026-11-12']) {
    const store = progressStore(storage)
    bindSync(tab)
    await bind(store, tab, seedMappings.progress).hydrated
    store.getState().completeRoutine(day)
    assert.deepEqual(await syncUserProgress(store.getState()), { success: true })
    assert.deepEqual(await syncUserProgress(store.getState()), { success: true })
    // reloaded
    await tab.close()
    tab = await world.device(user, options)
  }
  const store = progressStore(storage)
  bind(store, tab, seedMappings.progress)
  assert.equal(store.getState().totalCompletions, 12)
  await settle(tab, phone)
  assert.equal(phone.collection('progress').get('self')?.totalCompletions, 12)
})

test('a total that is lowered is set', async () => {
  const user = await world.newUser()
  const [phone, laptop] = [await world.device(user), await world.device(user)]
  const store = progressStore()
  bind(store, phone, seedMappings.progress)
  store.setState({ totalCompletions: 5, lastCompletedDate: '2026-11-20', complianceStreak: 1 })
  await settle(phone, laptop)
  store.setState({ totalCompletions: 3 })
  await settle(phone, laptop)
  assert.equal(laptop.collection('progress').get('self')?.totalCompletions, 3)
})

test('what did not change is neither written nor shown anew', async () => {
  const user = await world.newUser()
  const phone = await world.device(user)
  const store = journalStore()
  bind(store, phone, seedMappings.journal)
  store.getState().add(entry('a'))
  store.getState().add(entry('b'))
  await phone.sync()
  const [a, b] = store.getState().entries
  let shown = 0
  store.subscribe(() => {
    shown += 1
  })
  let written = 0
  phone.collection('logs').subscribe(() => {
    written += 1
  })
  store.setState({ entries: [{ ...a }, { ...b }] })
  store.setState({ other: 1 })
  await delay(400)
  assert.deepEqual([written, phone.status().pending, shown], [0, 0, 2])
  store.getState().type('a', 'Slept badly.')
  await until(() => phone.status().pending === 1)
  assert.deepEqual(store.getState().entries[1], b)
})

test('typing is waited for, loses no character, and is overtaken by nothing', async () => {
  const user = await world.newUser()
  const [phone, laptop] = [await world.device(user), await world.device(user)]
  const store = journalStore()
  bind(store, phone, seedMappings.journal)
  store.getState().add(entry('a', ''))
  await phone.sync()
  let writes = 0
  phone.collection('logs').subscribe(() => {
    writes += 1
  })
  let text = ''
  for (let i = 0; i < 1000; i++) {
    text += String.fromCharCode(97 + (i % 26))
    store.getState().type('a', text)
    if (i % 100 === 0) await delay(1)
  }
  assert.equal(writes, 0)
  // a row of another device comes in the middle
  await laptop.sync()
  await laptop.collection('progress').put('self', { totalCompletions: 1 })
  await laptop.collection('logs').put(randomUUID(), {
    ...{ category: 'journal', content: 'There', metadata: { journalId: 'b' } },
    createdAt: '2026-11-21T08:00:00.000Z',
  })
  await settle(laptop, phone)
  assert.equal(store.getState().entries[0].content, text)
  await until(() => writes > 1)
  await settle(phone, laptop)
  const contents = laptop
    .collection('logs')
    .list()
    .map(({ content }) => content)
  assert.deepEqual(contents.sort(), ['There', text].sort())
  assert.deepEqual(ids(store), ['a', 'b'])
})

test('a row deleted elsewhere stays away, whatever a store persisted, and however often it reloads', async () => {
  const user = await world.newUser()
  const laptop = await world.device(user)
  const storage = newStorage()
  const options = { database: `reloads-${randomUUID()}` }
  let phone = await world.device(user, options)
  let store = journalStore(storage)
  const mapping = { ...seedMappings.journal, adopt: true }
  let stop = bind(store, phone, mapping)
  store.getState().add(entry('a'))
  store.getState().add(entry('b'))
  const persisted = storage.getItem('journal')
  await settle(phone, laptop)
  const gone = laptop
    .collection('logs')
    .list()
    .find(({ metadata }) => metadata.journalId === 'a')
  await laptop.collection('logs').remove(gone?.id ?? '')
  await settle(laptop, phone)
  assert.deepEqual(ids(store), ['b'])
  for (let reload = 0; reload < 3; reload++) {
    stop()
    await phone.close()
    storage.setItem('journal', String(persisted))
    phone = await world.device(user, options)
    store = journalStore(storage)
    assert.deepEqual(ids(store), ['a', 'b'])
    stop = bind(store, phone, mapping)
    assert.deepEqual(ids(store), ['b'])
    await settle(phone, laptop)
    assert.deepEqual(ids(store), ['b'])
    assert.equal(laptop.collection('logs').size, 1)
  }
})

test('absence deletes only where it is said, and one change took it out and added nothing', async () => {
  const user = await world.newUser()
  const phone = await world.device(user)
  const rows = phone.collection('logs')
  const [kept, diff] = [journalStore(), journalStore()]
  bind(kept, phone, seedMappings.journal)
  bind(diff, phone, { ...seedMappings.journal, deletes: 'diff' })
  for (const id of ['a', 'b', 'c', 'd']) diff.getState().add(entry(id))
  assert.deepEqual(ids(kept), ['a', 'b', 'c', 'd'])
  kept.getState().drop('a')
  diff.setState({ entries: [...diff.getState().entries.slice(1), entry('e')] }) // the last four
  diff.setState({ entries: [] }) // cleared
  await delay(10)
  assert.equal(rows.size, 5)
  assert.deepEqual(ids(kept), ['b', 'c', 'd', 'e'], 'what was dropped there stays away there')
  const third = journalStore()
  bind(third, phone, { ...seedMappings.journal, deletes: 'diff' })
  third.getState().drop('c')
  await until(() => rows.size === 4)
  assert.deepEqual(ids(kept), ['b', 'd', 'e'])
})

test('persisted state is taken over once, when the server was asked, under what is there', async () => {
  const user = await world.newUser()
  const laptop = await world.device(user)
  await laptop.collection('progress').put('self', {
    ...{ totalCompletions: 12, completedDays: [['2026-11-01', '2026-11-12']] },
  })
  const theirs = journalStore()
  const stopTheirs = bind(theirs, laptop, seedMappings.journal)
  theirs.getState().add(entry('a', 'newer'))
  stopTheirs()
  await laptop.sync()
  const storage = newStorage()
  journalStore(storage).setState({ entries: [entry('a', 'older'), entry('b')] })
  progressStore(storage).setState({ totalCompletions: 10, complianceStreak: 9 })
  const phone = await world.device(user)
  const [journal, progress] = [journalStore(storage), progressStore(storage)]
  bind(journal, phone, { ...seedMappings.journal, adopt: true })
  bind(progress, phone, { ...seedMappings.progress, adopt: true })
  assert.deepEqual(ids(journal), ['a', 'b'], 'shown, though not taken over yet')
  assert.equal(phone.status().pending, 0)
  await settle(phone, laptop)
  for (const each of [phone, laptop]) {
    assert.equal(each.collection('progress').get('self')?.totalCompletions, 12)
    const rows = each
      .collection('logs')
      .list()
      .map(({ content, metadata }) => [metadata.journalId, content])
    assert.deepEqual(rows.sort(), [
      ['a', 'newer'],
      ['b', 'Slept well.'],
    ])
  }
  assert.equal(
    journal.getState().entries.find((/** @type {any} */ { id }) => id === 'a').content,
    'newer',
  )
})

test('state that names nobody is ignored unless it is to be adopted', async () => {
  const user = await world.newUser()
  const storage = newStorage()
  journalStore(storage).setState({ entries: [entry('a')] })
  const phone = await world.device(user)
  await phone.sync()
  const store = journalStore(storage)
  bind(store, phone, seedMappings.journal)
  assert.deepEqual(ids(store), [])
  await phone.sync()
  assert.equal(phone.collection('logs').size, 0)
})

test('another user: nothing of the former shows, and nothing is pushed', async () => {
  const [anna, ben] = [await world.newUser(), await world.newUser()]
  const storage = newStorage()
  const first = await world.device(anna)
  const before = journalStore(storage)
  bind(before, first, { ...seedMappings.journal, adopt: true })
  before.getState().add(entry('secret'))
  await first.sync()
  await first.close() // the tab ends without a word
  const second = await world.device(ben)
  const store = journalStore(storage)
  assert.deepEqual(ids(store), ['secret'])
  bind(store, second, { ...seedMappings.journal, adopt: true })
  assert.deepEqual(ids(store), [])
  await second.sync()
  store.getState().add(entry('mine'))
  await second.sync()
  assert.deepEqual(
    second
      .collection('logs')
      .list()
      .map(({ metadata }) => metadata.journalId),
    ['mine'],
  )
  assert.doesNotMatch(String(storage.getItem('journal')), /secret/)
})

test('rehydration, and what other listeners set meanwhile: only the latter is an edit', async () => {
  const user = await world.newUser()
  const phone = await world.device(user)
  const storage = newStorage()
  const store = journalStore(storage)
  store.subscribe((/** @type {any} */ { entries }) => {
    if (entries.length === 1 && !entries[0].mark)
      store.setState({ entries: [{ ...entries[0], mark: 'x' }] })
  })
  bind(store, phone, seedMappings.journal)
  await phone.collection('logs').put(randomUUID(), {
    ...{ category: 'journal', content: 'Here', metadata: { journalId: 'a' } },
  })
  await until(() => phone.collection('logs').list()[0]?.metadata.mark === 'x')
  storage.setItem('journal', JSON.stringify({ state: { entries: [entry('old')] }, version: 0 }))
  await store.persist.rehydrate()
  assert.deepEqual(ids(store), ['a'])
  await delay(10)
  assert.equal(phone.collection('logs').size, 1)
})

test('achievements keep the titles of the app’s list; the PIN stays where it is', async () => {
  const user = await world.newUser()
  const [phone, laptop] = [await world.device(user), await world.device(user)]
  const list = () =>
    storeOf(() => ({
      achievements: [
        { id: 'first', title: 'First', unlocked: false, progress: 0 },
        { id: 'week', title: 'A week', unlocked: false, progress: 3 },
      ],
    }))
  const [one, two] = [list(), list()]
  bind(one, phone, seedMappings.achievements)
  bind(two, laptop, seedMappings.achievements)
  assert.equal(phone.status().pending, 0, 'nobody did anything yet')
  const [first, week] = one.getState().achievements
  const unlockedDate = '2026-11-20T08:00:00.000Z'
  one.setState({ achievements: [{ ...first, unlocked: true, unlockedDate }, week] })
  await settle(phone, laptop)
  assert.deepEqual(two.getState().achievements, [{ ...first, unlocked: true, unlockedDate }, week])
  const auth = storeOf(() => ({ session: null, email: null, pin: '1234' }))
  bind(auth, phone, seedMappings.auth)
  auth.setState({ session: { user: 'x' }, email: 'a@b.c' })
  await delay(10)
  assert.deepEqual(phone.collection('auth').get('self'), { email: 'a@b.c', session: { user: 'x' } })
  assert.equal(phone.status().pending, 0)
  assert.equal(auth.getState().pin, '1234')
})

test('what was just typed is written before a client closes', async () => {
  const user = await world.newUser()
  const options = { database: `closing-${randomUUID()}` }
  const phone = await world.device(user, options)
  const store = journalStore()
  bind(store, phone, seedMappings.journal)
  store.getState().add(entry('a', ''))
  store.getState().type('a', 'to the last letter')
  await phone.close()
  const again = await world.device(user, options)
  assert.deepEqual(
    again
      .collection('logs')
      .list()
      .map(({ content }) => content),
    ['to the last letter'],
  )
})

test('a wipe and a deleted account leave nothing in a persisted store', async () => {
  for (const forget of ['wipe', 'deleteAccount']) {
    const user = await world.newUser()
    const phone = await world.device(user)
    const storage = newStorage()
    const store = journalStore(storage)
    bind(store, phone, seedMappings.journal)
    store.getState().add(entry('a', 'secret'))
    await phone.sync()
    store.getState().type('a', 'a secret more')
    assert.match(String(storage.getItem('journal')), /secret/)
    await /** @type {any} */ (phone)[forget]({ force: true })
    await until(() => ids(store).length === 0)
    assert.doesNotMatch(String(storage.getItem('journal')), /secret/)
  }
})

test('a refused write is told once, and the store keeps it', async () => {
  const user = await world.newUser()
  const phone = await world.device(user)
  const store = journalStore()
  bind(store, phone, seedMappings.journal)
  store.getState().add({ ...entry('a'), energyLevel: Number.NaN })
  await until(() => phone.errors.length > 0)
  assert.deepEqual(
    phone.errors.map((/** @type {any} */ { code }) => code),
    ['invalid-value'],
  )
  assert.deepEqual(ids(store), ['a'])
})
