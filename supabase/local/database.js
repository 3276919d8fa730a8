// The PGlite database behind the local Supabase: opening it (in memory or in a folder), a cached
// empty cluster to start from, the roles and schemas a hosted project has, and SQL for tests.
// Must not know about HTTP, users or our tables.

import { mkdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite/vector'
import { createPgliteConnection } from './lite.js'
import { COLUMN_PARSERS, withRealStatus } from './postgrest.js'

/** @typedef {Awaited<ReturnType<typeof createPgliteConnection>>} Connection */

const CACHE_FOLDER = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url))

/** @type {Promise<Blob> | undefined} */
let emptyCluster

/**
 * An empty cluster as a tarball. PGlite's initdb takes 5-10 s, loading this 1 s, so it is made once
 * per machine and PGlite version and kept where build caches are.
 */
async function loadEmptyCluster() {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite')
  const manifest = JSON.parse(await readFile(join(dirname(entry), '..', 'package.json'), 'utf8'))
  const file = join(CACHE_FOLDER, `pglite-${manifest.version}.tar.gz`)
  try {
    return new Blob([await readFile(file)])
  } catch {
    // Not made yet, or the cache is unreadable: either way it can be made.
  }
  const pglite = await PGlite.create()
  const blob = await pglite.dumpDataDir('gzip')
  await pglite.close()
  try {
    await mkdir(CACHE_FOLDER, { recursive: true })
    const unfinished = `${file}.${process.pid}`
    await writeFile(unfinished, new Uint8Array(await blob.arrayBuffer()))
    await rename(unfinished, file) // whole or not at all: other processes may be starting too
  } catch {
    // A read-only cache only costs time.
  }
  return blob
}

/** @param {string} path */
async function isFile(path) {
  return readFile(path).then(
    () => true,
    () => false,
  )
}

/**
 * PGlite does not notice a second process on its folder, and the two would destroy it.
 * @param {string} folder
 */
async function lockFolder(folder) {
  const file = join(folder, 'server.pid')
  const owner = Number(await readFile(file, 'utf8').catch(() => ''))
  if (owner && isRunning(owner)) {
    throw new StartError(`The folder ${folder} is in use by process ${owner}: stop that one first`)
  }
  await unlink(file).catch(() => {})
  await writeFile(file, String(process.pid), { flag: 'wx' })
  return () => unlink(file).catch(() => {})
}

/** @param {number} pid */
function isRunning(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM'
  }
}

/** A failure the person at the keyboard can mend; its message is one line that says how. */
export class StartError extends Error {}

/**
 * @param {string | undefined} folder undefined: in memory
 * @param {boolean} [reset]
 */
export async function openDatabase(folder, reset = false) {
  let unlock = async () => {}
  let dataFolder
  if (folder !== undefined) {
    try {
      await mkdir(folder, { recursive: true })
      unlock = await lockFolder(folder)
    } catch (error) {
      if (error instanceof StartError) throw error
      const reason = /** @type {NodeJS.ErrnoException} */ (error).code
      throw new StartError(`Cannot use the folder ${folder} (${reason}): choose one you can write`)
    }
    dataFolder = join(folder, 'database')
  }
  try {
    // Only what this program made (the folder may hold other things), and only under the lock.
    if (reset && dataFolder) await rm(dataFolder, { recursive: true, force: true })
    const isNew = !dataFolder || !(await isFile(join(dataFolder, 'PG_VERSION')))
    if (isNew) emptyCluster ??= loadEmptyCluster()
    const connection = await createPgliteConnection({
      url: dataFolder,
      pgliteOptions: {
        extensions: { vector },
        parsers: COLUMN_PARSERS,
        loadDataDir: isNew ? await emptyCluster : undefined,
      },
    })
    await connection.driver.waitReady
    connection.normalizeDbError = withRealStatus
    keepGrants(connection)
    return { connection, unlock }
  } catch (error) {
    await unlock()
    throw error
  }
}

/**
 * On its first request lite grants ALL on every table to anon and authenticated if any table has
 * row-level security, and, if none has, runs every request as the superuser for good. Telling it
 * that this has been seen to leaves the grants as the migrations made them.
 * @param {Connection} connection
 */
function keepGrants(connection) {
  const internals = /** @type {{ rlsState: string }} */ (/** @type {unknown} */ (connection))
  if (internals.rlsState !== 'unknown') throw new Error('@supabase/lite changed: see keepGrants')
  internals.rlsState = 'active'
}

/** What PostgREST and the CLI's migrations see on a hosted project. */
export const SEARCH_PATH_SQL = 'set search_path to "$user", public, extensions;'

/** Roles, schemas and auth functions of a hosted project; may run again on a kept folder. */
export const PROJECT_SQL = `
  do $$ begin
    if to_regrole('anon') is null then create role anon nologin noinherit; end if;
    if to_regrole('authenticated') is null then create role authenticated nologin noinherit; end if;
    if to_regrole('service_role') is null then
      create role service_role nologin noinherit bypassrls;
    end if;
  end $$;
  create schema if not exists extensions;
  grant usage on schema public, auth, extensions to anon, authenticated, service_role;
  ${SEARCH_PATH_SQL}

  create or replace function auth.jwt() returns jsonb language sql stable as $$
    select coalesce(nullif(current_setting('request.jwt.claim', true), ''),
                    nullif(current_setting('request.jwt.claims', true), ''))::jsonb
  $$;
  create or replace function auth.uid() returns uuid language sql stable as $$
    select coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''), auth.jwt() ->> 'sub')::uuid
  $$;
  create or replace function auth.role() returns text language sql stable as $$
    select coalesce(nullif(current_setting('request.jwt.claim.role', true), ''), auth.jwt() ->> 'role')
  $$;
  create or replace function auth.email() returns text language sql stable as $$
    select coalesce(nullif(current_setting('request.jwt.claim.email', true), ''), auth.jwt() ->> 'email')
  $$;
`

/**
 * PostgREST takes a JSON array for an argument of type vector, as the app sends it. The type's oid is
 * only known once a migration has made the extension.
 * @param {PGlite} pglite
 */
export async function acceptVectorArrays(pglite) {
  const { rows } = await pglite.query("select oid from pg_type where typname = 'vector'")
  for (const { oid } of /** @type {{ oid: number }[]} */ (rows)) {
    pglite.serializers[oid] = (value) => (Array.isArray(value) ? JSON.stringify(value) : value)
  }
}

/**
 * @param {PGlite} pglite
 * @param {string} text one statement with params, or any number of statements without
 * @param {unknown[]} [params]
 * @returns {Promise<any[]>} rows of the last statement
 */
export async function runSql(pglite, text, params) {
  if (params) return (await pglite.query(text, params)).rows
  return (await pglite.exec(text)).at(-1)?.rows ?? []
}

/**
 * Runs one statement in a transaction as PostgREST would for this user.
 * @param {PGlite} pglite
 * @param {string | null} userId null: anonymous
 * @param {string} text
 * @param {unknown[]} [params]
 * @returns {Promise<any[]>}
 */
export function runSqlAs(pglite, userId, text, params) {
  const role = userId ? 'authenticated' : 'anon'
  const claims = JSON.stringify(userId ? { sub: userId, role } : { role })
  return pglite.transaction(async (transaction) => {
    await transaction.query("select set_config('request.jwt.claims', $1, true)", [claims])
    await transaction.exec(`set local role ${role}`)
    return (await transaction.query(text, params)).rows
  })
}
