// npm run demo: two devices of one user and one of another live through a month of data, edit offline against each other,
// sync through a local Supabase and end equal. The verdict is the judge's, a program of its own (judge.js).
//
// The last line of stdout is one JSON object; everything that tells of progress goes to stderr.

import 'fake-indexeddb/auto'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { openSync } from '../js/index.js'
import { startLocalSupabase } from '../supabase/local/server.js'
import { authOf, signedInClient } from '../tests/support/auth.js'
import { editsOf } from './edits.js'
import { tables } from './judge.js'
import { monthOf } from './month.js'
import { watchedWire } from './wire.js'
import { loggedWriter } from './write-log.js'

const started = Date.now()
/** @param {string} text */
const say = (text) =>
  process.stderr.write(`${((Date.now() - started) / 1000).toFixed(1).padStart(5)} s  ${text}\n`)

/** @typedef {Awaited<ReturnType<typeof openDevice>>} Device */

/**
 * @param {Awaited<ReturnType<typeof startLocalSupabase>>} server
 * @param {{ email: string, password: string }} user @param {string} name @param {string} logPath
 */
async function openDevice(server, user, name, logPath) {
  const wire = watchedWire()
  const auth = authOf(await signedInClient({ url: server.url, anonKey: server.anonKey }, user))
  const client = await openSync({
    ...{ url: server.url, key: server.anonKey, auth, database: `demo-${name}` },
    // every write of the demo is in its log, so that it can be judged: none in the background
    ...{ autoSync: false, insights: false, fetch: wire.fetch },
  })
  return { name, client, wire, write: loggedWriter({ path: logPath, device: name, client }) }
}

/** @param {Device} device @param {import('./month.js').Write[]} writes @param {string} what */
async function live(device, writes, what) {
  say(`${device.name} ${what}: ${writes.length} writes`)
  for (let from = 0; from < writes.length; from += 200) {
    await Promise.all(writes.slice(from, from + 200).map(device.write))
  }
}

/** Until nothing moves any more. @param {Device[]} devices */
async function syncAll(...devices) {
  for (const { name, client } of devices) {
    const { pushed, pulled, conflicts, requests } = await client.sync()
    say(`${name} syncs: ${pushed} up, ${pulled} down, ${conflicts} conflicts, ${requests} requests`)
  }
}

/** What a device shows. @param {Device} device */
async function shown({ name, client }) {
  await client.loadVectors()
  /** @type {Record<string, readonly unknown[]>} */
  const rows = {}
  for (const collection of Object.keys(tables)) {
    rows[collection] = client.collection(/** @type {any} */ (collection)).list()
  }
  return { name, rows, overwritten: client.overwritten() }
}

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function main() {
  const folder = mkdtempSync(join(tmpdir(), 'somatic-sync-demo-'))
  const logPath = join(folder, 'writes.jsonl')
  say('starting the local Supabase')
  const server = await startLocalSupabase({})
  /** @type {Device[]} */
  const devices = []
  try {
    const [ada, ben] = server.users
    say(`it listens at ${server.url}; ${ada.email} has two devices, ${ben.email} one`)
    const a = await openDevice(server, ada, 'A', logPath)
    const b = await openDevice(server, ada, 'B', logPath)
    const c = await openDevice(server, ben, 'C', logPath)
    devices.push(a, b, c)

    const month = monthOf({ person: 'ada', seed: 1 })
    await live(
      a,
      month.filter((_, i) => i % 3 !== 0),
      'records its part of the month',
    )
    await live(
      b,
      month.filter((_, i) => i % 3 === 0),
      'records the rest',
    )
    await live(c, monthOf({ person: 'ben', seed: 2 }).slice(0, 120), 'records another life')
    await syncAll(a, b, c, a)

    for (const { wire } of devices) wire.offline(true)
    say('everybody goes offline')
    const read =
      (/** @type {Device} */ { client }) =>
      (/** @type {any} */ name, /** @type {string} */ key) =>
        client.collection(name).get(key)
    await live(a, editsOf('A', 'ada', read(a)), 'edits offline')
    await pause(300) // so that "the later one wins" has one meaning
    await live(b, editsOf('B', 'ada', read(b)), 'edits the same rows offline')
    for (const { wire } of devices) wire.offline(false)
    say('the network is back')
    await syncAll(a, b, a, b, c)

    say('the judge looks at the server, both users and all devices')
    const verdict = await judged(server, [ada, ben], [[a, b], [c]], folder, logPath)
    report(verdict, a, b)
    const total = (/** @type {'requests' | 'pushed' | 'pulled' | 'conflicts'} */ name) =>
      devices.reduce((sum, { wire }) => sum + wire.counts[name], 0)
    const { converged, rows, lost, duplicated, foreignRowsVisible } = verdict
    const line = {
      ...{ converged, rows, devices: devices.length, requests: total('requests') },
      ...{ pushed: total('pushed'), pulled: total('pulled'), conflicts: total('conflicts') },
      ...{ lost, duplicated, foreignRowsVisible },
    }
    process.stdout.write(`${JSON.stringify(line)}\n`)
    return converged && lost + duplicated + foreignRowsVisible === 0
  } finally {
    for (const { client } of devices) await client.close()
    await server.stop()
    rmSync(folder, { recursive: true })
  }
}

/**
 * @param {any} server @param {any[]} people @param {Device[][]} devicesOf
 * @param {string} folder @param {string} writeLog
 */
async function judged(server, people, devicesOf, folder, writeLog) {
  /** @type {Record<string, any[]>} */
  const sql = {}
  for (const [table] of Object.values(tables)) {
    sql[table] = (await server.sql(`select to_jsonb(t) as row from public.${table} t`)).map(
      (/** @type {any} */ { row }) => row,
    )
  }
  const users = await Promise.all(
    people.map(async (person, i) => ({
      ...person,
      devices: await Promise.all(devicesOf[i].map(shown)),
    })),
  )
  const casePath = join(folder, 'case.json')
  const { url, anonKey } = server
  writeFileSync(casePath, JSON.stringify({ url, anonKey, writeLog, users, sql }))
  const program = fileURLToPath(new URL('./judge.js', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [program, casePath], {
    maxBuffer: 64e6,
  })
  const perTable = Object.fromEntries(
    Object.entries(sql).map(([table, rows]) => [
      table,
      rows.filter((row) => row.user_id === people[0].id).length,
    ]),
  )
  return { .../** @type {import('./judge.js').Verdict} */ (JSON.parse(stdout)), perTable }
}

/** @param {import('./judge.js').Verdict & { perTable: Record<string, number> }} verdict @param {Device} a @param {Device} b */
function report(verdict, a, b) {
  const row = (/** @type {unknown[]} */ cells) =>
    cells.map((cell, i) => (i === 0 ? String(cell).padEnd(14) : String(cell).padStart(10))).join('')
  const out = ['', row(['collection', 'on A', 'on B', 'server', 'conflicts'])]
  for (const [name, [table]] of Object.entries(tables)) {
    const size = (/** @type {Device} */ { client }) =>
      client.collection(/** @type {any} */ (name)).size
    const conflicts = [a, b].reduce(
      (sum, { wire }) => sum + (wire.counts.conflictsOf[table] ?? 0),
      0,
    )
    out.push(row([name, size(a), size(b), verdict.perTable[table], conflicts]))
  }
  const kept = a.client.overwritten().length + b.client.overwritten().length
  out.push('', `long texts that lost a merge and were kept aside: ${kept}`)
  const { problems } = verdict
  for (const problem of problems.slice(0, 20)) out.push(`PROBLEM ${problem.slice(0, 200)}`)
  if (problems.length > 20) out.push(`and ${problems.length - 20} more problems`)
  out.push(problems.length === 0 ? 'The judge found nothing lost, doubled or leaked.' : '', '')
  process.stdout.write(`${out.join('\n')}\n`)
}

process.exitCode = (await main()) ? 0 : 1
