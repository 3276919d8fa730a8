// The code samples of the design document in a page, and what another device then has of them.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startWorld } from '../support/world.js'
import { call, startChromium, until } from './support/chromium.js'
import { startSite } from './support/site.js'

const entry = fileURLToPath(new URL('./fixture/samples.ts', import.meta.url))
const world = await startWorld()
after(() => world.stop())
const browser = await startChromium({ after })

test('the samples of the design document do what they say, and another device has it', async (t) => {
  const site = await startSite(t, { entries: { 'page.js': entry } })
  const user = await world.newUser()
  const options = { ...(await world.pageOptions(user)), autoSync: true }
  const [tab, other] = [await browser.openTab(site.url), await browser.openTab(site.url)]
  await call(tab, 'start', options)
  const today = new Date().toISOString().slice(0, 10)

  await call(tab, 'completeRoutine')
  await call(tab, 'unlock', 'first-day')
  const answer = { questionId: 1, value: 3, answeredAt: `${today}T10:00:00.000Z` }
  await call(tab, 'answer', answer)
  await call(tab, 'setChart', { type: 'Generator' })
  await call(tab, 'showSky')
  await tab.locator('#sky').getByText('Bern').waitFor()
  await call(tab, 'showProfile')
  await call(tab, 'attune')
  await call(tab, 'bulkSyncAllData')
  await until(async () => {
    const { pending, state, lastSyncedAt } = await call(tab, 'status')
    return pending === 0 && state === 'idle' && lastSyncedAt !== null
  })

  await call(other, 'start', { ...options, database: 'other-device' })
  await call(other, 'sync')
  const fetched = (/** @type {[string, unknown?]} */ ...[name, argument]) =>
    call(other, name, argument)
  const { totalCompletions, complianceStreak } = await fetched('fetchUserProgress')
  assert.deepEqual([totalCompletions, complianceStreak], [1, 1], 'reported twice, counted once')
  const achievements = await fetched('fetchAchievements')
  assert.deepEqual(
    achievements.map((/** @type {any} */ { id, unlocked }) => [id, unlocked]).sort(),
    [
      ['first-day', true],
      ['first-week', false],
    ],
  )
  const path = await fetched('fetchSovereignPathData')
  assert.deepEqual(path.humanDesignChart, { type: 'Generator' })
  assert.deepEqual(path.birthData, { date: '1990-01-01', time: '06:30' })
  assert.deepEqual(path.oejtsAnswers, [answer])
  assert.deepEqual(path.archetypeAnalysis, { primary: 'The Healer' })
  assert.deepEqual(path.katas, [{ id: 'breath', name: 'Breath of fire' }])
  const { cached_at: _, ...sky } = await fetched('fetchCosmicData', today)
  assert.deepEqual(sky, { location: { city: 'Bern' }, astronomy: { moon: 0.8 } })
  assert.deepEqual((await fetched('fetchAstrologyData')).natalChart, { sun: 'Leo' })
  const attunement = await fetched('fetchDailyAttunement', today)
  assert.equal(attunement.insightfulQuestion, 'What holds you?')
  assert.equal(attunement.basedOn.healthMetricsAvailable, true)
  const [day] = await fetched('fetchHealthMetricsHistory')
  assert.deepEqual([day.date, day.steps, day.sleepHours], [today, 8_000, 7.5])
  assert.deepEqual(
    browser.problems.filter((problem) => /Failed to sync|sync failed/i.test(problem)),
    [],
  )
})
