// The functions of the app's former sync module: same names, same arguments, same results, offline too.

import 'fake-indexeddb/auto'
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { localDate } from '../../js/local-date.js'
import * as dropin from '../../js/supabase-sync-extended.js'
import { engines, openClient } from '../support/open-client.js'

/** @type {any[]} */
let clients = []
afterEach(async () => {
  dropin.bindSync(null)
  for (const client of clients) await client.close()
  clients = []
})

/** Bound, offline. @param {object} [options] */
async function newClient(options) {
  const { createModule } = engines[engines.length - 1]
  const client = await openClient({ storage: 'memory', ...options }, createModule)
  clients.push(client)
  dropin.bindSync(client)
  return client
}

const ok = { success: true }
const today = localDate()

test('every function of the seed is there, and those of the issue', () => {
  const names = [
    ...['syncUserProgress', 'fetchUserProgress', 'syncAchievement', 'bulkSyncAchievements'],
    ...['fetchAchievements', 'syncSovereignPathData', 'fetchSovereignPathData', 'syncCosmicData'],
    ...['fetchCosmicData', 'syncAstrologyData', 'fetchAstrologyData', 'syncDailyAttunement'],
    ...['fetchDailyAttunement', 'syncVectorEmbedding', 'semanticSearch', 'syncHealthMetrics'],
    ...['fetchHealthMetricsHistory', 'bulkSyncAllData', 'bindSync', 'syncChatMessage'],
    ...['syncJournalEntry', 'syncSovereignLog', 'syncAttunementFeedback'],
  ]
  assert.deepEqual(Object.keys(dropin).sort(), names.sort())
})

test('without a client, and without a user, nothing throws', async () => {
  assert.match((await dropin.syncAchievement({ id: 'a', unlocked: true })).error ?? '', /bindSync/)
  assert.deepEqual(await dropin.fetchAchievements(), [])
  assert.equal(await dropin.fetchUserProgress(), null)
  assert.deepEqual(await dropin.semanticSearch([1]), [])
  await newClient({ auth: async () => null })
  const outcome = await dropin.syncAchievement({ id: 'a', unlocked: true })
  assert.deepEqual(outcome, { success: false, error: 'Not authenticated' })
  assert.deepEqual(await dropin.fetchHealthMetricsHistory(), [])
})

test('a new user has nothing: null or an empty list', async () => {
  await newClient()
  assert.equal(await dropin.fetchUserProgress(), null)
  assert.equal(await dropin.fetchSovereignPathData(), null)
  assert.equal(await dropin.fetchCosmicData(today), null)
  assert.equal(await dropin.fetchAstrologyData(), null)
  assert.equal(await dropin.fetchDailyAttunement(today), null)
  assert.deepEqual(await dropin.fetchAchievements(), [])
  assert.deepEqual(await dropin.fetchHealthMetricsHistory(), [])
})

test('what is synced offline is fetched as the app had it', async () => {
  const client = await newClient()
  const progress = { complianceStreak: 3, lastCompletedDate: today, totalCompletions: 7 }
  assert.deepEqual(await dropin.syncUserProgress(progress), ok)
  assert.deepEqual(await dropin.fetchUserProgress(), progress)

  const unlockedDate = '2026-11-01T10:00:00.000Z'
  const first = { id: 'first-day', unlocked: true, unlockedDate, progress: 1, title: 'x' }
  assert.deepEqual(await dropin.syncAchievement(first), ok)
  assert.deepEqual(await dropin.fetchAchievements(), [
    { id: 'first-day', unlocked: true, unlockedDate, progress: 1 },
  ])

  const answers = [{ questionId: 'q1', value: 3, answeredAt: '2026-11-01T10:00:00.000Z' }]
  assert.deepEqual(await dropin.syncSovereignPathData({ birthData: { date: '1990-01-01' } }), ok)
  assert.deepEqual(await dropin.syncSovereignPathData({ oejtsAnswers: answers }), ok)
  const path = await dropin.fetchSovereignPathData()
  assert.deepEqual(path?.birthData, { date: '1990-01-01' }, 'what is not given is left alone')
  assert.deepEqual(path?.oejtsAnswers, answers)
  assert.deepEqual(path?.katas, [])

  const cosmic = { location: { city: 'Bern' }, astronomy: { sunrise: '07:40' } }
  assert.deepEqual(await dropin.syncCosmicData(cosmic, today), ok)
  const { cached_at, ...sky } = (await dropin.fetchCosmicData(today)) ?? {}
  assert.deepEqual(sky, cosmic)
  assert.ok(Date.parse(cached_at ?? '') <= Date.now())
  const cachedAt = new Date(Date.now() - 7 * 3_600_000).toISOString()
  await client.collection('cosmic').patch(today, { cachedAt })
  assert.equal(await dropin.fetchCosmicData(today), null, 'older than 6 hours')

  const astro = { natalChart: { sun: 'Leo' }, transits: [1], personalTrading: null }
  assert.deepEqual(await dropin.syncAstrologyData(astro, { date: '1990-01-01' }), ok)
  const chart = await dropin.fetchAstrologyData()
  assert.deepEqual(chart?.natalChart, astro.natalChart)

  const attunement = { date: today, insightfulQuestion: 'Why?', synthesizedAnswer: 'So.' }
  assert.deepEqual(await dropin.syncDailyAttunement({ id: 'attune-1', ...attunement }), ok)
  const again = { ...attunement, insightfulQuestion: 'A second one?' }
  assert.deepEqual(await dropin.syncDailyAttunement(again), ok)
  assert.equal((await dropin.fetchDailyAttunement(today))?.insightfulQuestion, 'Why?')

  assert.deepEqual(await dropin.syncHealthMetrics({ steps: 8000, sleepHours: 7.5 }, today), ok)
  const old = localDate(Date.now() - 40 * 24 * 3_600_000)
  assert.deepEqual(await dropin.syncHealthMetrics({ steps: 1 }, old), ok)
  const [day, ...others] = await dropin.fetchHealthMetricsHistory()
  assert.deepEqual([day.date, day.steps, day.sleepHours, others.length], [today, 8000, 7.5, 0])
  assert.equal((await dropin.fetchHealthMetricsHistory(60)).length, 2)

  const embedding = Array.from({ length: 384 }, (_, i) => (i === 5 ? 1 : 0))
  const passage = { content: 'calm', embedding, metadata: { category: 'journal' } }
  assert.deepEqual(await dropin.syncVectorEmbedding(passage), ok)
  assert.deepEqual(await dropin.syncVectorEmbedding(passage), ok)
  const [found, ...rest] = await dropin.semanticSearch(embedding)
  assert.deepEqual([found.content, found.metadata, rest.length], ['calm', passage.metadata, 0])
  assert.ok(client.status().pending > 0)
})

test('entries of the app keep their ids, and what is not known goes into metadata', async () => {
  const client = await newClient()
  const journal = {
    id: 'j1',
    routineType: /** @type {const} */ ('morning'),
    content: 'a day',
    mood: 'calm',
  }
  assert.deepEqual(await dropin.syncJournalEntry(journal), ok)
  assert.deepEqual(await dropin.syncJournalEntry({ ...journal, mood: 'glad' }), ok)
  const createdAt = '2026-11-01T10:00:00.000Z'
  assert.deepEqual(
    await dropin.syncChatMessage({ id: 'm1', sessionId: 's', content: 'hi', createdAt }),
    ok,
  )
  const extra = { id: 'e1', entryType: /** @type {const} */ ('Win'), content: 'won', color: 'red' }
  assert.deepEqual(await dropin.syncSovereignLog(extra), ok)
  const feedback = {
    id: 'f1',
    attunementId: 'a',
    userRating: /** @type {const} */ (5),
    content: 'good',
  }
  assert.deepEqual(await dropin.syncAttunementFeedback(feedback), ok)
  const rows = client.collection('logs').list({ orderBy: 'category' })
  assert.deepEqual(
    rows.map((/** @type {any} */ { category, metadata }) => [category, metadata]),
    [
      ['chat', { messageId: 'm1', sessionId: 's' }],
      ['feedback', { feedbackId: 'f1', attunementId: 'a', userRating: 5 }],
      ['journal', { journalId: 'j1', routineType: 'morning', mood: 'glad' }],
      ['sovereign', { entryId: 'e1', entryType: 'Win', color: 'red' }],
    ],
  )
  assert.equal(rows[0].createdAt, createdAt)
})

test('refused input fails, says why, and is counted as a failure', async () => {
  await newClient()
  const bad = /** @type {any} */ ({ id: 'x', unlocked: 'yes' })
  const outcome = await dropin.syncAchievement(bad)
  assert.equal(outcome.success, false)
  assert.match(outcome.error ?? '', /achievements\.unlocked/)
  const good = { id: 'y', unlocked: true }
  const counts = await dropin.bulkSyncAchievements([bad, good])
  assert.deepEqual(counts, { succeeded: 1, failed: 1, total: 2 })
})

test('all stores at once, with progress and the reason of each failure', async () => {
  const client = await newClient()
  /** @type {string[]} */
  const told = []
  const outcome = await dropin.bulkSyncAllData(
    {
      progress: { complianceStreak: 1, lastCompletedDate: today, totalCompletions: 1 },
      achievements: { achievements: [{ id: 'a', unlocked: true }] },
      path: { katas: [{ id: 'k', name: 'breathe' }] },
      chat: { messages: [{ id: 'm', sessionId: 's', content: 'hi' }] },
      journal: [
        { id: 'j', routineType: 'morning', content: '' },
        { id: 'k', content: 7 },
      ],
      health: { history: [{ date: today, steps: 1 }] },
    },
    { onProgress: (done, total) => told.push(`${done}/${total}`) },
  )
  assert.deepEqual([outcome.succeeded, outcome.failed, outcome.total], [6, 1, 7])
  assert.deepEqual([outcome.errors[0].collection, outcome.errors[0].key], ['logs', 'k'])
  assert.match(outcome.errors[0].error, /logs\.content/)
  assert.deepEqual([told[0], told[6]], ['1/7', '7/7'])
  assert.equal(client.collection('logs').size, 2)
})

test('of a store with several lists the one is taken that the store is of', async () => {
  const client = await newClient()
  const messages = [{ id: 'm', sessionId: 's', content: 'hi' }]
  const taken = await dropin.bulkSyncAllData({ chat: { selected: [], messages } })
  assert.deepEqual([taken.succeeded, taken.total], [1, 1])
  const other = await dropin.bulkSyncAllData({ chat: { history: messages } })
  assert.deepEqual([other.succeeded, other.total], [1, 1], 'the only list there is')

  const which = await dropin.bulkSyncAllData({ chat: { sessions: [], log: messages } })
  assert.deepEqual([which.succeeded, which.failed, which.total], [0, 1, 1])
  assert.match(which.errors[0].error, /stores\.chat has no list named "messages"/)
  assert.equal(client.collection('logs').size, 1)
})

test('searching with what is no vector finds nothing, as before', async () => {
  await newClient()
  assert.deepEqual(await dropin.semanticSearch([1, 2, 3]), [])
})
