// The app without sync goes on writing while the migrations run, with supabase-js over HTTP and with real
// concurrency on a bare PostgreSQL: no write is refused, none is lost, and the app with sync, when it
// comes, finds one row where both have one. What happens to the rows is upgrade.test.js.

import 'fake-indexeddb/auto'
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openSync } from '../../js/index.js'
import { authOf, signedInClient } from '../../tests/support/auth.js'
import { startLocalSupabase } from '../local/server.js'
import { existingProjectSql } from './existing-project.js'
import { hasPostgres } from './postgres.js'
import { asUser, emptyPostgres, newDevice, newUser, readMigrations } from './support.js'

/** @typedef {import('./support.js').Row} Row */

const day = (/** @type {number} */ n) => new Date(Date.UTC(2026, 0, n)).toISOString().slice(0, 10)

/**
 * What the old app does, one function each, n being its turn. Those it repeats must end with the last.
 *
 * @type {((client: import('@supabase/supabase-js').SupabaseClient, user_id: string, n: number) =>
 *   PromiseLike<{ error: any }>)[]}
 */
const oldApp = [
  (client, user_id, n) =>
    client.from('sovereign_logs').insert({
      ...{ user_id, category: 'chat', content: `message ${n}` },
      metadata: { messageId: `m${n}`, sessionId: 's' },
    }),
  (client, user_id, n) =>
    client.from('sovereign_logs').upsert(
      {
        ...{ id: `00000000-0000-4000-8000-${user_id.slice(-12)}`, user_id, category: 'journal' },
        ...{ content: `entry, version ${n}`, metadata: { journalId: 'j' } },
      },
      { onConflict: 'id' },
    ),
  (client, user_id, n) =>
    client.from('user_progress').upsert(
      {
        ...{ user_id, compliance_streak: n + 1, last_completed_date: day(n + 1) },
        ...{ total_completions: n, updated_at: new Date().toISOString() },
      },
      { onConflict: 'user_id' },
    ),
  (client, user_id, n) =>
    client
      .from('achievements')
      .upsert(
        { user_id, achievement_id: `a${n % 3}`, unlocked: true, progress: n },
        { onConflict: 'user_id,achievement_id' },
      ),
  (client, user_id, n) =>
    client
      .from('sovereign_path_data')
      .upsert(
        { user_id, oejts_answers: [{ questionId: 1, value: n }], katas: [{ id: 'k', n }] },
        { onConflict: 'user_id' },
      ),
  (client, user_id, n) =>
    client
      .from('cosmic_data_cache')
      .upsert({ user_id, date: day(1), astronomy: { n } }, { onConflict: 'user_id,date' }),
  (client, user_id, n) => client.from('astrology_data_cache').insert({ user_id, transits: { n } }),
  (client, user_id, n) =>
    client.from('daily_attunements').insert({
      ...{ user_id, date: day(n + 1), insightful_question: 'q', synthesized_answer: `a${n}` },
    }),
  (client, user_id, n) =>
    client.from('vector_embeddings').insert({
      ...{ user_id, content: `v${n}`, metadata: { model: 'bge' } },
      embedding: JSON.stringify([1, n, ...Array(382).fill(0)]),
    }),
  (client, user_id, n) =>
    client
      .from('health_metrics_history')
      .upsert({ user_id, date: day(1), steps: n }, { onConflict: 'user_id,date' }),
]

test('supabase-js goes on while the migrations run; then sync finds everything once', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'existing-project-'))
  t.after(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, '20250101000000_app.sql'), existingProjectSql({ vectors: true }))
  const server = await startLocalSupabase({ migrations: folder })
  t.after(() => server.stop())
  const endpoint = { url: server.url, anonKey: server.anonKey }

  let [migrating, refused] = [true, false]
  const turns = server.users.map(() => 0)
  const writers = server.users.map(async (user, i) => {
    const client = await signedInClient(endpoint, user)
    for (let more = 2; more > 0; more -= migrating ? 0 : 1) {
      for (const write of oldApp) {
        const { error } = await write(client, user.id, turns[i])
        refused ||= error !== null
        assert.equal(error, null, `turn ${turns[i]}: ${write} ${JSON.stringify(error)}`)
      }
      turns[i]++
    }
  })
  const migrations = async () => {
    for (const { sql } of readMigrations()) {
      await server.sql(`begin; ${sql}; commit;`)
      const until = turns.map((n) => n + 2) // a whole turn of each between any two migrations
      while (!refused && turns.some((n, i) => n < until[i]))
        await new Promise((r) => setTimeout(r, 10))
    }
    migrating = false
  }
  await Promise.all([...writers, migrations()])

  for (const [i, user] of server.users.entries()) {
    const n = turns[i]
    assert.ok(n >= 2 * readMigrations().length, 'the app wrote between migrations')
    const client = await signedInClient(endpoint, user)
    const all = async (/** @type {string} */ table) =>
      (await client.from(table).select()).data ?? []
    const logs = await all('sovereign_logs')
    assert.deepEqual(
      logs.map((l) => l.content).sort(),
      [...Array.from({ length: n }, (_, k) => `message ${k}`), `entry, version ${n - 1}`].sort(),
    )
    const [progress] = await all('user_progress')
    assert.deepEqual(
      [progress.total_completions, progress.completed_days],
      [n - 1, [[day(1), day(n)]]],
    )
    assert.equal((await all('achievements')).length, 3)
    assert.deepEqual((await all('sovereign_path_data'))[0].katas, [{ id: 'k', n: n - 1 }])
    assert.deepEqual((await all('cosmic_data_cache'))[0].astronomy, { n: n - 1 })
    assert.deepEqual(
      (await all('astrology_data_cache')).map((c) => c.transits),
      [{ n: n - 1 }],
    )
    assert.equal((await all('daily_attunements')).length, n)
    assert.equal((await all('vector_embeddings')).length, n)
    assert.equal((await all('health_metrics_history'))[0].steps, n - 1)

    // The app with sync: it brings what its stores hold, under ids of its own.
    const sync = await openSync({
      ...{ url: server.url, key: server.anonKey, auth: authOf(client) },
      ...{ database: `upgraded-${randomUUID()}`, autoSync: false },
    })
    t.after(() => sync.close())
    for (let k = 0; k < n; k++) {
      await sync.collection('logs').put(randomUUID(), {
        ...{ category: 'chat', content: `message ${k}` },
        metadata: { messageId: `m${k}`, sessionId: 's' },
      })
    }
    await sync.collection('progress').increment('self', 'totalCompletions')
    await sync.sync()
    await sync.sync()
    assert.deepEqual(sync.rejected(), [])
    assert.deepEqual(
      sync
        .collection('logs')
        .list()
        .map((l) => l.id)
        .sort(),
      logs.map((l) => l.id).sort(),
    )
    assert.equal(sync.collection('progress').get('self')?.totalCompletions, n)
    assert.equal(sync.collection('embeddings').size, n)
    assert.equal((await all('sovereign_logs')).length, logs.length)
  }
})

test('eight writers at once while the migrations run: none is refused, versions are gap-free', {
  skip: !hasPostgres && 'no PostgreSQL here',
}, async (t) => {
  const db = await emptyPostgres()
  t.after(() => db.close())
  await db.script(existingProjectSql({ vectors: false }))
  const pool = db.connect(8)
  t.after(() => pool.end())
  const users = [await newUser(db), await newUser(db)]

  let writing = true
  /** @type {string[]} */
  const accepted = []
  const writers = Array.from({ length: 8 }, async (_, k) => {
    const user = users[k % users.length]
    for (let n = 0; writing || n < 20; n++) {
      const id = randomUUID()
      await asUser(
        pool,
        user,
        `insert into public.sovereign_logs (id, user_id, category, content, metadata)
           values ($1::uuid, $2, 'chat', $3, jsonb_build_object('messageId', ($1::uuid)::text))`,
        [id, user, `${k} ${n}`],
      )
      accepted.push(id)
      await asUser(pool, user, 'insert into public.log_tags values ($1, $2)', [id, 't'])
      await asUser(
        pool,
        user,
        `insert into public.health_metrics_history (user_id, date, steps) values ($1, $2, $3)
           on conflict (user_id, date) do update set steps = excluded.steps`,
        [user, day(1 + (n % 9)), n],
      )
      await asUser(
        pool,
        user,
        `update public.sovereign_logs set content = content || ' edited' where id = $1`,
        [id],
      )
    }
  })
  for (const { sql } of readMigrations()) {
    await db.script(`begin; ${sql}; commit;`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  writing = false
  await Promise.all(writers)

  const stored = await db.admin('select id, content from public.sovereign_logs')
  assert.deepEqual(stored.map((l) => l.id).sort(), accepted.sort())
  assert.ok(stored.every((l) => l.content.endsWith(' edited')))
  for (const user of users) {
    const device = newDevice(db, user)
    const { rows } = await device.pull()
    /** @type {Row[]} */
    const tables = await db.admin(
      `select id, version from public.sovereign_logs where user_id = $1
         union all select id, version from public.health_metrics_history where user_id = $1`,
      [user],
    )
    const pulled = Object.values(rows).flat()
    const named = (/** @type {Row[]} */ some) => some.map((r) => `${r.id} ${r.version}`).sort()
    assert.deepEqual(named(pulled), named(tables))
    assert.equal(new Set(pulled.map((r) => r.version)).size, pulled.length)
  }
})
