// The model server of the unit tests and the simulator, and the real migrations, answer alike: what 200
// simulated worlds asked and did is replayed on PGlite, and every answer compared. Versions are compared
// by what they name, since a sequence has gaps. The database is told the model's time;
// columns that default to now() are left out.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { newUser, openPglite } from './support.js'

/** @typedef {Record<string, any>} Row */

const histories = 200
/** Columns that the server fills in by its own clock when nobody gives them. */
const timed = [
  'created_at',
  'updated_at',
  'synced_at',
  'cached_at',
  'generated_at',
  'last_sync_date',
]

/** @type {import('./support.js').Backend} */
let db
before(async () => {
  db = await openPglite()
  await db.script(
    `alter table public.sovereign_logs add constraint refused check (category <> 'refused');
     create or replace function somatic_sync.now_ms() returns bigint language sql as $$
       select current_setting('test.now')::bigint $$;
     create or replace function somatic_sync.server_clock(version bigint) returns text language sql as $$
       select lpad(somatic_sync.now_ms()::text, 13, '0') || '-0000-00000000' $$`,
  )
})
after(() => db.close())

/** What one world's server was asked and told, world by world. */
async function* worlds() {
  const script = fileURLToPath(new URL('../../scripts/sim.sh', import.meta.url))
  const sim = spawn('bash', [script, '--histories', '--seeds', String(histories)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const ended = once(sim, 'close')
  for await (const line of createInterface({ input: sim.stdout })) yield JSON.parse(line)
  assert.deepEqual(await ended, [0, null], 'the simulator failed: npm run sim -- --histories')
}

/**
 * The model's numbers as the database's, learned from answers that name the same thing. Within one request
 * the database draws versions in an order of its own, so a cursor is no row's version and has its own map.
 */
function versionMap() {
  /** @type {Map<number | string, number>} */
  const real = new Map()
  real.set(0, 0).set('cursor 0', 0)
  const learn = (/** @type {number | string} */ name, /** @type {number} */ theirs) => {
    if (!real.has(name)) real.set(name, theirs)
    return real.get(name)
  }
  return {
    of: (/** @type {number | null} */ version) =>
      version === null ? null : (real.get(version) ?? assert.fail(`version ${version} is new`)),
    cursor: (/** @type {number} */ cursor) =>
      real.get(`cursor ${cursor}`) ?? assert.fail(`cursor ${cursor} is new`),
    /** @param {number} version @param {number} theirs @param {string} what */
    same(version, theirs, what) {
      assert.equal(theirs, learn(version, theirs), `${what}: version`)
    },
    /** @param {number} cursor @param {number} theirs @param {string} what */
    sameCursor(cursor, theirs, what) {
      assert.equal(theirs, learn(`cursor ${cursor}`, theirs), `${what}: cursor`)
    },
  }
}

/** Without what depends on the server's own clock. @param {Row} columns */
function timeless(columns) {
  const out = { ...columns }
  for (const name of ['version', 'user_id', ...timed]) delete out[name]
  return out
}

/**
 * @param {Row} model
 * @param {Row} real
 * @param {ReturnType<typeof versionMap>} versions
 * @param {string} what
 */
function sameRow(model, real, versions, what) {
  versions.same(model.version, real.version, what)
  assert.deepEqual(timeless(real), timeless(model), what)
}

/** @param {Row} model @param {Row} real @param {ReturnType<typeof versionMap>} versions @param {string} what */
function sameAnswer(model, real, versions, what) {
  assert.equal(real.resync, model.resync, what)
  if (model.resync) return
  assert.equal(real.answers.length, model.answers.length, what)
  model.answers.forEach((/** @type {Row} */ one, /** @type {number} */ i) => {
    const theirs = real.answers[i]
    const which = `${what}, answer ${i} ${JSON.stringify(one)} and ${JSON.stringify(theirs)}`
    assert.deepEqual([theirs.mid, theirs.status], [one.mid, one.status], which)
    if (one.status === 'rejected') assert.equal(theirs.code, one.code, which)
    if (one.version !== undefined) versions.same(one.version, theirs.version, which)
    if (one.row || theirs.row) sameRow(one.row, theirs.row, versions, which)
    if (one.gone) {
      versions.same(one.gone[0], theirs.gone[0], which)
      assert.equal(theirs.gone[1], one.gone[1], which)
    }
    assert.deepEqual(timeless(theirs.changed ?? {}), timeless(one.changed ?? {}), which)
  })
  assert.deepEqual(Object.keys(real.rows).sort(), Object.keys(model.rows).sort(), what)
  for (const [table, rows] of Object.entries(model.rows)) {
    assert.equal(real.rows[table].length, rows.length, `${what} ${table}`)
    for (const row of rows) {
      const theirs = real.rows[table].find((/** @type {Row} */ each) => each.id === row.id)
      assert.ok(theirs, `${what} ${table} ${row.id}`)
      sameRow(row, theirs, versions, `${what} ${table} ${row.id}`)
    }
  }
  assert.equal(real.tombstones.length, model.tombstones.length, what)
  for (const [table, id, version, clock] of model.tombstones) {
    const theirs = real.tombstones.find((/** @type {any[]} */ each) => each[1] === id)
    assert.equal(theirs?.[0], table, what)
    versions.same(version, theirs[2], what)
    assert.equal(theirs[3], clock, what)
  }
  assert.equal(real.more, model.more, what)
  versions.sameCursor(model.cursor, real.cursor, what)
}

/** As the old app does it: past sync(). @param {string} user @param {Row} step */
async function writePast(user, { write: table, id, columns }) {
  const names = Object.keys(columns)
  const [there] = await db.as(user, `select 1 from public.${table} where id = $1`, [id])
  const from = `from json_populate_record(null::public.${table}, $1) r`
  const values = [{ ...columns, id }]
  const statement = there
    ? `update public.${table} t set ${names.map((n) => `${n} = r.${n}`).join()} ${from} where t.id = r.id`
    : `insert into public.${table} (id, ${names.join()}) select r.id, ${names.map((n) => `r.${n}`).join()} ${from}`
  await db.as(user, statement, values)
}

test(`${histories} simulated histories are answered alike by the model and the migrations`, async () => {
  const [{ epoch }] = await db.admin('select epoch from somatic_sync.meta')
  let replayed = 0
  let compared = 0
  for await (const { seed, steps } of worlds()) {
    const user = await newUser(db)
    const versions = versionMap()
    for (const [index, step] of steps.entries()) {
      const what = `seed ${seed}, step ${index}`
      await db.admin(`select set_config('test.now', $1, false)`, [String(step.now)])
      if (step.write) {
        await writePast(user, step)
        continue
      }
      const request = {
        ...step.request,
        epoch: step.request.epoch && epoch,
        cursor: versions.cursor(step.request.cursor),
        push: step.request.push.map((/** @type {Row} */ each) => ({
          ...each,
          base: versions.of(each.base ?? null),
        })),
      }
      const [{ answer }] = await db.as(
        user,
        'select public.sync(($1::text)::jsonb)::text as answer',
        [JSON.stringify(request)],
      )
      sameAnswer(step.answer, JSON.parse(answer), versions, what)
      compared += step.answer.answers?.length ?? 0
    }
    replayed++
  }
  assert.equal(replayed, histories)
  assert.ok(compared > histories * 20, `${compared} answers`)
})
