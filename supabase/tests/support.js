// What the server tests share: a minimal Supabase around an empty database (roles, schema auth), the
// migrations as text, and one small interface (Backend) over two databases: PGlite in this process
// and a bare PostgreSQL that the test starts (postgres.js). Knows nothing about single tests.

import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite/vector'
import { startPostgres } from './postgres.js'

/**
 * @typedef {Record<string, any>} Row
 * @typedef {'anon' | 'authenticated' | 'service_role'} Role
 *
 * @typedef {object} Backend
 * @property {string} name
 * @property {boolean} hasVectors  pgvector is there
 * @property {(sql: string, values?: any[]) => Promise<Row[]>} admin  as the owner of the tables
 * @property {(sql: string) => Promise<void>} script  several statements, as the owner
 * @property {(who: string | null, sql: string, values?: any[], role?: Role) => Promise<Row[]>} as
 *   one statement as a signed-in user (or as another role), as PostgREST would run it
 * @property {() => Promise<void>} close
 */

const migrationsUrl = new URL('../migrations/', import.meta.url)

/** @returns {{ name: string, sql: string }[]} every migration, in order */
export function readMigrations() {
  return readdirSync(migrationsUrl)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => ({ name, sql: readFileSync(new URL(name, migrationsUrl), 'utf8') }))
}

/** What a Supabase project has before any migration, as far as the migrations rely on it. */
export const supabaseSql = `
  create role anon nologin;
  create role authenticated nologin;
  create role service_role nologin bypassrls;
  grant usage on schema public to anon, authenticated, service_role;
  -- As on older projects: whatever is new in public belongs to everyone until it is revoked.
  alter default privileges in schema public
    grant all on tables to anon, authenticated, service_role;
  alter default privileges in schema public
    grant all on functions to anon, authenticated, service_role;
  create schema auth;
  grant usage on schema auth to anon, authenticated, service_role;
  create table auth.users (id uuid primary key, email text);
  create function auth.uid() returns uuid language sql stable as $$
    select nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', '')::uuid
  $$;
`

/**
 * @param {Backend} backend
 * @returns {Promise<Backend>} the same, with the migrations run
 */
export async function migrate(backend) {
  for (const { name, sql } of readMigrations()) {
    await backend.script(sql).catch((cause) => {
      throw new Error(`${name}: ${cause.message}`, { cause })
    })
  }
  return backend
}

/** @returns {Promise<Backend>} with the migrations run */
export const openPglite = async () => migrate(await emptyPglite())

/** @returns {Promise<Backend>} a project before any migration */
export async function emptyPglite() {
  const db = await PGlite.create({ extensions: { vector } })
  await db.exec(supabaseSql)
  /** @type {Backend} */
  const backend = {
    name: 'PGlite',
    hasVectors: true,
    admin: async (sql, values) => /** @type {Row[]} */ ((await db.query(sql, values)).rows),
    script: async (sql) => {
      await db.exec(sql)
    },
    as: (who, sql, values, role = 'authenticated') =>
      db.transaction(async (tx) => {
        await tx.query("select set_config('request.jwt.claims', $1, true)", [claims(who, role)])
        await tx.exec(`set local role ${role}`)
        return /** @type {Row[]} */ ((await tx.query(sql, values)).rows)
      }),
    close: () => db.close(),
  }
  return backend
}

/** @typedef {Backend & { connect: (count: number) => import('postgres').Sql }} PostgresBackend */

/** @returns {Promise<PostgresBackend>} with the migrations run */
export async function openPostgres() {
  const backend = await emptyPostgres()
  await migrate(backend)
  return backend
}

/** @returns {Promise<PostgresBackend>} a project before any migration */
export async function emptyPostgres() {
  const server = await startPostgres()
  const sql = server.connect(1)
  await sql.unsafe(supabaseSql)
  /** @type {Backend} */
  const backend = {
    name: `PostgreSQL ${server.version}`,
    hasVectors: false,
    admin: async (text, values) => [...(await sql.unsafe(text, values))],
    script: async (text) => {
      await sql.unsafe(text)
    },
    as: (who, text, values, role = 'authenticated') => asUser(sql, who, text, values, role),
    close: async () => {
      await sql.end()
      await server.stop()
    },
  }
  return { ...backend, connect: server.connect }
}

/** Grants as sorted text. @param {string} column */
const acl = (column) =>
  `coalesce((select string_agg(a::text, ',' order by a::text) from unnest(${column}) a), '')`

/** Everything a migration could have changed, as text. */
export const catalogSql = `
  select kind || ' ' || what as line from (
    select 'column', format('%s.%s.%s %s %s %s', table_schema, table_name, column_name, data_type,
        is_nullable, column_default)
      from information_schema.columns where table_schema in ('public', 'somatic_sync')
    union all select 'index', indexdef from pg_indexes
      where schemaname in ('public', 'somatic_sync')
    union all select 'policy', p::text from pg_policies p
    union all select 'constraint', conrelid::regclass || ' ' || pg_get_constraintdef(oid)
      from pg_constraint where connamespace in ('public'::regnamespace, 'somatic_sync'::regnamespace)
    union all select 'trigger', pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
    union all select 'function', pg_get_functiondef(oid) || ${acl('proacl')} from pg_proc
      where pronamespace = 'somatic_sync'::regnamespace or proname in
        ('sync', 'match_embeddings', 'delete_account')
    union all select 'relation', relname || ${acl('relacl')} || relrowsecurity
      from pg_class where relnamespace in ('public'::regnamespace, 'somatic_sync'::regnamespace)
    union all select 'meta', epoch::text from somatic_sync.meta
    union all select 'collection', c::text from somatic_sync.collections c
  ) x (kind, what) order by 1`

/**
 * One statement in a transaction of its own, as a signed-in user.
 *
 * @param {import('postgres').Sql} sql
 * @param {string | null} who
 * @param {string} text
 * @param {any[]} [values]
 * @param {Role} [role]
 * @returns {Promise<Row[]>}
 */
export async function asUser(sql, who, text, values, role = 'authenticated') {
  const rows = await sql.begin(async (tx) => {
    await tx.unsafe("select set_config('request.jwt.claims', $1, true)", [claims(who, role)])
    await tx.unsafe(`set local role ${role}`)
    return tx.unsafe(text, values)
  })
  return [...rows]
}

/**
 * @param {string | null} who
 * @param {Role} role
 */
function claims(who, role) {
  return JSON.stringify(who ? { sub: who, role } : { role })
}

/**
 * @param {Backend} backend
 * @returns {Promise<string>} the id of a new user
 */
export async function newUser(backend) {
  const id = randomUUID()
  await backend.admin('insert into auth.users (id) values ($1)', [id])
  return id
}

/**
 * One device of one user, which keeps its cursor.
 *
 * @param {Backend} backend
 * @param {string} user
 */
export function newDevice(backend, user) {
  const id = randomUUID()
  let cursor = 0
  return {
    id,
    user,
    get cursor() {
      return cursor
    },
    /** @param {number} [ahead] milliseconds */
    clock: (ahead = 0) => clockAt(Date.now() + ahead, id),
    /**
     * One request; the cursor stays where it is.
     *
     * @param {Row} [request]
     * @returns {Promise<Row>}
     */
    sync: (request) => sync(backend, user, { device: id, cursor, ...request }),
    /**
     * Pushes without pulling.
     *
     * @param {...Row} push
     * @returns {Promise<Row[]>} the answers
     */
    push: async (...push) =>
      (await sync(backend, user, { device: id, cursor, limit: 0, push })).answers,
    /**
     * Pulls all pages from the cursor.
     *
     * @returns {Promise<{ rows: Record<string, Row[]>, tombstones: any[][] }>} rows by table
     */
    pull: async () => {
      /** @type {Record<string, Row[]>} */
      const rows = {}
      /** @type {any[]} */
      const tombstones = []
      for (;;) {
        const page = await sync(backend, user, { device: id, cursor })
        for (const [table, some] of Object.entries(page.rows)) {
          rows[table] = [...(rows[table] ?? []), ...some]
        }
        tombstones.push(...page.tombstones)
        cursor = page.cursor
        if (!page.more) return { rows, tombstones }
      }
    },
  }
}

/**
 * @param {Backend} backend
 * @param {string | null} user
 * @param {Row} request  members to add to an empty request
 * @returns {Promise<Row>} the answer
 */
export async function sync(backend, user, request) {
  const whole = {
    protocol: 1,
    device: '00000000-0000-4000-8000-000000000000',
    epoch: null,
    cursor: 0,
    last: null,
    acks: [],
    push: [],
    limit: 1000,
    ...request,
  }
  // Text in and text out: no client library gets to interpret the JSON on its way.
  const [{ answer }] = await backend.as(
    user,
    'select public.sync(($1::text)::jsonb)::text as answer',
    [JSON.stringify(whole)],
  )
  return JSON.parse(answer)
}

/**
 * @param {number} ms
 * @param {string} device
 */
export function clockAt(ms, device) {
  return `${String(ms).padStart(13, '0')}-0000-${device.slice(0, 8)}`
}

/**
 * A mutation with a fresh mid; everything else as given.
 *
 * @param {string} table
 * @param {string} id
 * @param {Row} rest
 * @returns {Row}
 */
export function mutation(table, id, rest) {
  const clocks = { '*': clockAt(Date.now(), 'dddddddd') }
  return { mid: randomUUID(), table, id, base: null, clocks, ...rest }
}

/** @param {string} content */
export function log(content) {
  return mutation('sovereign_logs', randomUUID(), { set: { category: 'chat', content } })
}
