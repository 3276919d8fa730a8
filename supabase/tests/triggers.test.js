// What the triggers promise about writers that know nothing of sync: the older app through
// supabase-js, an operator, a service. They are stamped, and they cannot destroy anything.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { clockAt, log, mutation, newDevice, newUser, openPglite } from './support.js'

/** @typedef {import('./support.js').Row} Row */

describe('triggers', () => {
  /** @type {import('./support.js').Backend} */
  let db
  before(async () => {
    db = await openPglite()
  })
  after(() => db.close())

  const device = async () => newDevice(db, await newUser(db))

  test('a direct insert and update are stamped and pulled', async () => {
    const my = await device()
    await db.as(
      my.user,
      `insert into public.achievements (user_id, achievement_id) values ($1, 'a')`,
      [my.user],
    )
    const [made] = (await my.pull()).rows.achievements
    assert.deepEqual(Object.keys(made.clocks), ['*'])
    assert.match(made.clocks['*'], /^\d{13}-[0-9a-f]{4}-00000000$/)

    await db.as(my.user, 'update public.achievements set progress = 3')
    const [edited] = (await my.pull()).rows.achievements
    assert.ok(edited.version > made.version)
    assert.deepEqual(Object.keys(edited.clocks).sort(), ['*', 'progress'])
    assert.ok(edited.clocks.progress > made.clocks['*'])
  })

  test('version, updated_at and created rows cannot be forged', async () => {
    const my = await device()
    await db.as(
      my.user,
      `insert into public.achievements (achievement_id, version, updated_at)
       values ('a', 999999999, '2099-01-01')`,
    )
    await db.as(
      my.user,
      `update public.achievements set progress = 1, version = 888888888, updated_at = '2001-01-01'`,
    )
    const [row] = await db.admin(
      `select version::int as version, abs(extract(epoch from now() - updated_at)) < 60 as fresh
       from public.achievements where user_id = $1`,
      [my.user],
    )
    assert.ok(row.version < 1e6)
    assert.equal(row.fresh, true)
  })

  test('the owner cannot change, a changed id is ignored', async () => {
    const my = await device()
    const other = await newUser(db)
    const [{ id }] = await db.as(
      my.user,
      `insert into public.achievements (achievement_id) values ('a') returning id`,
    )
    await assert.rejects(db.as(my.user, 'update public.achievements set user_id = $1', [other]), {
      code: '42501',
    })
    await assert.rejects(
      db.as(
        null,
        `update public.achievements set user_id = '${other}' where user_id = '${my.user}'`,
        [],
        'service_role',
      ),
      { code: '42501' },
    )
    const rows = await db.as(
      my.user,
      `insert into public.achievements (id, achievement_id, progress) values ($1, 'a', 4)
       on conflict (user_id, achievement_id)
       do update set id = excluded.id, progress = excluded.progress
       returning id, progress`,
      [randomUUID()],
    )
    assert.deepEqual(rows, [{ id, progress: 4 }])
  })

  test('an update that changes nothing is not news', async () => {
    const my = await device()
    await db.as(my.user, `insert into public.achievements (achievement_id) values ('a')`)
    await my.pull()
    await db.as(
      my.user,
      `update public.achievements set progress = 0, updated_at = now(), version = 5, clocks = '{}'`,
    )
    assert.deepEqual((await my.pull()).rows, {})
  })

  test('clocks from a direct writer count only when well formed, newer and not far ahead', async () => {
    const my = await device()
    const write = (/** @type {string} */ change, /** @type {Row} */ clocks) =>
      db.as(my.user, `update public.achievements set ${change}, clocks = ($1::text)::jsonb`, [
        JSON.stringify(clocks),
      ])
    await db.as(my.user, `insert into public.achievements (achievement_id) values ('a')`)
    const [made] = (await my.pull()).rows.achievements

    const soon = clockAt(Date.now() + 30_000, 'abababab')
    await write('progress = 1', { progress: soon })
    let [row] = (await my.pull()).rows.achievements
    assert.deepEqual(row.clocks, { ...made.clocks, progress: soon })

    // A whole row read earlier and written back: its clocks must not go backwards.
    await write('progress = 2, unlocked = true', { ...made.clocks, junk: 'x', progress: 'x' })
    ;[row] = (await my.pull()).rows.achievements
    assert.deepEqual(Object.keys(row.clocks).sort(), ['*', 'progress', 'unlocked'])
    assert.equal(row.clocks['*'], made.clocks['*'])
    assert.match(row.clocks.progress, /-00000000$/)

    const stale = clockAt(Date.now() - 60_000, 'abababab')
    await write('progress = 3', { progress: stale, unlocked: stale })
    const [after] = (await my.pull()).rows.achievements
    assert.match(after.clocks.progress, /-00000000$/)
    assert.ok(after.clocks.progress > row.clocks.progress, 'changed, so as new as now')
    assert.equal(after.clocks.unlocked, row.clocks.unlocked)

    await write('progress = 4', { progress: clockAt(Date.now() + 1e9, 'abababab') })
    ;[row] = (await my.pull()).rows.achievements
    assert.ok(Number(row.clocks.progress.slice(0, 13)) < Date.now() + 65_000)
  })

  // A stale copy of the app writes what it knew; what is stored is [unlocked, unlocked_date, progress].
  const date = (/** @type {number} */ day) => `2026-11-0${day}T00:00:00+00:00`
  /** @type {[string, any[], any[], any[]][]} */
  const achieved = [
    ['locked again', [true, date(1), 7], [false, null, 1], [true, date(1), 7]],
    ['unlocked later', [true, date(1), 7], [true, date(2), 9], [true, date(1), 9]],
    ['unlocked earlier', [true, date(2), 7], [true, date(1), 7], [true, date(1), 7]],
    ['unlocked', [false, null, 1], [true, date(1), 3], [true, date(1), 3]],
    ['emptied', [true, date(1), 7], [null, null, null], [true, date(1), 7]],
    ['still locked', [false, null, 1], [null, null, 2], [null, null, 2]],
  ]
  test('what was unlocked stays unlocked, whatever a writer without sync believes', async () => {
    for (const [name, first, second, want] of achieved) {
      const my = await device()
      for (const values of [first, second]) {
        await db.as(
          my.user,
          `insert into public.achievements (achievement_id, unlocked, unlocked_date, progress)
           values ('a', $1::boolean, $2::timestamptz, $3::int)
           on conflict (user_id, achievement_id) do update set unlocked = excluded.unlocked,
             unlocked_date = excluded.unlocked_date, progress = excluded.progress`,
          values,
        )
      }
      const [row] = (await my.pull()).rows.achievements
      assert.deepEqual([row.unlocked, row.unlocked_date, row.progress], want, name)
    }
  })

  test('direct deletes leave tombstones, for users and for the service role', async () => {
    const my = await device()
    const entries = [log('a'), log('b'), log('c')]
    await my.push(...entries)
    await my.pull()
    await db.as(my.user, 'delete from public.sovereign_logs where id = $1', [entries[0].id])
    await db.as(
      null,
      'delete from public.sovereign_logs where id = $1',
      [entries[1].id],
      'service_role',
    )
    const { tombstones } = await my.pull()
    assert.deepEqual(
      tombstones.map((/** @type {any[]} */ t) => t[1]),
      [entries[0].id, entries[1].id],
    )
    await db.as(
      my.user,
      `insert into public.sovereign_logs (id, category, content)
      values ($1, 'chat', 'again')`,
      [entries[0].id],
    )
    const [{ left }] = await db.admin(
      'select count(*)::int as left from somatic_sync.tombstones where user_id = $1',
      [my.user],
    )
    assert.equal(left, 1)
  })

  test('a service writes for many users at once', async () => {
    const users = [await device(), await device()]
    await db.as(
      null,
      `insert into public.daily_attunements (user_id, date, insightful_question, synthesized_answer)
       select u::uuid, '2026-11-22', 'q', 'a' from unnest($1::text[]) u`,
      [users.map((u) => u.user)],
      'service_role',
    )
    for (const one of users) assert.equal((await one.pull()).rows.daily_attunements.length, 1)
  })

  test('sync() switches its own clocks off again', async () => {
    const my = await device()
    const request = { protocol: 1, device: my.id, cursor: 0, push: [log('a')] }
    const [{ status, flag }] = await db.as(
      my.user,
      `with s as materialized (select public.sync(($1::text)::jsonb) as answer)
       select answer -> 'answers' -> 0 ->> 'status' as status,
              current_setting('somatic_sync.applying', true) as flag
       from s`,
      [JSON.stringify(request)],
    )
    assert.deepEqual([status, flag], ['applied', 'off'])
  })

  // --- Days and streaks --------------------------------------------------------------------------
  // Each step is a direct write (columns) or an edit through sync (days); then what is stored.

  /** @typedef {{ streak?: number | null, last?: string | null, days?: any }} Step */
  /** @type {[string, Step[], [any, number | null, string | null]][]} */
  const streaks = [
    [
      'a streak becomes days',
      [{ streak: 3, last: '2026-11-22' }],
      [[['2026-11-20', '2026-11-22']], 3, '2026-11-22'],
    ],
    [
      'the next day joins',
      [
        { streak: 3, last: '2026-11-22' },
        { streak: 4, last: '2026-11-23' },
      ],
      [[['2026-11-20', '2026-11-23']], 4, '2026-11-23'],
    ],
    [
      'a fresh device does not destroy it',
      [
        { streak: 3, last: '2026-11-22' },
        { streak: 1, last: '2026-11-23' },
      ],
      [[['2026-11-20', '2026-11-23']], 4, '2026-11-23'],
    ],
    [
      'an older day is added behind',
      [
        { streak: 1, last: '2026-11-22' },
        { streak: 1, last: '2026-11-10' },
      ],
      [
        [
          ['2026-11-10', '2026-11-10'],
          ['2026-11-22', '2026-11-22'],
        ],
        1,
        '2026-11-22',
      ],
    ],
    [
      'a reset is undone',
      [
        { streak: 3, last: '2026-11-22' },
        { streak: 0, last: null },
      ],
      [[['2026-11-20', '2026-11-22']], 3, '2026-11-22'],
    ],
    ['a streak of 0 adds no day', [{ streak: 0, last: '2026-11-22' }], [null, 0, '2026-11-22']],
    ['no date, no days', [{ streak: 5, last: null }], [null, 5, null]],
    ['a null streak', [{ streak: null, last: '2026-11-22' }], [null, null, '2026-11-22']],
    [
      'days decide',
      [{ days: [['2026-11-01', '2026-11-05']] }],
      [[['2026-11-01', '2026-11-05']], 5, '2026-11-05'],
    ],
    [
      'days are sorted and merged',
      [
        {
          days: [
            ['2026-11-04', '2026-11-05'],
            ['2026-11-01', '2026-11-02'],
            ['2026-11-02', '2026-11-03'],
            ['2026-10-01', '2026-10-01'],
          ],
        },
      ],
      [
        [
          ['2026-10-01', '2026-10-01'],
          ['2026-11-01', '2026-11-05'],
        ],
        5,
        '2026-11-05',
      ],
    ],
    [
      'days, then an old writer',
      [{ days: [['2026-11-01', '2026-11-03']] }, { streak: 1, last: '2026-11-04' }],
      [[['2026-11-01', '2026-11-04']], 4, '2026-11-04'],
    ],
    [
      'an old writer, then days',
      [{ streak: 2, last: '2026-11-02' }, { days: [['2026-11-01', '2026-11-03']] }],
      [[['2026-11-01', '2026-11-03']], 3, '2026-11-03'],
    ],
    [
      'a day taken away by an edit of the days',
      [{ days: [['2026-11-01', '2026-11-03']] }, { days: [['2026-11-01', '2026-11-02']] }],
      [[['2026-11-01', '2026-11-02']], 2, '2026-11-02'],
    ],
    [
      'over a leap day',
      [{ streak: 3, last: '2028-03-01' }],
      [[['2028-02-28', '2028-03-01']], 3, '2028-03-01'],
    ],
  ]
  for (const [name, steps, want] of streaks) {
    test(`streak: ${name}`, async () => {
      const my = await device()
      for (const step of steps) {
        const [row] = (await newDevice(db, my.user).pull()).rows.user_progress ?? []
        if ('days' in step) {
          const [answer] = await my.push(
            mutation('user_progress', row?.id ?? randomUUID(), {
              base: row?.version ?? null,
              set: { completed_days: step.days },
            }),
          )
          assert.equal(answer.status, 'applied')
        } else {
          await db.as(
            my.user,
            `insert into public.user_progress (user_id, compliance_streak, last_completed_date)
             values ($1, $2::int, $3::date)
             on conflict (user_id) do update set
               compliance_streak = excluded.compliance_streak,
               last_completed_date = excluded.last_completed_date`,
            [my.user, step.streak, step.last],
          )
        }
      }
      const [row] = (await my.pull()).rows.user_progress
      assert.deepEqual([row.completed_days, row.compliance_streak, row.last_completed_date], want)
    })
  }

  test('a row from before completed_days keeps its streak when days come', async () => {
    const my = await device()
    await db.as(
      my.user,
      `insert into public.user_progress (compliance_streak, last_completed_date)
      values (2, '2026-11-02')`,
    )
    await db.admin('alter table public.user_progress disable trigger user')
    await db.admin('update public.user_progress set completed_days = null')
    await db.admin('alter table public.user_progress enable trigger user')
    const [row] = (await my.pull()).rows.user_progress
    const [answer] = await my.push(
      mutation('user_progress', row.id, {
        base: row.version,
        set: { completed_days: [['2026-11-03', '2026-11-03']] },
      }),
    )
    assert.deepEqual(answer.changed.completed_days, [['2026-11-01', '2026-11-03']])
    assert.equal(answer.changed.compliance_streak, 3)
  })

  test('days that are none are rejected', async () => {
    const my = await device()
    for (const days of [
      7,
      'x',
      {},
      [1],
      [['2026-11-01']],
      [['2026-11-02', '2026-11-01']],
      [['2026-1-1', '2026-11-01']],
      [['2026-02-30', '2026-02-30']],
      [[null, null]],
    ]) {
      const [answer] = await my.push(
        mutation('user_progress', randomUUID(), { set: { completed_days: days } }),
      )
      assert.equal(answer.status, 'rejected', JSON.stringify(days))
      assert.match(answer.code, /^22/)
    }
  })

  // --- Realtime ----------------------------------------------------------------------------------

  test('one poke per transaction and user, naming the device that pushed; a broken realtime costs nothing', async () => {
    const my = await device()
    await db.script(`
      create schema realtime;
      create table realtime.messages (id serial, payload jsonb, event text, topic text, private bool);
      create function realtime.topic() returns text language sql as $$ select 'x'::text $$;
      create function realtime.send(payload jsonb, event text, topic text, private boolean)
      returns void language sql as $$
        insert into realtime.messages (payload, event, topic, private) values ($1, $2, $3, $4)
      $$;`)
    await my.push(
      log('a'),
      log('b'),
      mutation('achievements', randomUUID(), {
        set: { achievement_id: 'a' },
      }),
    )
    await my.sync()
    assert.deepEqual(
      await db.admin('select payload, event, topic, private from realtime.messages'),
      [{ payload: { device: my.id }, event: 'poke', topic: `sync:${my.user}`, private: true }],
    )
    await db.as(my.user, `update public.sovereign_logs set content = 'by an older app'`)
    assert.deepEqual(await db.admin('select payload from realtime.messages where id > 1'), [
      { payload: {} },
    ])

    await db.script(
      `create or replace function realtime.send(jsonb, text, text, boolean)
      returns void language plpgsql as $$ begin raise exception 'down'; end $$`.replace(
        '(jsonb, text, text, boolean)',
        '(payload jsonb, event text, topic text, private boolean)',
      ),
    )
    assert.equal((await my.push(log('c')))[0].status, 'applied')
    await db.script('drop schema realtime cascade')
  })
})
