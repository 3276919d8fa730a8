// The drop-in functions on two devices of one user: all nine tables, and completions that are counted once each,
// whatever each device's store knew.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { localDate } from '../../js/local-date.js'
import * as dropin from '../../js/supabase-sync-extended.js'
import { settle, startWorld } from '../support/world.js'

/** @type {import('../support/world.js').World} */
let world
before(async () => {
  world = await startWorld()
})
after(async () => {
  dropin.bindSync(null)
  await world.stop()
})

const day = (/** @type {number} */ before) => localDate(Date.now() - before * 24 * 3_600_000)
const report = (/** @type {number} */ totalCompletions, daysAgo = 0) =>
  dropin.syncUserProgress({
    ...{ complianceStreak: 1, lastCompletedDate: day(daysAgo), totalCompletions },
  })

test('two devices, each with a store of its own: every completion counts once', async () => {
  const user = await world.newUser()
  const [a, b] = [await world.device(user), await world.device(user)]
  const total = (/** @type {any} */ device) =>
    device.collection('progress').get('self').totalCompletions
  dropin.bindSync(a)
  await report(10, 5)
  await settle(a, b)
  // b's store is filled from the fetched row; a's goes on from its own
  dropin.bindSync(b)
  assert.equal((await dropin.fetchUserProgress())?.totalCompletions, 10)
  await report(11, 1)
  dropin.bindSync(a)
  await report(11, 2)
  await report(11, 2)
  await settle(a, b)
  assert.deepEqual([total(a), total(b)], [12, 12])

  // a's store never heard of b's completion: 12 is one more than the 11 it had, not none
  await report(12)
  await settle(a, b)
  assert.deepEqual([total(a), total(b)], [13, 13])

  // a new context of a stale store, which knows no more than its persisted 12
  const later = await world.device(user)
  await later.sync()
  dropin.bindSync(later)
  await report(12)
  await settle(later, a)
  assert.equal(total(a), 13, 'a day that is known, a total that is not more: nothing new')
  await report(11)
  await settle(later, a)
  assert.equal(total(a), 11, 'lowering it sets it')
})

test('a total that was fetched for show only is not lowered by the report of a store without it', async () => {
  const user = await world.newUser()
  const [a, b] = [await world.device(user), await world.device(user)]
  const total = () => b.collection('progress').get('self')?.totalCompletions
  dropin.bindSync(a)
  await report(12, 5)
  await settle(a, b)
  dropin.bindSync(b)
  assert.equal((await dropin.fetchUserProgress())?.totalCompletions, 12)
  await dropin.syncUserProgress({
    ...{ complianceStreak: 0, lastCompletedDate: null, totalCompletions: 0 },
  })
  assert.equal(total(), 12, 'a new store')
  await report(1)
  assert.equal(total(), 13, 'it goes on from what it reported')

  dropin.bindSync(a)
  await report(13, 1)
  await settle(a, b)
  assert.equal(total(), 14)
  dropin.bindSync(b)
  assert.equal((await dropin.fetchUserProgress())?.totalCompletions, 14)
  await report(2, 2)
  assert.equal(total(), 15, 'a new day of a store that still did not take it')
  await dropin.fetchUserProgress()
  await report(15, 2)
  assert.equal(total(), 15, 'it took it')
  await dropin.fetchUserProgress()
  await report(14, 2)
  assert.equal(total(), 14, 'lowered: of a store that reported as many as it was given')
})

test('all nine tables arrive on another device', async () => {
  const user = await world.newUser()
  const [a, b] = [await world.device(user), await world.device(user)]
  const date = localDate()
  dropin.bindSync(a)
  const embedding = Array.from({ length: 384 }, (_, i) => Math.sin(i))
  const results = [
    await report(1),
    await dropin.syncAchievement({ id: 'first', unlocked: true, progress: 1 }),
    await dropin.syncSovereignPathData({ katas: [{ id: 'k', name: 'breathe' }] }),
    await dropin.syncChatMessage({ id: 'm', sessionId: 's', content: 'hi' }),
    await dropin.syncCosmicData({ location: { city: 'Bern' }, astronomy: { moon: 1 } }, date),
    await dropin.syncAstrologyData({ natalChart: { sun: 'Leo' } }, { date: '1990-01-01' }),
    await dropin.syncDailyAttunement({
      date,
      insightfulQuestion: 'Why?',
      synthesizedAnswer: 'So.',
    }),
    await dropin.syncVectorEmbedding({ content: 'calm', embedding, metadata: {} }),
    await dropin.syncHealthMetrics({ steps: 8000 }, date),
  ]
  assert.ok(results.every(({ success }) => success))
  await settle(a, b)
  assert.equal(a.status().rejected, 0)
  dropin.bindSync(b)
  assert.equal((await dropin.fetchUserProgress())?.totalCompletions, 1)
  assert.equal((await dropin.fetchAchievements())[0].id, 'first')
  assert.deepEqual((await dropin.fetchSovereignPathData())?.katas, [{ id: 'k', name: 'breathe' }])
  assert.equal(b.collection('logs').list()[0].content, 'hi')
  assert.deepEqual((await dropin.fetchCosmicData(date))?.astronomy, { moon: 1 })
  assert.deepEqual((await dropin.fetchAstrologyData())?.natalChart, { sun: 'Leo' })
  assert.equal((await dropin.fetchDailyAttunement(date))?.synthesizedAnswer, 'So.')
  assert.equal((await dropin.semanticSearch(embedding))[0].content, 'calm')
  assert.equal((await dropin.fetchHealthMetricsHistory())[0].steps, 8000)
})
