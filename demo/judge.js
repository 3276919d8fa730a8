// The judge: a program of its own, which never meets the engine. From the log of acknowledged writes, from what supabase-js
// shows each user, from SQL and from what the devices show, it says what was lost, doubled or leaked.
//
//   node demo/judge.js case.json   ->  one JSON line: {converged, rows, lost, duplicated, foreignRowsVisible, problems}
//
// case.json: {url, anonKey, writeLog: path, users: [{id, email, password, devices: [{name, rows, overwritten}]}],
//             sql: {table: [row]}}

import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { canonical, daysBetween, expect, isEqual, leavesOf } from './expected.js'
import { readWriteLog } from './write-log.js'

/** collection -> table, and the column that names a row to the app ("self": one row per user) */
export const tables = {
  progress: ['user_progress', 'self'],
  achievements: ['achievements', 'achievement_id'],
  path: ['sovereign_path_data', 'self'],
  logs: ['sovereign_logs', 'id'],
  cosmic: ['cosmic_data_cache', 'date'],
  astrology: ['astrology_data_cache', 'self'],
  attunements: ['daily_attunements', 'date'],
  embeddings: ['vector_embeddings', 'id'],
  health: ['health_metrics_history', 'date'],
}
/** Columns that are the server's business. */
const bookkeeping = ['user_id', 'version', 'clocks', 'updated_at']
const appIds = ['messageId', 'journalId', 'entryId', 'feedbackId']

/** @param {string} column */
const camel = (column) => column.replace(/_(\w)/g, (_, letter) => letter.toUpperCase())

/** A server row as the app names it. @param {any} row @param {string} keyColumn */
function asApp(row, keyColumn) {
  /** @type {Record<string, any>} */
  const out = {}
  for (const [column, value] of Object.entries(row)) {
    if (bookkeeping.includes(column) || (column === 'id' && keyColumn !== 'id')) continue
    const isVector = column === 'embedding' && typeof value === 'string'
    out[camel(column)] = isVector ? JSON.parse(value) : value
  }
  return out
}

/** @param {any} row @param {string} keyColumn */
const keyOf = (row, keyColumn) => (keyColumn === 'self' ? 'self' : row[keyColumn])

/**
 * @typedef {{ converged: boolean, rows: number, lost: number, duplicated: number,
 *   foreignRowsVisible: number, problems: string[] }} Verdict
 */

/**
 * The verdict on one case.
 * @param {object} evidence
 * @param {import('./write-log.js').Line[]} evidence.log
 * @param {{ id: string, devices: { name: string, rows: Record<string, any[]>, overwritten: any[] }[] }[]} evidence.users
 * @param {Record<string, Record<string, any[]>>} evidence.seen user id -> table -> rows that supabase-js shows this user
 * @param {Record<string, any[]>} evidence.sql table -> every row there is
 * @returns {Verdict}
 */
export function judge({ log, users, seen, sql }) {
  /** @type {string[]} */
  const problems = []
  const verdict = {
    converged: true,
    rows: 0,
    lost: 0,
    duplicated: 0,
    foreignRowsVisible: 0,
    problems,
  }
  for (const user of users) {
    const { rows: expected, lostTexts } = expect(log.filter((line) => line.user === user.id))
    const kept = new Set(user.devices.flatMap((one) => one.overwritten.map((text) => text.text)))
    const lostLines = new Set(lostTexts.filter((one) => !kept.has(one.text)).map((one) => one.line))
    for (const line of lostLines) problems.push(`a text that lost was not kept: write ${line}`)

    for (const [collection, [table, keyColumn]] of Object.entries(tables)) {
      const mine = sql[table].filter((row) => row.user_id === user.id)
      const visible = seen[user.id][table]
      verdict.rows += mine.length
      verdict.foreignRowsVisible += visible.filter((row) => row.user_id !== user.id).length
      verdict.duplicated += twins(mine, keyColumn, problems)

      const onServer = new Map(visible.map((row) => [keyOf(row, keyColumn), asApp(row, keyColumn)]))
      if (visible.length !== mine.length) {
        verdict.converged = false
        problems.push(`${table}: SQL has ${mine.length} rows, supabase-js shows ${visible.length}`)
      }
      for (const row of expected.values()) {
        if (row.collection !== collection) continue
        const stored = onServer.get(row.key)
        if (row.isDeleted) {
          if (stored) problems.push(`${collection}/${row.key} was deleted and is there`)
          if (stored) lostLines.add(row.line)
        } else if (!stored) {
          problems.push(`${collection}/${row.key} is missing`)
          lostLines.add(row.line)
        } else {
          verdict.duplicated += compare(row, stored, lostLines, problems)
        }
      }
      const server = canonical(sorted([...onServer.values()]))
      for (const device of user.devices) {
        const shown = device.rows[collection]
        for (const row of shown) {
          const key = keyColumn === 'self' ? 'self' : row[camel(keyColumn)]
          if (!expected.has(`${collection}/${key}`)) {
            verdict.foreignRowsVisible++
            problems.push(`${device.name} shows ${collection}/${key}, which its user never wrote`)
          }
        }
        if (canonical(sorted(shown)) === server) continue
        verdict.converged = false
        problems.push(`${device.name} differs from the server in ${collection}`)
      }
    }
    verdict.lost += lostLines.size
  }
  return verdict
}

/** @param {any[]} rows */
const sorted = (rows) => [...rows].sort((a, b) => (canonical(a) < canonical(b) ? -1 : 1))

/** Rows that are there more than once. @param {any[]} rows @param {string} keyColumn @param {string[]} problems */
function twins(rows, keyColumn, problems) {
  let count = 0
  const seen = new Set()
  for (const row of rows) {
    const names = [`key ${keyOf(row, keyColumn)}`]
    if (keyColumn === 'id') {
      for (const name of appIds) {
        if (row.metadata?.[name] && !row.embedding) names.push(`${name} ${row.metadata[name]}`)
      }
    }
    const twin = names.find((name) => seen.has(name))
    if (twin) problems.push(`there are two rows of ${twin}`)
    if (twin) count++
    for (const name of names) seen.add(name)
  }
  return count
}

/**
 * One stored row against what was written; answers how many counters are too high.
 * @param {import('./expected.js').Expected} row @param {any} stored
 * @param {Set<number>} lostLines @param {string[]} problems
 */
function compare(row, stored, lostLines, problems) {
  const where = `${row.collection}/${row.key}`
  let tooHigh = 0
  /** @type {Map<string, any>} */
  const leaves = new Map()
  for (const [field, value] of Object.entries(stored)) {
    for (const [path, leaf] of leavesOf(`${row.collection}.${field}`, value)) leaves.set(path, leaf)
  }
  for (const [path, { value, line }] of row.leaves) {
    if (isEqual(leaves.get(path), value)) continue
    problems.push(`${where}: ${path} is ${canonical(leaves.get(path))}, not ${canonical(value)}`)
    lostLines.add(line)
  }
  for (const [field, sum] of row.sums) {
    if (stored[field] === sum) continue
    problems.push(`${where}: ${field} is ${stored[field]}, not ${sum}`)
    if (stored[field] > sum) tooHigh++
    else lostLines.add(row.line)
  }
  if (row.days.size > 0) {
    const days = new Set()
    for (const [first, last] of stored.completedDays ?? []) {
      for (const day of daysBetween(first, last)) days.add(day)
    }
    const missing = [...row.days].filter((day) => !days.has(day))
    if (missing.length > 0) lostLines.add(row.line)
    for (const day of missing) problems.push(`${where}: ${day} is not a completed day`)
    let streak = 0
    for (let at = Date.parse(stored.lastCompletedDate); days.has(dayOf(at)); at -= 86_400_000)
      streak++
    const last = [...row.days].sort().at(-1)
    if (stored.lastCompletedDate !== last || stored.complianceStreak !== streak) {
      problems.push(`${where}: a streak of ${stored.complianceStreak}, not ${streak}`)
      lostLines.add(row.line)
    }
  }
  return tooHigh
}

/** @param {number} at */
const dayOf = (at) => new Date(at).toISOString().slice(0, 10)

/** Every row that supabase-js shows the signed-in user, page by page. @param {any} client @param {string} table */
async function allVisible(client, table) {
  /** @type {any[]} */
  const rows = []
  for (;;) {
    /** @type {{ data: any, error: unknown }} */
    const { data, error } = await client
      .from(table)
      .select('*')
      .order('id')
      .range(rows.length, rows.length + 999)
    if (error) throw error
    rows.push(...data)
    if (data.length < 1000) return rows
  }
}

async function main() {
  const { makeClient } = await import('../tests/support/auth.js')
  const evidence = JSON.parse(readFileSync(process.argv[2], 'utf8'))
  /** @type {Record<string, Record<string, any[]>>} */
  const seen = {}
  for (const user of evidence.users) {
    const client = makeClient(evidence)
    const { error } = await client.auth.signInWithPassword(user)
    if (error) throw error
    seen[user.id] = {}
    for (const [table] of Object.values(tables))
      seen[user.id][table] = await allVisible(client, table)
  }
  const verdict = judge({ ...evidence, log: readWriteLog(evidence.writeLog), seen })
  process.stdout.write(`${JSON.stringify(verdict)}\n`)
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main()
