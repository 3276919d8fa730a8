// Applies a folder of Supabase CLI migrations (<digits>_<name>.sql) exactly once and in name order,
// remembered where the CLI remembers them: supabase_migrations.schema_migrations.
// Must not know what any migration does.

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SEARCH_PATH_SQL, StartError } from './database.js'

/** @param {string} folder */
async function listMigrations(folder) {
  let files
  try {
    files = await readdir(folder)
  } catch (error) {
    const reason = /** @type {NodeJS.ErrnoException} */ (error).code
    throw new StartError(`Cannot read the migrations in ${folder} (${reason})`)
  }
  /** @type {{ version: string, name: string, file: string }[]} */
  const migrations = []
  for (const file of files.filter((file) => file.endsWith('.sql')).sort()) {
    const [, version, name] = file.match(/^(\d+)_(.+)\.sql$/) ?? []
    if (!version || !name)
      throw new StartError(`${file}: a migration is named <timestamp>_<name>.sql`)
    if (migrations.some((other) => other.version === version)) {
      throw new StartError(`${file}: another migration has the version ${version} too`)
    }
    migrations.push({ version, name, file })
  }
  return migrations
}

/**
 * @param {import('@electric-sql/pglite').PGlite} pglite
 * @param {string} folder
 * @returns {Promise<string[]>} file names applied now
 */
export async function applyMigrations(pglite, folder) {
  const { rows } = await pglite.query('select version from supabase_migrations.schema_migrations')
  const known = new Set(rows.map((row) => /** @type {{ version: string }} */ (row).version))
  const applied = []
  for (const { version, name, file } of await listMigrations(folder)) {
    if (known.has(version)) continue
    const text = await readFile(join(folder, file), 'utf8')
    try {
      // One transaction with its own record: a migration is applied and remembered, or neither.
      await pglite.transaction(async (transaction) => {
        await transaction.exec(text)
        await transaction.query(
          'insert into supabase_migrations.schema_migrations (version, name) values ($1, $2)',
          [version, name],
        )
      })
      await pglite.exec(SEARCH_PATH_SQL) // a migration may have SET it for the whole session
    } catch (error) {
      throw new StartError(`Migration ${file} failed: ${describe(error, text)}`, { cause: error })
    }
    applied.push(file)
  }
  return applied
}

/**
 * @param {any} error
 * @param {string} text
 */
function describe(error, text) {
  const line = error.position ? text.slice(0, Number(error.position)).split('\n').length : undefined
  return [error.message, error.detail, error.where, line && `line ${line}`, error.code]
    .filter(Boolean)
    .join('; ')
    .replaceAll('\n', ' ')
}
