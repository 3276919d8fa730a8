// A minute of everybody at once on a bare PostgreSQL: eight direct writers and four pushers of one user,
// jobs with the service role over many users, and a replica that only pulls. No direct writer may see a
// deadlock, and the replica must end as the tables are. SOAK_SECONDS says how long.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { hasPostgres } from './postgres.js'
import { asUser, log, mutation, newDevice, newUser, openPostgres } from './support.js'

/** @typedef {import('./support.js').Row} Row */

const seconds = Number(process.env.SOAK_SECONDS ?? 60)
const directWriters = 8
const pushers = 4
const jobs = 2

describe('soak', { skip: !hasPostgres && 'no PostgreSQL here' }, () => {
  /** @type {Awaited<ReturnType<typeof openPostgres>>} */
  let db
  /** @type {import('postgres').Sql} */
  let pool
  before(async () => {
    db = await openPostgres()
    pool = db.connect(directWriters + pushers + jobs + 1)
  })
  after(async () => {
    await pool.end()
    await db.close()
  })

  const pick = (/** @type {any[]} */ list) => list[Math.floor(Math.random() * list.length)]

  test(`${directWriters} direct writers, ${pushers} pushers and ${jobs} jobs for ${seconds} s`, async () => {
    const user = await newUser(db)
    const others = await Promise.all(Array.from({ length: 4 }, () => newUser(db)))
    for (const other of [user, ...others]) {
      await newDevice(db, other).push(...Array.from({ length: 20 }, (_, i) => log(`first ${i}`)))
    }
    const end = Date.now() + seconds * 1000
    const counter = randomUUID()
    const done = { direct: 0, pushed: 0, conflicts: 0, jobs: 0, pulls: 0 }
    let counted = 0
    /** @type {string[]} */
    const failed = []
    /** @param {() => Promise<void>} work */
    const forever = async (work) => {
      while (Date.now() < end) await work().catch((error) => failed.push(String(error)))
    }

    const directWriter = () =>
      forever(async () => {
        await pool.begin(async (tx) => {
          await tx.unsafe(`select set_config('request.jwt.claims', $1, true)`, [
            JSON.stringify({ sub: user }),
          ])
          await tx.unsafe('set local role authenticated')
          // Several statements on several tables, in no fixed order.
          for (const statement of [...direct].sort(() => Math.random() - 0.5).slice(0, 3)) {
            await tx.unsafe(statement)
          }
        })
        done.direct++
      })
    const direct = [
      `insert into public.sovereign_logs (category, content) values ('chat', 'direct')`,
      `update public.sovereign_logs set content = content || '.' where length(content) < 60
         and id in (select id from public.sovereign_logs order by random() limit 5)`,
      `delete from public.sovereign_logs
         where id in (select id from public.sovereign_logs order by random() limit 1)`,
      `insert into public.achievements (achievement_id, progress) values ('shared', 1)
         on conflict (user_id, achievement_id) do update set progress = achievements.progress + 1`,
      `insert into public.health_metrics_history (date, steps) values ('2026-11-22', 1)
         on conflict (user_id, date) do update set steps = health_metrics_history.steps + 1`,
    ]

    const pusher = () => {
      const device = newDevice({ ...db, as: (...args) => asUser(pool, ...args) }, user)
      /** @type {Row[]} */
      let known = []
      return forever(async () => {
        const edits = known
          .slice(0, 3)
          .map((row) =>
            mutation('sovereign_logs', row.id, { base: row.version, set: { content: 'pushed' } }),
          )
        const gone = known
          .slice(3, 4)
          .map((row) =>
            mutation('sovereign_logs', row.id, { base: row.version, del: true, set: undefined }),
          )
        const answers = await device.push(
          ...edits,
          ...gone,
          mutation('user_progress', counter, { set: {}, inc: { total_completions: 1 } }),
          log('pushed'),
        )
        if (answers.at(-2)?.status === 'applied') counted++
        done.pushed += answers.filter((a) => a.status === 'applied').length
        done.conflicts += answers.filter((a) => a.status === 'conflict').length
        const { rows } = await device.pull()
        known = (rows.sovereign_logs ?? []).sort(() => Math.random() - 0.5)
      })
    }

    const job = () =>
      forever(async () => {
        const several = [user, pick(others), pick(others)].sort(() => Math.random() - 0.5)
        await pool.begin(async (tx) => {
          await tx.unsafe('set local role service_role')
          await tx.unsafe('select somatic_sync.lock_users($1)', [several])
          for (const one of several) {
            await tx.unsafe(
              `update public.sovereign_logs set metadata = '{"by": "job"}' where user_id = $1
                 and id in (select id from public.sovereign_logs where user_id = $1
                            order by random() limit 5)`,
              [one],
            )
          }
        })
        done.jobs++
      })

    /** @type {Map<string, number>} table/id -> version */
    const replica = new Map()
    const follower = newDevice({ ...db, as: (...args) => asUser(pool, ...args) }, user)
    const follow = async () => {
      const { rows, tombstones } = await follower.pull()
      for (const [table, some] of Object.entries(rows)) {
        for (const row of some) replica.set(`${table}/${row.id}`, row.version)
      }
      for (const [table, id, version] of tombstones) {
        const key = `${table}/${id}`
        if ((replica.get(key) ?? 0) < version) replica.delete(key)
      }
      done.pulls++
    }

    await Promise.all([
      ...Array.from({ length: directWriters }, directWriter),
      ...Array.from({ length: pushers }, pusher),
      ...Array.from({ length: jobs }, job),
      forever(follow),
    ])
    await follow()

    assert.deepEqual([...new Set(failed)], [])
    for (const [what, times] of Object.entries(done)) assert.ok(times > 10, `${what}: ${times}`)
    /** @type {Map<string, number>} */
    const tables = new Map()
    for (const { table_name: table } of await db.admin(
      'select table_name from somatic_sync.collections',
    )) {
      for (const row of await db.admin(
        `select id, version from public.${table} where user_id = $1`,
        [user],
      )) {
        tables.set(`${table}/${row.id}`, Number(row.version))
      }
    }
    assert.deepEqual([...replica].sort(), [...tables].sort())
    const [{ n }] = await db.admin(
      'select total_completions as n from public.user_progress where user_id = $1',
      [user],
    )
    assert.equal(n, counted)
  })
})
