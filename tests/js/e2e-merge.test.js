// Two devices of one user meet: what the promises of the schema's merge rules are worth end to end.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { allRows, settle, startWorld } from '../support/world.js'

/** @type {import('../support/world.js').World} */
let world
before(async () => {
  world = await startWorld()
})
after(() => world.stop())

/** A user with two devices that both know `start` as the progress. */
async function pair(start = /** @type {Record<string, any>} */ ({ totalCompletions: 10 })) {
  const user = await world.newUser()
  const a = await world.device(user)
  const b = await world.device(user)
  await a.collection('progress').put('self', start)
  await settle(a, b)
  return { user, a, b }
}

/** @param {string} table @param {string} userId */
const stored = (table, userId) =>
  world.server.sql(`select * from public.${table} where user_id = $1`, [userId])

test('two devices complete a routine offline from 10: 12 everywhere', async () => {
  const { user, a, b } = await pair()
  for (const each of [a, b]) await each.collection('progress').increment('self', 'totalCompletions')
  await settle(a, b)
  assert.equal(a.collection('progress').get('self')?.totalCompletions, 12)
  assert.equal(b.collection('progress').get('self')?.totalCompletions, 12)
  const [row] = await stored('user_progress', user.id)
  assert.equal(row.total_completions, 12)
})

test('one device increments one row three times in one quiet period: +3', async () => {
  const { user, a } = await pair()
  for (let i = 0; i < 3; i++) await a.collection('progress').increment('self', 'totalCompletions')
  const report = await a.sync()
  assert.equal(report.pushed, 1)
  const [row] = await stored('user_progress', user.id)
  assert.equal(row.total_completions, 13)
})

test('different fields edited on two devices are both kept', async () => {
  const { a, b } = await pair()
  await a.collection('health').put('2026-11-20', { steps: 4000, sleepHours: 7 })
  await settle(a, b)
  await a.collection('health').patch('2026-11-20', { steps: 9000 })
  await b.collection('health').patch('2026-11-20', { sleepHours: 6.25 })
  await settle(a, b)
  for (const each of [a, b]) {
    const row = each.collection('health').get('2026-11-20')
    assert.deepEqual([row?.steps, row?.sleepHours], [9000, 6.25])
  }
})

test('different keys of one JSON column edited on two devices are both kept', async () => {
  const { a, b } = await pair()
  const id = randomUUID()
  const metadata = { journalId: 'j1', mood: 'tired', insights: 'none' }
  await a.collection('logs').put(id, { category: 'journal', content: 'text', metadata })
  await settle(a, b)
  await a.collection('logs').patch(id, { metadata: { ...metadata, mood: 'calm' } })
  await b.collection('logs').patch(id, { metadata: { ...metadata, insights: 'breathe' } })
  await settle(a, b)
  const merged = { journalId: 'j1', mood: 'calm', insights: 'breathe' }
  for (const each of [a, b]) assert.deepEqual(each.collection('logs').get(id)?.metadata, merged)
})

test('an achievement unlocked anywhere stays unlocked', async () => {
  const { user, a, b } = await pair()
  const locked = { unlocked: false, progress: 3 }
  await a.collection('achievements').put('week-warrior', locked)
  await settle(a, b)
  const unlockedDate = '2026-11-20T08:00:00.000Z'
  await a
    .collection('achievements')
    .put('week-warrior', { unlocked: true, unlockedDate, progress: 7 })
  await b.collection('achievements').put('week-warrior', { ...locked, progress: 4 })
  await a.sync()
  await settle(b, a)
  for (const each of [a, b]) {
    const row = each.collection('achievements').get('week-warrior')
    assert.deepEqual([row?.unlocked, row?.progress, row?.unlockedDate], [true, 7, unlockedDate])
  }
  // Whoever knows nothing of it: a new device before its first pull, and an app without sync.
  const fresh = await world.device(user)
  await fresh.collection('achievements').put('week-warrior', { ...locked, progress: 5 })
  await settle(fresh, a)
  const stale = { user_id: user.id, achievement_id: 'week-warrior', ...locked, unlocked_date: null }
  const onConflict = 'user_id,achievement_id'
  const { error } = await user.client.from('achievements').upsert(stale, { onConflict })
  assert.equal(error, null)
  await settle(a, b, fresh)
  for (const each of [a, b, fresh]) {
    const row = each.collection('achievements').get('week-warrior')
    assert.deepEqual([row?.unlocked, row?.progress, row?.unlockedDate], [true, 7, unlockedDate])
  }
  const [row] = await stored('achievements', user.id)
  assert.equal(row.unlocked, true)
})

test('OEJTS answers of two devices: the union, the newest per question', async () => {
  const { a, b } = await pair()
  /** @param {number} questionId @param {number} value @param {string} time */
  const answer = (questionId, value, time) => ({
    questionId,
    value,
    answeredAt: `2026-11-20T${time}:00.000Z`,
  })
  await a.collection('path').put('self', { oejtsAnswers: [answer(1, 1, '08:00')] })
  await settle(a, b)
  await a.collection('path').patch('self', {
    oejtsAnswers: [answer(1, 1, '08:00'), answer(2, 5, '09:00'), answer(3, 2, '12:00')],
  })
  await b.collection('path').patch('self', {
    oejtsAnswers: [answer(1, 4, '10:00'), answer(3, 1, '11:00'), answer(4, 3, '10:00')],
  })
  await settle(a, b)
  for (const each of [a, b]) {
    const answers = each.collection('path').get('self')?.oejtsAnswers
    const values = Object.fromEntries(
      answers.map((/** @type {any} */ one) => [one.questionId, one.value]),
    )
    assert.deepEqual(values, { 1: 4, 2: 5, 3: 2, 4: 3 })
    assert.equal(answers.length, 4)
  }
})

test('Monday and Tuesday here, Wednesday there, from 5 ending Sunday: 8', async () => {
  const { user, a, b } = await pair({
    ...{ totalCompletions: 5, complianceStreak: 5 },
    lastCompletedDate: '2026-11-15', // a Sunday
  })
  await a
    .collection('progress')
    .increment('self', 'totalCompletions', 1, { completedDays: ['2026-11-16'] })
  await a
    .collection('progress')
    .increment('self', 'totalCompletions', 1, { completedDays: ['2026-11-17'] })
  await b
    .collection('progress')
    .increment('self', 'totalCompletions', 1, { completedDays: ['2026-11-18'] })
  await settle(b, a)
  for (const each of [a, b]) {
    const row = each.collection('progress').get('self')
    assert.deepEqual(
      [row?.complianceStreak, row?.lastCompletedDate, row?.totalCompletions],
      [8, '2026-11-18', 8],
    )
  }
  const [row] = await stored('user_progress', user.id)
  assert.deepEqual([row.compliance_streak, row.total_completions], [8, 8])
})

test('a fresh device that completes before its first pull keeps the old streak', async () => {
  const { user, a } = await pair({
    ...{ totalCompletions: 5, complianceStreak: 5 },
    lastCompletedDate: '2026-11-15',
  })
  const fresh = await world.device(user)
  await fresh.collection('progress').increment('self', 'totalCompletions', 1, {
    ...{ complianceStreak: 1, lastCompletedDate: '2026-11-16' },
  })
  await settle(fresh, a)
  for (const each of [a, fresh]) {
    const row = each.collection('progress').get('self')
    assert.deepEqual([row?.complianceStreak, row?.totalCompletions], [6, 6])
  }
})

test('an edit against a deletion: the later one wins, on both devices', async () => {
  const { a, b } = await pair()
  const [edited, deleted] = [randomUUID(), randomUUID()]
  for (const id of [edited, deleted]) {
    await a.collection('logs').put(id, { category: 'chat', content: 'first', metadata: {} })
  }
  await settle(a, b)
  await a.collection('logs').remove(edited)
  await b.collection('logs').patch(deleted, { content: 'edited' })
  await new Promise((resolve) => setTimeout(resolve, 100))
  await b.collection('logs').patch(edited, { content: 'edited later' })
  await a.collection('logs').remove(deleted)
  await settle(a, b)
  for (const each of [a, b]) {
    assert.equal(each.collection('logs').get(edited)?.content, 'edited later')
    assert.equal(each.collection('logs').get(deleted), undefined)
  }
})

test('a long text that loses is kept and can be restored', async () => {
  const { a, b } = await pair()
  const id = randomUUID()
  await a.collection('logs').put(id, { category: 'journal', content: 'short', metadata: {} })
  await settle(a, b)
  const [first, second] = ['first '.repeat(30), 'second '.repeat(30)]
  await a.collection('logs').patch(id, { content: first })
  await new Promise((resolve) => setTimeout(resolve, 100))
  await b.collection('logs').patch(id, { content: second })
  await b.sync()
  await settle(a, b)
  for (const each of [a, b]) assert.equal(each.collection('logs').get(id)?.content, second)
  const lost = [...a.overwritten(), ...b.overwritten()]
  assert.deepEqual([...new Set(lost.map((one) => one.text))], [first])
  await a.restoreOverwritten(lost[0].id)
  await settle(a, b)
  assert.equal(b.collection('logs').get(id)?.content, first)
})

test('after a push the writer reads what a fresh device reads', async () => {
  const user = await world.newUser()
  const writer = await world.device(user)
  await writer.collection('health').put('2026-11-01', {
    ...{ steps: 12, sleepHours: 7.256, walkingAsymmetry: 1.005 },
    syncedAt: '2026-11-01T10:00:00+02:00',
  })
  await writer
    .collection('path')
    .put('self', { birthData: { z: 1, a: { y: 1.5, b: [] } }, katas: [] })
  await writer.collection('astrology').put('self', { natalChart: { sun: 'Leo' }, transits: null })
  await writer.collection('attunements').put('2026-11-01', {
    ...{ insightfulQuestion: 'Why?', synthesizedAnswer: 'Because.', basedOn: { logCount: 3 } },
    generatedAt: '2026-11-01T06:00:00.5Z',
  })
  await writer.collection('embeddings').put(randomUUID(), {
    ...{ content: 'calm', metadata: { model: 'test' } },
    embedding: Array.from({ length: 384 }, (_, i) => Math.sin(i + 1) / 7),
  })
  await writer.sync()
  const fresh = await world.device(user)
  await fresh.sync()
  assert.deepEqual(allRows(writer), allRows(fresh))
  assert.equal(fresh.collection('health').get('2026-11-01')?.syncedAt, '2026-11-01T08:00:00.000Z')
})

test('an increment made on an old row still brings what the other device changed', async () => {
  const { a, b } = await pair()
  const completedDays = ['2026-11-20']
  await a.collection('progress').increment('self', 'totalCompletions', 1, { completedDays })
  await a.sync()
  await b.collection('progress').increment('self', 'totalCompletions')
  await settle(b, a)
  for (const each of [a, b]) {
    const row = each.collection('progress').get('self')
    assert.deepEqual([row?.totalCompletions, row?.lastCompletedDate], [12, '2026-11-20'])
  }
})

test('mood here and insights there; an element edited there survives its deletion here', async () => {
  const { a, b } = await pair()
  const id = randomUUID()
  await a.collection('logs').put(id, {
    ...{ category: 'journal', content: 'a day' },
    metadata: { journalId: 'j', mood: 'low', insights: '' },
  })
  const katas = [1, 2, 3].map((n) => ({ id: `k${n}`, name: `kata ${n}` }))
  await a.collection('path').put('self', { katas })
  await settle(a, b)
  await a.collection('logs').patch(id, {
    metadata: { journalId: 'j', mood: 'calm', insights: '' },
  })
  await b.collection('logs').patch(id, {
    metadata: { journalId: 'j', mood: 'low', insights: 'walk more' },
  })
  await a.collection('path').patch('self', { katas: [katas[0]] })
  await b.collection('path').patch('self', {
    katas: [katas[0], { ...katas[1], name: 'renamed' }, katas[2]],
  })
  await settle(a, b)
  for (const each of [a, b]) {
    assert.deepEqual(each.collection('logs').get(id)?.metadata, {
      ...{ journalId: 'j', mood: 'calm', insights: 'walk more' },
    })
    const left = each.collection('path').get('self')?.katas
    assert.deepEqual(
      left.map((/** @type {any} */ kata) => kata.name),
      ['kata 1', 'renamed'],
    )
  }
})

const years = 2 * 365 * 24 * 3_600_000

test('a day of the future, written by a wrong clock before the first sync, reaches nobody', async () => {
  const user = await world.newUser()
  const wrongNow = () => Date.now() + years
  const a = await world.device(user, { now: wrongNow })
  const b = await world.device(user)
  const key = new Date(wrongNow()).toISOString().slice(0, 10)
  await a.collection('health').put(key, { steps: 1 })
  await a.collection('health').put('2026-11-20', { steps: 2 })
  assert.equal((await a.sync()).rejected, 1)
  const [refused] = a.rejected()
  assert.deepEqual([refused.key, refused.code], [key, 'invalid-value'])
  assert.match(refused.message, /in the future/)
  await settle(a, b)
  assert.deepEqual(b.collection('health').keys(), ['2026-11-20'])
  await assert.rejects(a.collection('health').put(key.replace(/..$/, '01'), { steps: 1 }), {
    code: 'invalid-value',
  })
  await a.discardRejected(refused.id)
  assert.deepEqual(a.collection('health').keys(), ['2026-11-20'])
})

for (const [name, skew] of /** @type {[string, (calls: number) => number][]} */ ([
  ['two years ahead', () => years],
  ['two years behind', () => -years],
  ['jumping', (calls) => (calls % 3 === 0 ? years : calls % 3 === 1 ? -years : 0)],
])) {
  test(`one clock ${name}: the later real edit wins`, async () => {
    const user = await world.newUser()
    let calls = 0
    const wrongNow = () => Date.now() + skew(++calls)
    const a = await world.device(user, { now: wrongNow })
    const b = await world.device(user)
    const id = randomUUID()
    await b.collection('logs').put(id, { category: 'chat', content: 'first', metadata: {} })
    await settle(b, a)
    for (const [earlier, later] of [
      [a, b],
      [b, a],
    ]) {
      const content = `later, on ${later === a ? 'a' : 'b'}`
      await earlier.collection('logs').patch(id, { content: `before: ${content}` })
      await pause(100)
      await later.collection('logs').patch(id, { content })
      await settle(a, b)
      for (const each of [a, b]) assert.equal(each.collection('logs').get(id)?.content, content)
    }
    if (name === 'jumping') return
    // Times that the app takes from the same clock: the newest answer, the first unlocking.
    const appTime = (/** @type {() => number} */ now) => new Date(now()).toISOString()
    const answer = (/** @type {number} */ value, /** @type {string} */ answeredAt) => ({
      oejtsAnswers: [{ questionId: 'q', value, answeredAt }],
    })
    await a.collection('path').put('self', answer(1, appTime(wrongNow)))
    const unlocked = Date.now()
    await a.collection('achievements').put('first', {
      ...{ unlocked: true, unlockedDate: appTime(wrongNow) },
    })
    await pause(50)
    await b.collection('path').put('self', answer(2, appTime(Date.now)))
    await b.collection('achievements').put('first', {
      ...{ unlocked: true, unlockedDate: appTime(Date.now) },
    })
    await settle(a, b)
    for (const each of [a, b]) {
      assert.equal(each.collection('path').get('self')?.oejtsAnswers[0].value, 2)
      const { unlockedDate } = each.collection('achievements').get('first') ?? {}
      assert.ok(Math.abs(Date.parse(String(unlockedDate)) - unlocked) < 3000, unlockedDate ?? '')
    }
  })
}
