// The writer's own rows after its push are what a device reads that was never there: every field of every
// collection, to the character, JSON in the order of its keys. New rows, edits, conflicts, answers that got lost.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, test } from 'node:test'
import { somaticSchema } from '../../js/index.js'
import { allRows, settle, startWorld, synced } from '../support/world.js'

/** @type {import('../support/world.js').World} */
let world
before(async () => {
  world = await startWorld()
})
afterEach(() => world.proxy.reset())
after(() => world.stop())

/** @typedef {Record<string, Record<string, Record<string, unknown>>>} Rows by collection and key */

const [logId, embeddingId] = [randomUUID(), randomUUID()]
/** Numbers that 32 bits cannot hold, of all sizes. @param {number} seed */
const vector = (seed) => Array.from({ length: 384 }, (_, i) => Math.sin(seed + i) / 7 ** (i % 9))
const json = { z: { y: 1.5, a: [] }, a: null, 10: '10', 9: [1e21, -0.25, 1e-7], ä: 'ä', '': '' }

// Values that the server stores otherwise than they were written: more digits than the column has, moments
// in other zones and of other precision, days in ranges that touch.
/** @type {Rows} */
const made = {
  progress: {
    self: {
      totalCompletions: 7,
      completedDays: [
        ['2026-11-03', '2026-11-04'],
        ['2026-11-01', '2026-11-02'],
      ],
    },
  },
  achievements: {
    dawn: { unlocked: true, unlockedDate: '2026-11-01T23:30:00-05:00', progress: 3 },
    dusk: { progress: 0, createdAt: '2026-11-01T10:00:00.123456Z' },
  },
  path: {
    self: {
      ...{ humanDesignChart: json, birthData: json, oejtsResults: json, archetypeAnalysis: json },
      oejtsAnswers: [
        { value: 1, questionId: 'q2', answeredAt: '2026-11-01T10:00:00+02:00' },
        { value: 5, questionId: 'q1', answeredAt: '2026-11-01T10:00:00Z' },
      ],
      lastArchetypeUpdate: '2026-11-01T10:00:00.5+05:45',
      katas: [{ name: 'n', id: 'k', steps: [{ z: 1, a: 2 }] }],
      ...{ healthMetrics: { steps: 1 }, patterns: [json], lastSyncDate: '2026-11-01' },
    },
  },
  logs: {
    [logId]: {
      ...{ category: 'journal', content: ' \u00e9 e\u0301 \r\n\t" \\ 🫁 ' },
      metadata: { ...json, journalId: 'j' },
      createdAt: '2026-11-01T10:00:00.9999Z',
    },
  },
  cosmic: {
    '2026-11-01': {
      ...{ location: json, astronomy: json, cachedAt: '2026-11-01T00:00:00+14:00' },
      fresh: { astronomy: { at: 1.5e12, inputs: '{"lat":52.5}', sum: '00ff' } },
    },
  },
  astrology: {
    self: {
      ...{ birthData: json, natalChart: json, transits: json, personalTrading: [1, null] },
      fresh: { transits: { at: 1.5e12, inputs: '', sum: '' }, natalChart: json },
    },
  },
  attunements: {
    '2026-11-01': {
      ...{ insightfulQuestion: 'Why?', synthesizedAnswer: 'So.', basedOn: json },
      generatedAt: '2026-11-01T06:00:00.0005Z',
    },
  },
  embeddings: {
    [embeddingId]: { content: 'calm', metadata: { model: 'test', ...json }, embedding: vector(1) },
  },
  health: {
    '2026-11-01': { steps: 12, sleepHours: 7.256, walkingAsymmetry: 1.005 },
    '2026-11-02': { sleepHours: 0.004, walkingAsymmetry: 99.994, syncedAt: '2026-11-02T00:00Z' },
  },
}

/** @type {Rows} */
const edits = {
  progress: { self: { completedDays: [['2026-11-05', '2026-11-05']] } },
  achievements: { dusk: { unlocked: true, unlockedDate: '2026-11-02T00:00:00.0009+01:00' } },
  path: {
    self: { birthData: { b: 1, a: { d: 1, c: 2 } }, lastSyncDate: '2026-11-02T10:00:00+03:00' },
  },
  logs: { [logId]: { content: 'edited', metadata: { journalId: 'j', zz: 1, aaa: 2 } } },
  cosmic: { '2026-11-01': { astronomy: { z: 1, a: 2 }, cachedAt: '2026-11-02T00:00:00.1239Z' } },
  astrology: { self: { transits: null, cachedAt: '2026-11-02T10:00:00-03:30' } },
  embeddings: { [embeddingId]: { metadata: { z: 1, a: 2 }, embedding: vector(2) } },
  health: { '2026-11-01': { sleepHours: 6.995, syncedAt: '2026-11-02T00:00:00.0001Z' } },
}

/** @param {import('../support/world.js').Device} device @param {'put' | 'patch'} op @param {Rows} rows */
async function write(device, op, rows) {
  for (const [name, each] of Object.entries(rows)) {
    const collection = /** @type {any} */ (device).collection(name)
    for (const [key, fields] of Object.entries(each)) await collection[op](key, fields)
  }
}

/** As text, so that nothing is taken for equal that is not. @param {any} device */
const shown = (device) => JSON.stringify(allRows(device), null, 1)

/** @param {import('../support/world.js').User} user @param {...import('../support/world.js').Device} devices */
async function assertFresh(user, ...devices) {
  const fresh = await world.device(user)
  await fresh.sync()
  for (const device of devices) {
    assert.equal(device.status().pending, 0)
    assert.equal(device.status().rejected, 0)
    assert.equal(shown(device), shown(fresh))
  }
  return fresh
}

test('the rows written here name every field of every collection', () => {
  assert.deepEqual(Object.keys(made).sort(), [...synced].sort())
  for (const name of synced) {
    const spec = /** @type {any} */ (somaticSchema.collections)[name]
    const written = new Set(
      [made, edits].flatMap((rows) => Object.values(rows[name] ?? {}).flatMap(Object.keys)),
    )
    const derived = Object.keys(spec.fields).filter((field) => spec.fields[field].derived)
    for (const field of ['id', 'createdAt', spec.key, ...derived]) written.add(field)
    assert.deepEqual(
      Object.keys(spec.fields).filter((field) => !written.has(field)),
      [],
      name,
    )
  }
})

test('after its push the writer reads what a fresh device reads: new rows, then edits', async () => {
  const user = await world.newUser()
  const writer = await world.device(user)
  await write(writer, 'put', made)
  await writer.sync()
  const fresh = await assertFresh(user, writer)
  const health = fresh.collection('health').get('2026-11-01')
  assert.deepEqual([health?.sleepHours, health?.walkingAsymmetry], [7.26, 1])
  assert.equal(
    fresh.collection('achievements').get('dawn')?.unlockedDate,
    '2026-11-02T04:30:00.000Z',
  )
  assert.deepEqual(fresh.collection('progress').get('self')?.completedDays, [
    ['2026-11-01', '2026-11-04'],
  ])

  await write(writer, 'patch', edits)
  await writer.sync()
  await assertFresh(user, writer)
})

test('the same after conflicts, and where the first answer was lost', async () => {
  const user = await world.newUser()
  const [a, b] = [await world.device(user), await world.device(user)]
  await write(a, 'put', made)
  await settle(a, b)
  await write(b, 'patch', edits)
  await b.collection('health').patch('2026-11-01', { steps: 99, sleepHours: 5.005 })
  await b.sync()
  await write(a, 'patch', edits)
  await a.collection('health').patch('2026-11-01', { walkingAsymmetry: 2.675 })
  world.proxy.next('/rpc/sync', { dropResponse: true })
  await assert.rejects(a.sync(), { code: 'offline' })
  await settle(a, b)
  await assertFresh(user, a, b)
})

test('the same for rows that an app without sync wrote, edited here', async () => {
  const user = await world.newUser()
  const a = await world.device(user)
  /** @type {[string, object][]} */
  const rows = [
    ['user_progress', { compliance_streak: 3, last_completed_date: '2026-11-22' }],
    ['achievements', { achievement_id: 'dusk', progress: 1 }],
    ['health_metrics_history', { date: '2026-11-01', sleep_hours: 7.25, steps: 1 }],
    ['sovereign_logs', { id: logId, category: 'chat', content: 'c', metadata: json }],
    ['cosmic_data_cache', { date: '2026-11-01', astronomy: json }],
    ['vector_embeddings', { id: embeddingId, content: 'c', metadata: {}, embedding: vector(3) }],
  ]
  for (const [table, row] of rows) {
    const { error } = await user.client.from(table).insert(row)
    assert.equal(error, null, table)
  }
  await a.sync()
  await assertFresh(user, a)
  await write(a, 'patch', edits)
  await a.sync()
  await assertFresh(user, a)
})
