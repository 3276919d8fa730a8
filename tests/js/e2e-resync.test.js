// The real server forgets: restored from a backup, or its tombstones purged. What devices still have comes back,
// once; what was deleted long ago goes. The merging itself is tested natively (tests/unit/resync_test.cpp).

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, test } from 'node:test'
import { allRows, settle, startWorld, synced } from '../support/world.js'

/** @type {import('../support/world.js').World} */
let world
before(async () => {
  world = await startWorld()
})
afterEach(() => world.proxy.reset())
after(() => world.stop())

const path = '/rpc/sync'

/** @param {string} content */
const chat = (content) => ({ category: 'chat', content, metadata: { said: content } })

/**
 * A backup of everything the migrations store, as pg_dump would take it; returns what puts it back.
 * Versions start again where they stood, so that the same numbers come to mean other rows.
 */
async function backUp() {
  const { sql } = world.server
  const tables = (
    await sql(`select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname = 'somatic_sync' and tablename <> 'collections'
        or schemaname = 'public' and tablename in (select table_name from somatic_sync.collections)`)
  ).map((row) => String(row.name))
  const [{ head }] = await sql('select last_value::text as head from somatic_sync.versions')
  const name = `backup_${randomUUID().replaceAll('-', '')}`
  await sql(`create schema ${name}`)
  const copies = tables.map((table, i) => ({ table, copy: `${name}.t${i}` }))
  for (const { table, copy } of copies) await sql(`create table ${copy} as table ${table}`)
  return async () => {
    await sql('set session_replication_role = replica') // no triggers: a restore is not an edit
    for (const { table, copy } of copies) {
      await sql(`delete from ${table}`)
      await sql(`insert into ${table} select * from ${copy}`)
    }
    await sql('set session_replication_role = origin')
    await sql(`select setval('somatic_sync.versions', ${head})`)
    await sql(`drop schema ${name} cascade`)
  }
}

for (const tellsSo of [true, false]) {
  const how = tellsSo ? 'and the operator says so' : 'and nobody says so'
  test(`restored from an older backup, ${how}: what devices have comes back, once`, async () => {
    const user = await world.newUser()
    const [a, b] = [await world.device(user), await world.device(user)]
    const [first, second, third] = [randomUUID(), randomUUID(), randomUUID()]
    await a.collection('progress').put('self', { totalCompletions: 10 })
    await a.collection('logs').put(first, chat('before the backup'))
    await a.collection('health').put('2026-11-20', { steps: 100, sleepHours: 7.25 })
    await settle(a, b)
    const restore = await backUp()

    await a.collection('progress').increment('self', 'totalCompletions', 5)
    await a.collection('logs').patch(first, { content: 'edited after the backup' })
    await b.collection('logs').put(second, chat('written after the backup'))
    await b.collection('achievements').put('first', { unlocked: true, progress: 3 })
    await b.collection('health').put('2026-11-21', { steps: 4000 })
    await settle(a, b)
    const had = allRows(a)

    // Work of the moment it happens: unsent, and sent without an answer.
    await b.collection('progress').increment('self', 'totalCompletions')
    await a.collection('progress').increment('self', 'totalCompletions')
    await a.collection('logs').put(third, chat('answer lost'))
    world.proxy.next(path, { dropResponse: true })
    await assert.rejects(a.sync(), { code: 'offline' })
    await restore()
    if (tellsSo) await world.server.sql('select somatic_sync.new_epoch()')

    await settle(a, b)
    const fresh = await world.device(user)
    await fresh.sync()
    assert.deepEqual(allRows(a), allRows(b))
    assert.deepEqual(allRows(fresh), allRows(a))
    assert.equal(a.collection('progress').get('self')?.totalCompletions, 17)
    assert.equal(a.collection('logs').get(first)?.content, 'edited after the backup')
    assert.equal(a.collection('logs').get(third)?.content, 'answer lost')
    assert.deepEqual(allRows(a).health, had.health)
    assert.deepEqual(allRows(a).achievements, had.achievements)
    for (const each of [a, b]) {
      assert.deepEqual([each.status().pending, each.status().rejected], [0, 0])
    }
    const { count } = await user.client.from('sovereign_logs').select('*', { count: 'exact' })
    assert.equal(count, 3)
  })
}

test('restored to a backup of before all of it: a row of each collection comes back, as it was', async () => {
  const user = await world.newUser()
  const a = await world.device(user)
  await a.sync()
  const restore = await backUp()
  /** @type {Record<string, [key: string, fields: object]>} */
  const rows = {
    progress: ['self', { totalCompletions: 3, completedDays: ['2026-11-19', '2026-11-20'] }],
    achievements: ['first', { unlocked: true, unlockedDate: '2026-11-20T08:00:00Z', progress: 9 }],
    path: ['self', { birthData: { z: 1, a: null }, katas: [{ id: 'k', name: 'n' }] }],
    logs: [randomUUID(), chat('a log')],
    cosmic: ['2026-11-20', { location: { city: 'Oslo' }, astronomy: { moon: 0.5 } }],
    astrology: ['self', { natalChart: { sun: 'Leo' }, transits: { date: '2026-11-20' } }],
    attunements: ['2026-11-20', { insightfulQuestion: 'Why?', synthesizedAnswer: 'So.' }],
    embeddings: [
      randomUUID(),
      {
        ...{ content: 'calm', metadata: { model: 'test' } },
        embedding: [1, ...Array(383).fill(0)],
      },
    ],
    health: ['2026-11-20', { steps: 4000, sleepHours: 7.25 }],
  }
  assert.deepEqual(Object.keys(rows).sort(), [...synced].sort())
  for (const [name, [key, fields]] of Object.entries(rows)) {
    await /** @type {any} */ (a).collection(name).put(key, fields)
  }
  await settle(a)
  const had = allRows(a)
  await restore()
  await world.server.sql('select somatic_sync.new_epoch()')
  await settle(a)
  const fresh = await world.device(user)
  await fresh.sync()
  assert.deepEqual(allRows(fresh), had)
  assert.deepEqual(allRows(a), had)
  assert.deepEqual([a.status().pending, a.status().rejected], [0, 0])
})

test('away beyond the horizon: deleted rows go, unsent edits stay', async () => {
  const user = await world.newUser()
  const [a, b] = [await world.device(user), await world.device(user)]
  const ids = Array.from({ length: 4 }, () => randomUUID())
  for (const id of ids) await a.collection('logs').put(id, chat(id))
  await settle(a, b)
  const unsent = randomUUID()
  await b.collection('logs').put(unsent, chat('made while away'))
  await b.collection('logs').patch(ids[1], { content: 'edited while away' })
  for (const id of ids.slice(0, 3)) await a.collection('logs').remove(id)
  await a.sync()
  await a.sync()
  const age = "update somatic_sync.tombstones set deleted_at = now() - interval '401 days'"
  await world.server.sql(`${age} where user_id = '${user.id}'`)
  await a.collection('logs').put(randomUUID(), chat('whoever writes next purges'))
  await settle(a, b)
  const [{ left }] = await world.server.sql(
    `select count(*)::int as left from somatic_sync.tombstones where user_id = '${user.id}'`,
  )
  assert.equal(left, 0)
  assert.deepEqual(allRows(a), allRows(b))
  const logs = b.collection('logs')
  assert.deepEqual(
    ids.map((id) => logs.get(id)?.content),
    [undefined, 'edited while away', undefined, ids[3]],
  )
  assert.equal(logs.get(unsent)?.content, 'made while away')
  const fresh = await world.device(user)
  await fresh.sync()
  assert.deepEqual(allRows(fresh), allRows(a))
})

test('the account is deleted elsewhere: this device forgets it, and keeps what it had not sent', async () => {
  const user = await world.newUser()
  const [a, b] = [await world.device(user), await world.device(user)]
  await a.collection('logs').put(randomUUID(), chat('gone with the account'))
  await settle(a, b)
  const { error } = await user.client.rpc('delete_account')
  assert.equal(error, null)
  await b.collection('logs').put(randomUUID(), chat('written since'))
  await settle(a, b)
  for (const each of [a, b]) {
    assert.deepEqual(
      each
        .collection('logs')
        .list()
        .map((row) => row.content),
      ['written since'],
    )
  }
})

test('a ledger that was purged still knows what was not acknowledged', async () => {
  const user = await world.newUser()
  const a = await world.device(user)
  await a.collection('progress').increment('self', 'totalCompletions', 3)
  await a.sync()
  await a.sync()
  await a.collection('progress').increment('self', 'totalCompletions')
  world.proxy.next(path, { dropResponse: true })
  await assert.rejects(a.sync(), { code: 'offline' })
  await world.server.sql(`update somatic_sync.ledger set applied_at = now() - interval '2 years',
    acked_at = acked_at - interval '8 days' where user_id = '${user.id}'`)
  const [{ before }] = await world.server.sql(
    `select count(*)::int as before from somatic_sync.ledger where user_id = '${user.id}'`,
  )
  assert.equal(before, 2)
  await a.sync()
  await a.sync()
  assert.equal(a.collection('progress').get('self')?.totalCompletions, 4)
  const [{ left }] = await world.server.sql(
    `select count(*)::int as left from somatic_sync.ledger where user_id = '${user.id}'`,
  )
  assert.equal(left, 1)
})
