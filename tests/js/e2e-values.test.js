// The writer's own rows after its push are what a device reads that was never there: every field of every
// collection, to the character, JSON in the order of its keys. New rows, edits, conflicts, answers that got lost.

import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { somaticSchema } from '../../js/index.js'
import { edits, embeddingId, json, logId, made, vector, write } from '../support/odd-rows.js'
import { allRows, settle, startWorld, synced } from '../support/world.js'

/** @type {import('../support/world.js').World} */
let world
before(async () => {
  world = await startWorld()
})
afterEach(() => world.proxy.reset())
after(() => world.stop())

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
