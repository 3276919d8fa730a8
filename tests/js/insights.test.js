// What is computed of the sovereign logs: in the words of the app's days, kept up to date, written only
// when it differs. And the archetype analysis that is due every ten entries.

import 'fake-indexeddb/auto'
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { afterEach, test } from 'node:test'
import { stateOf } from '../../js/client.js'
import { answerArchetype } from '../../js/insights/archetype.js'
import { Insights } from '../../js/insights/insights.js'
import { oejtsProgress } from '../../js/insights/oejts.js'
import { entryOf } from '../../js/insights/sovereign-entry.js'
import { isEqual } from '../../js/is-equal.js'
import { localDate, localTime } from '../../js/local-date.js'
import { agreeableServer } from '../support/agreeable-server.js'
import { anna, engines, newDatabase, openClient, until } from '../support/open-client.js'

/** @type {any[]} */
let open = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await (each.close ?? each.stop).call(each)
  open = []
})

const noon = Date.parse('2026-11-25T12:00:00Z')

/** @param {string} createdAt @param {string} entryType @param {object} [metadata] */
const log = (createdAt, entryType, metadata) => ({
  ...{ category: 'sovereign', content: entryType, createdAt },
  metadata: { entryType, ...metadata },
})

/** A server whose day it is noon of. */
function emptyServer() {
  const started = performance.now()
  return agreeableServer(() => Math.floor(noon + performance.now() - started))
}

test('DST: each moment has the day, hour and weekday that clocks there show', () => {
  const cases = [
    // Berlin goes from 01:59 to 03:00
    { at: '2026-03-29T00:59:59Z', zone: 'Europe/Berlin', want: ['2026-03-29', 1, 0] },
    { at: '2026-03-29T01:00:00Z', zone: 'Europe/Berlin', want: ['2026-03-29', 3, 0] },
    { at: '2026-03-29T21:59:59Z', zone: 'Europe/Berlin', want: ['2026-03-29', 23, 0] },
    // and from 02:59 back to 02:00
    { at: '2026-10-25T00:30:00Z', zone: 'Europe/Berlin', want: ['2026-10-25', 2, 0] },
    { at: '2026-10-25T01:30:00Z', zone: 'Europe/Berlin', want: ['2026-10-25', 2, 0] },
    { at: '2026-10-25T22:59:59Z', zone: 'Europe/Berlin', want: ['2026-10-25', 23, 0] },
    { at: '2026-10-25T23:00:00Z', zone: 'Europe/Berlin', want: ['2026-10-26', 0, 1] },
    { at: '2026-03-08T06:59:59Z', zone: 'America/New_York', want: ['2026-03-08', 1, 0] },
    { at: '2026-03-08T07:00:00Z', zone: 'America/New_York', want: ['2026-03-08', 3, 0] },
    { at: '2026-11-01T05:30:00Z', zone: 'America/New_York', want: ['2026-11-01', 1, 0] },
    { at: '2026-11-01T06:30:00Z', zone: 'America/New_York', want: ['2026-11-01', 1, 0] },
    { at: '2026-11-01T04:00:00Z', zone: 'America/New_York', want: ['2026-11-01', 0, 0] },
  ]
  for (const { at, zone, want } of cases) {
    const { day, hour, weekday } = localTime(Date.parse(at), zone)
    assert.deepEqual([day, hour, weekday], want, `${at} in ${zone}`)
    assert.equal(day, localDate(Date.parse(at), zone))
  }
  assert.throws(() => localTime(Number.NaN, 'UTC'), RangeError)
})

test('attunements: one key per local day, across both changes of the clock', () => {
  const hours = [
    { zone: 'Europe/Berlin', day: '2026-03-29', from: '2026-03-28T23:00:00Z', want: 23 },
    { zone: 'Europe/Berlin', day: '2026-10-25', from: '2026-10-24T22:00:00Z', want: 25 },
    { zone: 'America/New_York', day: '2026-03-08', from: '2026-03-08T05:00:00Z', want: 23 },
    { zone: 'America/New_York', day: '2026-11-01', from: '2026-11-01T04:00:00Z', want: 25 },
  ]
  for (const { zone, day, from, want } of hours) {
    const start = Date.parse(from)
    const keys = Array.from({ length: 72 }, (_, n) => localDate(start + (n - 24) * 3_600_000, zone))
    assert.equal(keys.filter((key) => key === day).length, want, `${day} in ${zone}`)
    assert.deepEqual([...keys].sort(), keys, 'days never go back')
    assert.equal(new Set(keys).size, want === 23 ? 4 : 3)
  }
})

test('attunements: who travels has one per day of where they are', () => {
  const at = Date.parse('2026-11-25T03:00:00Z')
  const keys = ['Europe/Berlin', 'America/New_York', 'Europe/Berlin'].map((zone) =>
    localDate(at, zone),
  )
  assert.deepEqual(keys, ['2026-11-25', '2026-11-24', '2026-11-25'])
})

test('an entry: what counts as a kata, and as energy', () => {
  const of = (/** @type {any} */ metadata) => entryOf(metadata, noon, 'UTC')
  assert.deepEqual(of({ entryType: 'Win', energyLevel: 7 }), {
    ...{ at: noon, day: '2026-11-25', hour: 12, weekday: 3 },
    ...{ type: 'Win', energy: 7, hasKata: false },
  })
  assert.equal(of({ kataPerformed: ['breath'] }).hasKata, true)
  assert.equal(of({ actionTaken: 'walked' }).hasKata, true)
  assert.equal(of({ kataPerformed: [], actionTaken: ' ' }).hasKata, false)
  assert.equal(of({ energyLevel: '7' }).energy, null)
  assert.equal(of(null).type, undefined)
})

test('OEJTS progress: each question once', () => {
  assert.deepEqual(oejtsProgress(null), {
    ...{ answered: 0, total: 60, remaining: 60, isComplete: false },
  })
  const answers = [1, 2, 2, '2'].map((questionId) => ({ questionId, value: 3 }))
  const noAnswers = [null, {}, { questionId: 4 }, { questionId: 5, value: null }, { value: 1 }]
  assert.equal(oejtsProgress([...answers, ...noAnswers]).answered, 2)
  const all = Array.from({ length: 61 }, (_, questionId) => ({ questionId, value: 0 }))
  assert.deepEqual(oejtsProgress(all), {
    ...{ answered: 61, total: 60, remaining: 0, isComplete: true },
  })
  assert.equal(oejtsProgress(answers, 2).isComplete, true)
})

test('equal JSON, whatever the order of members', () => {
  assert.ok(isEqual({ a: [1, { b: null }], c: 'x' }, { c: 'x', a: [1, { b: null }] }))
  for (const [a, b] of [
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ a: undefined }, { b: undefined }],
    [[1], { 0: 1 }],
    [[1, 2], [1]],
    [null, {}],
    [1, '1'],
  ]) {
    assert.ok(!isEqual(a, b) && !isEqual(b, a))
  }
})

for (const { name: engine, createModule } of engines.slice(1)) {
  /** @param {object} [options] */
  const openReal = async (options) => {
    const client = await openClient(
      { fetch: emptyServer(), now: () => noon, ...options },
      createModule,
    )
    open.push(client)
    return client
  }

  /**
   * Insights that look when they are told to.
   * @param {any} client
   * @param {string} [zone]
   */
  async function insightsOf(client, zone = 'Europe/Berlin') {
    /** @type {any[]} */
    const failures = []
    const module = await createModule()
    const where = { zone }
    const insights = new Insights(stateOf(client), {
      ...{ patterns: new module.Patterns(), lockName: 'test', waitMs: 1e6 },
      ...{ onFailed: (error) => failures.push(error), zoneOf: () => where.zone },
    })
    open.push(insights)
    return Object.assign(insights, { failures, where })
  }

  const patternsOf = (/** @type {any} */ client) => client.collection('path').get('self')?.patterns

  test(`${engine}: patterns appear by themselves after writes, once the first pull is done`, async () => {
    const client = await openReal({ insights: true })
    await client.collection('logs').put(randomUUID(), log('2026-11-25T08:00:00Z', 'Win'))
    await new Promise((resolve) => setTimeout(resolve, 2500))
    assert.equal(patternsOf(client), undefined, 'nobody knows yet what the server has')
    await client.sync()
    await until(() => patternsOf(client), 8000)
    const { zone, day, totals } = patternsOf(client)
    assert.equal(zone, new Intl.DateTimeFormat().resolvedOptions().timeZone)
    assert.equal(day, localDate(noon, zone))
    assert.equal(totals.entries, 1)
  })

  test(`${engine}: nothing is written without an entry, nor when nothing changed`, async () => {
    const client = await openReal()
    await client.sync()
    const insights = await insightsOf(client)
    const chat = { category: 'chat', content: 'hello', metadata: { entryType: 'Win' } }
    await client.collection('logs').put(randomUUID(), chat)
    await insights.run()
    assert.equal(patternsOf(client), undefined)
    assert.equal(client.status().pending, 1)

    const id = randomUUID()
    await client.collection('logs').put(id, log('2026-11-25T08:00:00Z', 'Win'))
    await insights.run()
    const first = patternsOf(client)
    assert.equal(first.transmutations.byHour[9], 1)
    await client.sync()
    assert.equal(client.status().pending, 0)
    await insights.run()
    await client.collection('logs').put(randomUUID(), chat)
    await client.collection('logs').patch(id, { content: 'in other words' })
    await insights.run()
    assert.equal(client.status().pending, 2, 'the two logs')
    assert.deepEqual(patternsOf(client), first)

    await client.collection('logs').remove(id)
    await insights.run()
    assert.equal(patternsOf(client), null, 'nothing is kept of entries that were deleted')
    assert.deepEqual(insights.failures, [])
  })

  test(`${engine}: kept up to date, they are what is computed anew after reopening`, async () => {
    const database = newDatabase()
    const client = await openReal({ database })
    await client.sync()
    const insights = await insightsOf(client)
    const types = ['Urge/Symptom', 'Kata Performed', 'Win', 'Leak/Drain', 'Insight']
    /** @type {string[]} */
    const ids = []
    for (let n = 0; n < 120; n++) {
      const at = new Date(noon - n * 17 * 3_600_000).toISOString()
      const id = n % 5 === 4 ? ids[n % ids.length] : randomUUID()
      ids.push(id)
      const metadata = { energyLevel: (n * 7) % 10, kataPerformed: n % 3 ? [] : ['breath'] }
      await client.collection('logs').put(id, log(at, types[n % types.length], metadata))
      if (n % 9 === 0) await client.collection('logs').remove(ids[(n * 5) % ids.length])
      if (n % 10 === 0) await insights.run()
    }
    await insights.run()
    const kept = patternsOf(client)
    assert.ok(kept.totals.entries > 60)
    assert.ok(kept.conversion.rate > 0)
    await client.sync()
    await insights.stop()
    await client.close()
    open = []

    const again = await openReal({ database })
    const anew = await insightsOf(again)
    await anew.run()
    assert.deepEqual(patternsOf(again), kept)
    assert.equal(again.status().pending, 0, 'nothing differed')
    await again.collection('path').patch('self', { patterns: null })
    await anew.run()
    assert.deepEqual(patternsOf(again), kept)
  })

  test(`${engine}: another zone's are left alone for a day; a traveller's own are not`, async () => {
    let now = noon
    const client = await openReal({ now: () => now })
    await client.sync()
    const theirs = { zone: 'America/New_York', day: '2026-11-25', by: 'another device' }
    const insights = await insightsOf(client)
    await client.collection('logs').put(randomUUID(), log('2026-11-25T03:00:00Z', 'Win'))
    // as from the server: nobody's own
    const state = stateOf(client)
    const query = state.query.bind(state)
    let isOwn = false
    state.query = (/** @type {any} */ question) => (question.own ? [isOwn] : query(question))
    await client.collection('path').patch('self', { patterns: theirs })
    await insights.run()
    assert.deepEqual(patternsOf(client), theirs)
    now = Date.parse('2026-11-27T06:00:00Z')
    await insights.run()
    assert.equal(patternsOf(client).zone, 'Europe/Berlin')
    assert.equal(patternsOf(client).transmutations.byHour[4], 1)
    isOwn = true
    insights.where.zone = 'America/New_York'
    await insights.run()
    assert.equal(patternsOf(client).zone, 'America/New_York')
    assert.equal(patternsOf(client).transmutations.byHour[22], 1)
    assert.deepEqual(insights.failures, [])
  })

  test(`${engine}: archetypeDue at each ten entries, once, and again at the next start`, async () => {
    const database = newDatabase()
    const client = await openReal({ database })
    const logs = client.collection('logs')
    const write = async (/** @type {number} */ count) => {
      for (let n = 0; n < count; n++)
        await logs.put(randomUUID(), log('2026-11-25T08:00:00Z', 'Win'))
    }
    /** @type {any[]} */
    const told = []
    const insights = await insightsOf(client)
    await write(10)
    client.on('archetypeDue', (/** @type {any} */ detail) => told.push(detail))
    await insights.run()
    assert.deepEqual(told, [], 'before the first pull nobody knows how many there are')
    await client.sync()
    await insights.run()
    await insights.run()
    assert.deepEqual(told, [{ entries: 10, since: 0 }])
    await write(5)
    await insights.run()
    assert.equal(told.length, 1)
    await insights.stop()

    // the next start, unanswered
    const next = await insightsOf(client)
    await next.run()
    assert.deepEqual(told[1], { entries: 15, since: 0 })
    await answerArchetype(client, { archetype: 'Sage', summary: 'Calm.', entries: 15 })
    const { archetypeAnalysis, lastArchetypeUpdate } = client.collection('path').get('self')
    assert.deepEqual(archetypeAnalysis, { archetype: 'Sage', summary: 'Calm.', entries: 15 })
    assert.equal(Date.parse(lastArchetypeUpdate), noon)
    const [kept] = logs.list({ where: { category: 'archetype' } })
    assert.equal(kept.content, 'Calm.')
    assert.deepEqual(kept.metadata, {
      ...{ entries: 10, analysisId: kept.id },
      analysis: { archetype: 'Sage', summary: 'Calm.', entries: 15 },
    })
    await write(4)
    await next.run()
    assert.equal(told.length, 2)
    await write(1)
    await next.run()
    assert.deepEqual(told[2], { entries: 20, since: 15 })
    assert.equal(client.userId, anna)
  })

  test(`${engine}: archetypeDue waits for somebody who listens`, async () => {
    const client = await openReal()
    await client.sync()
    for (let n = 0; n < 10; n++) {
      await client.collection('logs').put(randomUUID(), log('2026-11-25T08:00:00Z', 'Win'))
    }
    const insights = await insightsOf(client)
    stateOf(client).insights = insights
    await insights.run()
    /** @type {any[]} */
    const told = []
    client.on('archetypeDue', (/** @type {any} */ detail) => told.push(detail))
    await until(() => told.length > 0)
    assert.deepEqual(told, [{ entries: 10, since: 0 }])
  })

  test(`${engine}: an analysis of an app that does not count is dated instead`, async () => {
    const client = await openReal()
    await client.sync()
    for (let n = 0; n < 12; n++) {
      const at = new Date(noon - n * 3_600_000).toISOString()
      await client.collection('logs').put(randomUUID(), log(at, 'Win'))
    }
    const answer = { archetypeAnalysis: { archetype: 'Sage' } }
    const lastArchetypeUpdate = new Date(noon).toISOString()
    await client.collection('path').patch('self', { ...answer, lastArchetypeUpdate })
    /** @type {any[]} */
    const told = []
    client.on('archetypeDue', (/** @type {any} */ detail) => told.push(detail))
    const insights = await insightsOf(client)
    await insights.run()
    assert.deepEqual(told, [])
    const before = new Date(noon - 5.5 * 3_600_000).toISOString()
    await client.collection('path').patch('self', { lastArchetypeUpdate: before })
    await insights.run()
    assert.deepEqual(told, [{ entries: 12, since: 6 }])
  })

  test(`${engine}: an answer that is none is refused, and nothing is written`, async () => {
    const client = await openReal()
    for (const bad of [null, [], 'Sage', { entries: -1 }, { entries: 1.5 }, { a: new Map() }]) {
      await assert.rejects(answerArchetype(client, /** @type {any} */ (bad)), {
        code: 'invalid-value',
      })
    }
    assert.equal(client.status().pending, 0)
    assert.equal(client.collection('logs').size, 0)
    await assert.rejects(openReal({ insights: 1 }), { code: 'invalid-value' })
  })
}
