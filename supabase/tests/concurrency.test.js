// Real concurrent writers on a bare PostgreSQL. The law under test: for one user the order of
// versions is the order of commits, so a reader that follows the cursor misses nothing; and since
// everyone takes the user's lock first, writers queue and do not deadlock.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { hasPostgres } from './postgres.js'
import { asUser, log, mutation, newDevice, newUser, openPostgres } from './support.js'

/** @typedef {import('./support.js').Row} Row */

const writerCount = 6
const sleep = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms))

describe('concurrency', { skip: !hasPostgres && 'no PostgreSQL here' }, () => {
  /** @type {Awaited<ReturnType<typeof openPostgres>>} */
  let db
  /** @type {import('postgres').Sql} */
  let pool
  before(async () => {
    db = await openPostgres()
    pool = db.connect(writerCount + 1)
  })
  after(async () => {
    await pool.end()
    await db.close()
  })

  /** As a user on a connection of the pool, with a random delay before the commit. */
  /** @param {string} user @param {(tx: import('postgres').TransactionSql) => Promise<void>} work */
  const slowly = (user, work) =>
    pool.begin(async (tx) => {
      await tx.unsafe(`select set_config('request.jwt.claims', $1, true)`, [
        JSON.stringify({ sub: user }),
      ])
      await tx.unsafe('set local role authenticated')
      await work(tx)
      await tx.unsafe('select pg_sleep($1)', [Math.random() * 0.02])
    })

  /** @returns a reader that follows the cursor on a connection of its own until it is stopped */
  function follow(/** @type {string} */ user) {
    /** @type {Map<string, Row | null>} the row as last delivered; null when deleted */
    const seen = new Map()
    const delivered = new Set()
    let cursor = 0
    let ended = false
    const pullOnce = async () => {
      const [{ answer }] = await asUser(
        pool,
        user,
        'select public.sync(($1::text)::jsonb) as answer',
        [JSON.stringify({ protocol: 1, device: randomUUID(), cursor, limit: 7 })],
      )
      for (const rows of Object.values(/** @type {Record<string, Row[]>} */ (answer.rows))) {
        for (const row of rows) {
          assert.ok(row.version > cursor)
          seen.set(row.id, row)
          delivered.add(row.version)
        }
      }
      for (const [, id, version] of answer.tombstones) {
        seen.set(id, null)
        delivered.add(version)
      }
      cursor = answer.cursor
      return answer.more
    }
    const running = (async () => {
      while (!ended) if (!(await pullOnce())) await sleep(1)
    })()
    return {
      seen,
      delivered,
      async stop() {
        ended = true
        await running
        while (await pullOnce());
      },
    }
  }

  test('a reader behind a cursor misses no row of six concurrent writers', async () => {
    const user = await newUser(db)
    const reader = follow(user)
    const mine = await Promise.all(
      Array.from({ length: writerCount }, async (_, writer) => {
        /** @type {string[]} */
        const ids = []
        for (let i = 0; i < 40; i++) {
          await slowly(user, async (tx) => {
            const dice = Math.random()
            if (ids.length === 0 || dice < 0.5) {
              const id = randomUUID()
              const table = i % 2 ? 'sovereign_logs' : 'achievements'
              const columns = i % 2 ? 'category, content' : 'achievement_id, progress'
              await tx.unsafe(
                `insert into public.${table} (id, ${columns}) values ($1, $2, ${i % 2 ? "'x'" : 1})`,
                [id, `${writer} ${i}`],
              )
              ids.push(id)
            } else if (dice < 0.85) {
              // Any row of the user: writers meet on the same rows.
              await tx.unsafe(`update public.achievements set progress = progress + 1
                where id in (select id from public.achievements order by random() limit 3)`)
            } else {
              await tx.unsafe('delete from public.sovereign_logs where id = $1', [ids.at(-1) ?? ''])
            }
          })
        }
        return ids
      }),
    )
    await reader.stop()

    const stored = await db.admin(
      `select id, version from public.achievements where user_id = $1
       union all select id, version from public.sovereign_logs where user_id = $1`,
      [user],
    )
    assert.ok(mine.flat().length > 60)
    const missed = stored.filter((row) => reader.seen.get(row.id)?.version !== row.version)
    assert.deepEqual(missed, [], 'rows never delivered')
    const gone = await db.admin(
      'select id, version from somatic_sync.tombstones where user_id = $1',
      [user],
    )
    assert.ok(gone.length > 0)
    assert.deepEqual(
      gone.filter((row) => reader.seen.get(row.id) !== null),
      [],
      'deletions never delivered',
    )
    assert.ok(reader.delivered.size > stored.length, 'the reader saw rows change')
  })

  test('concurrent pushes and direct writes of one user: no deadlock, no lost increment', async () => {
    const user = await newUser(db)
    const counter = randomUUID()
    const rounds = 25
    let conflicts = 0
    /** @type {string[]} */
    const failed = []
    await Promise.all(
      Array.from({ length: writerCount }, async (_, writer) => {
        const device = newDevice({ ...db, as: (...args) => asUser(pool, ...args) }, user)
        for (let i = 0; i < rounds; i++) {
          try {
            if (writer % 3 === 2) {
              // In the opposite order of the pushes' tables, several statements to a transaction.
              await slowly(user, async (tx) => {
                await tx.unsafe(`insert into public.user_progress (id, total_completions)
                  values ('${counter}', 1) on conflict (user_id) do update
                  set total_completions = user_progress.total_completions + 1`)
                await tx.unsafe(`insert into public.achievements (achievement_id) values ('${i}')
                  on conflict (user_id, achievement_id) do update set progress = ${writer}`)
              })
            } else {
              const answers = await device.push(
                mutation('achievements', randomUUID(), {
                  set: { achievement_id: `${i}`, progress: writer },
                }),
                mutation('user_progress', counter, { set: {}, inc: { total_completions: 1 } }),
                log(`${writer} ${i}`),
              )
              assert.deepEqual(
                answers.slice(1).map((a) => a.status),
                ['applied', 'applied'],
              )
              if (answers[0].status === 'conflict') conflicts++
            }
          } catch (error) {
            failed.push(String(error))
          }
        }
      }),
    )
    assert.deepEqual(failed, [])
    const [{ total_completions: total }] = await db.admin(
      'select total_completions from public.user_progress where user_id = $1',
      [user],
    )
    assert.equal(total, writerCount * rounds)
    const [{ n }] = await db.admin(
      'select count(*)::int as n from public.achievements where user_id = $1',
      [user],
    )
    assert.equal(n, rounds)
    assert.ok(conflicts > 0, 'writers did meet')
  })

  test('the same push from two contexts at once is applied once', async () => {
    const user = await newUser(db)
    const device = newDevice({ ...db, as: (...args) => asUser(pool, ...args) }, user)
    const push = Array.from({ length: 50 }, (_, i) => log(`${i}`))
    push.push(mutation('user_progress', randomUUID(), { set: {}, inc: { total_completions: 1 } }))
    const answers = await Promise.all(Array.from({ length: 4 }, () => device.push(...push)))
    const statuses = answers.map((a) => [...new Set(a.map((one) => one.status))].join())
    assert.deepEqual(statuses.sort(), ['applied', 'duplicate', 'duplicate', 'duplicate'])
    const [{ n }] = await db.admin(
      `select total_completions as n from public.user_progress where user_id = $1`,
      [user],
    )
    assert.equal(n, 1)
  })

  test('devices that bring one entry under ids of their own, at once, make one row of it', async () => {
    const user = await newUser(db)
    const entries = Array.from({ length: 30 }, (_, i) => `entry ${i}`)
    const answers = await Promise.all(
      Array.from({ length: writerCount }, (_, writer) => {
        const device = newDevice({ ...db, as: (...args) => asUser(pool, ...args) }, user)
        return device.push(
          ...entries.map((entryId) =>
            mutation('sovereign_logs', randomUUID(), {
              set: { category: 'sovereign', content: `by ${writer}`, metadata: { entryId } },
            }),
          ),
        )
      }),
    )
    const stored = await db.admin(
      `select id, metadata ->> 'entryId' as name from public.sovereign_logs where user_id = $1`,
      [user],
    )
    assert.deepEqual(stored.map((row) => row.name).sort(), [...entries].sort())
    const idOf = new Map(stored.map((row) => [row.name, row.id]))
    const refused = answers.flat().filter((answer) => answer.status !== 'applied')
    assert.equal(refused.length, (writerCount - 1) * entries.length)
    for (const { status, row } of refused) {
      assert.deepEqual([status, row.id], ['conflict', idOf.get(row.metadata.entryId)])
    }
  })

  test('a push decides under the lock: it waits for a writer, and then sees what he wrote', async () => {
    const user = await newUser(db)
    const device = newDevice({ ...db, as: (...args) => asUser(pool, ...args) }, user)
    const entry = log('first')
    const [made] = await device.push(entry)
    /** @type {() => void} */
    let release = () => {}
    const held = new Promise((resolve) => {
      release = () => resolve(undefined)
    })
    /** @type {() => void} */
    let written = () => {}
    const isWritten = new Promise((resolve) => {
      written = () => resolve(undefined)
    })
    const writer = pool.begin(async (tx) => {
      await tx.unsafe(`select set_config('request.jwt.claims', '{"sub":"${user}"}', true)`)
      await tx.unsafe('set local role authenticated')
      await tx.unsafe(`update public.sovereign_logs set content = 'by the other'`)
      written()
      await held
    })
    await isWritten
    const pushing = device.push(
      mutation('sovereign_logs', entry.id, { base: made.version, set: { content: 'second' } }),
    )
    try {
      await waitsForLock()
    } finally {
      release()
      await writer
    }
    const [answer] = await pushing
    assert.deepEqual([answer.status, answer.row?.content], ['conflict', 'by the other'])
  })

  test('a job that names no user takes the lock of whoever owns the row it writes', async () => {
    const user = await newUser(db)
    /** @type {() => void} */
    let release = () => {}
    const held = new Promise((resolve) => {
      release = () => resolve(undefined)
    })
    /** @type {(version: number) => void} */
    let written = () => {}
    /** @type {Promise<number>} */
    const jobVersion = new Promise((resolve) => {
      written = resolve
    })
    const job = pool.begin(async (tx) => {
      await tx.unsafe('set local role service_role')
      const [{ version }] = await tx.unsafe(
        `insert into public.sovereign_logs (user_id, category, content) values ($1, 'chat', 'job')
         returning version`,
        [user],
      )
      written(Number(version))
      await held
    })
    const drawn = await jobVersion
    const writing = asUser(
      pool,
      user,
      `insert into public.sovereign_logs (category, content) values ('chat', 'own') returning version`,
    )
    // Committed first, with the higher version, it would hide the job's row from every cursor.
    const first = await Promise.race([waitsForLock().then(() => 'waits'), writing])
    release()
    await job
    assert.equal(first, 'waits')
    assert.ok(Number((await writing)[0].version) > drawn)
  })

  /** Until somebody waits for an advisory lock, or after a long while. */
  async function waitsForLock() {
    const waiting = `select from pg_locks where locktype = 'advisory' and not granted`
    for (let looks = 0; looks < 3000; looks++) {
      if ((await db.admin(waiting)).length > 0) return
      await sleep(5)
    }
  }

  test('writers of different users do not wait for each other', async () => {
    const [one, two] = [await newUser(db), await newUser(db)]
    /** @type {() => void} */
    let release = () => {}
    const held = new Promise((resolve) => {
      release = () => resolve(undefined)
    })
    const blocked = pool.begin(async (tx) => {
      await tx.unsafe(`select set_config('request.jwt.claims', '{"sub":"${one}"}', true)`)
      await tx.unsafe('set local role authenticated')
      await tx.unsafe(`insert into public.achievements (achievement_id) values ('a')`)
      await held
    })
    try {
      await asUser(pool, two, `insert into public.achievements (achievement_id) values ('a')`)
      const waiting = asUser(
        pool,
        one,
        `insert into public.achievements (achievement_id) values ('b')`,
      ).then(() => 'written')
      assert.equal(await Promise.race([waiting, sleep(150).then(() => 'waits')]), 'waits')
      release()
      assert.equal(await waiting, 'written')
    } finally {
      release()
      await blocked
    }
  })
})
