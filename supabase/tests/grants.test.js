// Who may do what, as a real server enforces it (a local Supabase grants everything to everyone, so
// it cannot tell): anon nothing, a signed-in user only what is his, the books of sync included.
// pgvector is not part of a bare PostgreSQL: vector_embeddings is checked for being left out.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { hasPostgres } from './postgres.js'
import { log, mutation, newDevice, newUser, openPostgres } from './support.js'

const books = ['tombstones', 'ledger', 'devices', 'horizons', 'failures']

describe('grants on a bare PostgreSQL', { skip: !hasPostgres && 'no PostgreSQL here' }, () => {
  /** @type {import('./support.js').Backend} */
  let db
  /** @type {string} */
  let ada
  /** @type {string} */
  let ben
  /** @type {string[]} */
  let tables
  before(async () => {
    db = await openPostgres()
    ada = await newUser(db)
    ben = await newUser(db)
    tables = (await db.admin('select table_name from somatic_sync.collections order by 1')).map(
      (r) => r.table_name,
    )
    for (const user of [ada, ben]) await fill(user)
  })
  after(() => db.close())

  /** One row in every collection and every book. @param {string} user */
  async function fill(user) {
    /** @type {Record<string, any>} */
    const sets = {
      sovereign_logs: { category: 'chat', content: 'mine' },
      achievements: { achievement_id: 'a' },
      cosmic_data_cache: { date: '2026-11-22' },
      daily_attunements: { date: '2026-11-22', insightful_question: 'q', synthesized_answer: 'a' },
      health_metrics_history: { date: '2026-11-22' },
    }
    const my = newDevice(db, user)
    const gone = log('gone')
    const answers = await my.push(
      gone,
      mutation('nowhere', randomUUID(), {}),
      ...tables.map((table) => mutation(table, randomUUID(), { set: sets[table] ?? {} })),
    )
    assert.deepEqual(
      answers.map((a) => a.status),
      ['applied', 'rejected', ...tables.map(() => 'applied')],
    )
    await my.push(
      mutation('sovereign_logs', gone.id, { base: answers[0].version, del: true, set: undefined }),
    )
    await db.admin('insert into somatic_sync.horizons values ($1, 0)', [user])
  }

  test('pgvector is missing here, so its table is left out and sync does not know it', async () => {
    assert.equal(tables.length, 8)
    const [{ there }] = await db.admin(
      `select to_regclass('public.vector_embeddings') is not null as there`,
    )
    assert.equal(there, false)
    const [answer] = await newDevice(db, ada).push(
      mutation('vector_embeddings', randomUUID(), { set: { content: 'x', metadata: {} } }),
    )
    assert.equal(answer.code, '42P01')
  })

  test('anon can do nothing', async () => {
    const denied = { code: '42501' }
    for (const table of tables.map((t) => `public.${t}`)) {
      for (const statement of [
        `select * from ${table}`,
        `insert into ${table} (user_id) values ('${ada}')`,
        `update ${table} set version = 1`,
        `delete from ${table}`,
        `truncate ${table}`,
      ]) {
        await assert.rejects(db.as(null, statement, [], 'anon'), denied, statement)
      }
    }
    for (const statement of [
      `select public.sync('{}')`,
      'select public.delete_account()',
      'select * from somatic_sync.meta',
      `select nextval('somatic_sync.versions')`,
      ...[...books, 'set_aside', 'twins'].map((book) => `select * from somatic_sync.${book}`),
    ]) {
      await assert.rejects(db.as(null, statement, [], 'anon'), denied, statement)
    }
  })

  test('anon holds no privilege on any table, column, sequence or function of ours', async () => {
    const held = await db.admin(`
      select c.oid::regclass::text as what from pg_class c
      where c.relnamespace in ('public'::regnamespace, 'somatic_sync'::regnamespace)
        and c.relkind in ('r', 'v')
        and (has_table_privilege('anon', c.oid,
               'select, insert, update, delete, truncate, references, trigger')
             or has_any_column_privilege('anon', c.oid, 'select, insert, update, references'))
      union all
      select c.oid::regclass::text from pg_class c
      where c.oid = 'somatic_sync.versions'::regclass
        and has_sequence_privilege('anon', c.oid, 'usage, select, update')
      union all
      select p.oid::regprocedure::text from pg_proc p
      where p.pronamespace in ('public'::regnamespace, 'somatic_sync'::regnamespace)
        and has_function_privilege('anon', p.oid, 'execute')
      union all
      select 'schema somatic_sync' where has_schema_privilege('anon', 'somatic_sync', 'usage')`)
    assert.deepEqual(held, [])
  })

  test('authenticated holds what it needs and not more', async () => {
    const extra = await db.admin(`
      select c.oid::regclass::text as what from pg_class c
      where c.relnamespace in ('public'::regnamespace, 'somatic_sync'::regnamespace)
        and c.relkind = 'r'
        and has_table_privilege('authenticated', c.oid, 'truncate, references, trigger')
      union all
      select p.oid::regprocedure::text from pg_proc p
      where p.oid in ('somatic_sync.new_epoch()'::regprocedure,
                      'somatic_sync.add_collection(text, text, text[])'::regprocedure)
        and has_function_privilege('authenticated', p.oid, 'execute')
      union all
      select 'write ' || t from unnest(array['set_aside', 'twins']) t
      where has_table_privilege('authenticated', 'somatic_sync.' || t, 'insert, update')
         or t = 'twins' and has_table_privilege('authenticated', 'somatic_sync.' || t, 'select, delete')
      union all
      select 'setval' where has_sequence_privilege('authenticated', 'somatic_sync.versions', 'update')
      union all
      select 'write catalogue'
      where has_table_privilege('authenticated', 'somatic_sync.collections', 'insert, update, delete')
         or has_table_privilege('authenticated', 'somatic_sync.meta', 'insert, update, delete')`)
    assert.deepEqual(extra, [])
  })

  test('row-level security is on for every table of ours', async () => {
    const open = await db.admin(`
      select c.oid::regclass::text from pg_class c
      where c.relnamespace in ('public'::regnamespace, 'somatic_sync'::regnamespace)
        and c.relkind = 'r' and not c.relrowsecurity`)
    assert.deepEqual(open, [])
  })

  test('a user reads and writes his own rows and nobody else’s', async () => {
    const all = [...tables.map((t) => `public.${t}`), ...books.map((b) => `somatic_sync.${b}`)]
    for (const table of all) {
      const [{ n: total }] = await db.admin(`select count(*)::int as n from ${table}`)
      const seen = await db.as(ada, `select user_id from ${table}`)
      assert.ok(seen.length > 0 && seen.length < total, table)
      assert.ok(
        seen.every((r) => r.user_id === ada),
        table,
      )
      const updated = await db.as(
        ada,
        `update ${table} set user_id = user_id where user_id = $1 returning 1`,
        [ben],
      )
      assert.equal(updated.length, 0, table)
      const deleted = await db.as(ada, `delete from ${table} where user_id = $1 returning 1`, [ben])
      assert.equal(deleted.length, 0, table)
      const [{ n: left }] = await db.admin(`select count(*)::int as n from ${table}`)
      assert.equal(left, total, table)
    }
    for (const table of all) {
      await assert.rejects(
        db.as(ada, `insert into ${table} select * from json_populate_record(null::${table}, $1)`, [
          /** @type {any} */ (await rowOf(table, ben)),
        ]),
        { code: '42501' },
        table,
      )
    }
    await assert.rejects(db.as(ada, 'update public.sovereign_logs set user_id = $1', [ben]), {
      code: '42501',
    })
  })

  /** @param {string} table @param {string} user */
  async function rowOf(table, user) {
    const [{ row }] = await db.admin(
      `select to_jsonb(t) as row from ${table} t where user_id = $1 limit 1`,
      [user],
    )
    return { ...row, id: randomUUID() }
  }

  test('sync cannot reach another user’s rows, and his id is free for me', async () => {
    const [{ id, version }] = await db.admin(
      'select id, version from public.sovereign_logs where user_id = $1',
      [ben],
    )
    const my = newDevice(db, ada)
    const [updated, deleted] = [
      await my.push(mutation('sovereign_logs', id, { base: version, set: { content: 'taken' } })),
      await my.push(mutation('sovereign_logs', id, { base: version, del: true, set: undefined })),
    ]
    assert.deepEqual(
      [updated[0].status, 'row' in updated[0]],
      ['conflict', false],
      JSON.stringify(updated),
    )
    assert.deepEqual([deleted[0].status, deleted[0].version], ['applied', 0])
    const [made] = await my.push({ ...log('own'), id })
    assert.equal(made.status, 'applied')
    const [{ content }] = await db.admin(
      'select content from public.sovereign_logs where user_id = $1',
      [ben],
    )
    assert.equal(content, 'mine')
    const pulled = JSON.stringify(await my.pull())
    assert.doesNotMatch(pulled, new RegExp(ben))
  })

  test('a signed-in role without a user, and the service role, are not signed in to sync', async () => {
    for (const role of /** @type {const} */ (['authenticated', 'service_role'])) {
      await assert.rejects(db.as(null, `select public.sync('{"protocol":1}')`, [], role), {
        code: '42501',
      })
    }
    for (const table of tables) {
      assert.deepEqual(await db.as(null, `select * from public.${table}`), [])
    }
  })
})
