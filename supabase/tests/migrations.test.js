// The migrations as such: running all of them again changes nothing, and what they leave is what
// the page of the protocol and the app's queries rely on. Vectors, where pgvector is.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { catalogSql, log, migrate, mutation, newDevice, newUser, openPglite } from './support.js'

describe('migrations', () => {
  /** @type {import('./support.js').Backend} */
  let db
  before(async () => {
    db = await openPglite()
  })
  after(() => db.close())

  test('a second run changes nothing and keeps every row', async () => {
    const my = newDevice(db, await newUser(db))
    await my.push(log('a'))
    const rows = await my.pull()
    const before = await db.admin(catalogSql)
    assert.ok(before.length > 200)
    await migrate(db)
    assert.deepEqual(await db.admin(catalogSql), before)
    assert.deepEqual((await newDevice(db, my.user).pull()).rows, rows.rows)
  })

  test('nine collections, each with what sync needs', async () => {
    const tables = await db.admin('select * from somatic_sync.collections order by table_name')
    assert.equal(tables.length, 9)
    for (const { table_name: name, key_column: key } of tables) {
      const [{ columns }] = await db.admin(
        `select array_agg(column_name::text) as columns from information_schema.columns
         where table_schema = 'public' and table_name = $1`,
        [name],
      )
      for (const column of ['user_id', 'id', 'version', 'clocks', 'updated_at']) {
        assert.ok(columns.includes(column), `${name}.${column}`)
      }
      if (key === null) continue
      const [{ n }] = await db.admin(
        `select count(*)::int as n from pg_constraint
         where conrelid = $1::regclass and contype = 'u' and pg_get_constraintdef(oid) = $2`,
        [`public.${name}`, `UNIQUE (user_id${key === 'user_id' ? '' : `, ${key}`})`],
      )
      assert.equal(n, 1, name)
    }
  })

  test('the version sequence has no cache', async () => {
    const [{ seqcache }] = await db.admin(
      `select seqcache::int from pg_sequence where seqrelid = 'somatic_sync.versions'::regclass`,
    )
    assert.equal(seqcache, 1)
  })

  test('every function has a fixed search_path', async () => {
    const loose = await db.admin(`
      select proname from pg_proc
      where (pronamespace = 'somatic_sync'::regnamespace
             or proname in ('sync', 'match_embeddings', 'delete_account'))
        and not coalesce(proconfig::text, '') like '%search_path%'`)
    assert.deepEqual(loose, [])
  })

  test('the next collection is one table and one call', async () => {
    await db.script(`
      create table public.dreams (
        user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
        id uuid not null, night date, lucid integer, updated_at timestamptz, version bigint not null,
        clocks jsonb not null default '{}', primary key (user_id, id), unique (user_id, night));
      select somatic_sync.add_collection('dreams', 'night');`)
    const my = newDevice(db, await newUser(db))
    await my.push(mutation('dreams', randomUUID(), { set: { night: '2026-11-22' } }))
    const [again] = await my.push(
      mutation('dreams', randomUUID(), {
        set: { night: '2026-11-22' },
        inc: { lucid: 1 },
      }),
    )
    assert.equal(again.changed.lucid, 1)
    assert.equal((await my.pull()).rows.dreams.length, 1)
    await db.script(`delete from somatic_sync.collections where table_name = 'dreams';
      drop table public.dreams`)
  })

  // --- Vectors -----------------------------------------------------------------------------------

  /** A unit vector in the plane of the first two axes. @param {number} degrees */
  const unit = (degrees) => {
    const radians = (degrees * Math.PI) / 180
    return [Math.cos(radians), Math.sin(radians), ...Array(382).fill(0)]
  }
  const match = (/** @type {string} */ user, /** @type {any[]} */ ...args) =>
    db.as(
      user,
      `select * from public.match_embeddings(($1::text)::vector, $2::uuid, $3, $4
      ${args.length > 4 ? ', $5' : ''})`,
      args,
    )

  test('embeddings are pushed as text and matched: strictly above, best first, ties by id', async () => {
    const my = newDevice(db, await newUser(db))
    const ids = [1, 2, 3, 4, 5].map((n) => `0000000${n}-0000-4000-8000-000000000000`)
    const degrees = [60, 0, 30, 30, 90]
    const answers = await my.push(
      ...ids.map((id, i) =>
        mutation('vector_embeddings', id, {
          set: {
            content: `${degrees[i]}`,
            embedding: JSON.stringify(unit(degrees[i])),
            metadata: { model: i === 1 ? 'other' : 'bge' },
          },
        }),
      ),
      mutation('vector_embeddings', randomUUID(), {
        set: { content: 'zero', embedding: JSON.stringify(Array(384).fill(0)), metadata: {} },
      }),
      mutation('vector_embeddings', randomUUID(), {
        set: { content: 'short', embedding: '[1,2]', metadata: {} },
      }),
    )
    assert.deepEqual(
      answers.map((a) => a.code ?? a.status),
      [...Array(6).fill('applied'), '22000'],
    )

    const query = JSON.stringify(unit(0))
    const found = await match(my.user, query, my.user, 0.4, 10)
    assert.deepEqual(
      found.map((r) => r.id),
      [ids[1], ids[2], ids[3], ids[0]],
    )
    assert.deepEqual(Object.keys(found[0]), ['id', 'content', 'metadata', 'similarity'])
    assert.ok(Math.abs(found[1].similarity - Math.cos(Math.PI / 6)) < 1e-6)

    const strict = await match(my.user, query, my.user, found[1].similarity, 10)
    assert.deepEqual(
      strict.map((r) => r.id),
      [ids[1]],
    )
    assert.equal((await match(my.user, query, my.user, -1, 0)).length, 1)
    assert.equal((await match(my.user, query, my.user, -1, 1e9)).length, 5)
    const bge = await match(my.user, query, my.user, 0.4, 10, 'bge')
    assert.deepEqual(
      bge.map((r) => r.id),
      [ids[2], ids[3], ids[0]],
    )
    assert.deepEqual(await match(await newUser(db), query, my.user, -1, 10), [])

    const rows = (await my.pull()).rows.vector_embeddings
    assert.equal(JSON.parse(rows[1].embedding).length, 384)
  })
})
