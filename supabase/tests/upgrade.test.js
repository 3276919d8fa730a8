// Existing projects: the migrations run on tables full of rows, made by an app that knows nothing of
// sync. Nothing is lost, nothing that was accepted is refused, and a second run changes nothing. The
// app that goes on writing meanwhile is upgrade-live.test.js.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { existingProjectSql } from './existing-project.js'
import { hasPostgres } from './postgres.js'
import { catalogSql, emptyPglite, emptyPostgres, migrate, mutation, newDevice } from './support.js'

/** @typedef {import('./support.js').Row} Row */
/** @typedef {import('./support.js').Backend} Backend */

const [ada, ben] = [randomUUID(), randomUUID()]
/** Rows with a name, to be asked for later. */
const id = {
  /** messages m1 to m3: the first was written three times, its last text is the newest */
  m1: [randomUUID(), randomUUID(), randomUUID()],
  m2: randomUUID(),
  oneTagged: [randomUUID(), randomUUID()],
  bothTagged: [randomUUID(), randomUUID()],
  orphan: randomUUID(),
  taggedOrphan: randomUUID(),
  future: randomUUID(),
  progress: randomUUID(),
  achievement: randomUUID(),
  charts: [randomUUID(), randomUUID()],
}

const tables = [
  ...['sovereign_logs', 'user_progress', 'achievements', 'sovereign_path_data'],
  ...['cosmic_data_cache', 'astrology_data_cache', 'daily_attunements', 'health_metrics_history'],
]

/** @param {Backend} db */
async function fill(db) {
  await db.admin('insert into auth.users (id) values ($1), ($2)', [ada, ben])
  /** @param {string} table @param {...Row} rows */
  const insert = async (table, ...rows) => {
    for (const row of rows) {
      const names = Object.keys(row)
      await db.admin(
        `insert into public.${table} (${names.join(', ')})
         select ${names.join(', ')} from json_populate_record(null::public.${table}, ($1::text)::json)`,
        [JSON.stringify(row)],
      )
    }
  }
  const log = (/** @type {string} */ key, /** @type {string} */ day, /** @type {Row} */ row) => ({
    ...{ id: key, user_id: ada, category: 'chat', content: 'x' },
    ...{ created_at: `2026-0${day}T10:00:00Z`, updated_at: `2026-0${day}T10:00:00Z` },
    ...row,
  })
  const message = (/** @type {string} */ messageId) => ({ metadata: { messageId } })
  await insert(
    'sovereign_logs',
    log(id.m1[0], '1-01', { content: 'first text', ...message('m1'), source: 'phone' }),
    log(id.m1[1], '1-02', { content: 'second text', ...message('m1') }),
    log(id.m1[2], '1-03', { content: 'last text', ...message('m1') }),
    log(id.m2, '2-01', { content: 'only one', ...message('m2') }),
    log(randomUUID(), '2-02', { content: 'his own m1', ...message('m1'), user_id: ben }),
    log(id.oneTagged[0], '3-01', { category: 'journal', metadata: { journalId: 'j1' } }),
    log(id.oneTagged[1], '3-02', { category: 'journal', metadata: { journalId: 'j1' } }),
    log(id.bothTagged[0], '3-03', { category: 'journal', metadata: { journalId: 'j2' } }),
    log(id.bothTagged[1], '3-04', { category: 'journal', metadata: { journalId: 'j2' } }),
    log(id.orphan, '4-01', { user_id: null, content: 'nobody’s' }),
    log(id.taggedOrphan, '4-02', { user_id: null, content: 'nobody’s, tagged' }),
    log(id.future, '5-01', { updated_at: '2031-01-01T00:00:00Z' }),
    // What checks of a later day might refuse.
    log(randomUUID(), '5-02', { category: 'no such category', content: '', metadata: null }),
    log(randomUUID(), '5-03', { metadata: [1, 2], created_at: null, updated_at: null }),
    log(randomUUID(), '5-04', { metadata: 'text', updated_at: 'infinity' }),
    log(randomUUID(), '5-05', { metadata: { messageId: '' }, created_at: '-infinity' }),
    log(randomUUID(), '5-06', { metadata: { messageId: '' } }),
    log(randomUUID(), '5-07', { metadata: { messageId: 'm'.repeat(100_000) } }),
    log(randomUUID(), '5-08', { metadata: { entryId: 7, energyLevel: 'eleven' } }),
  )
  await insert(
    'log_tags',
    { log_id: id.oneTagged[1], tag: 'dream' },
    { log_id: id.bothTagged[0], tag: 'dream' },
    { log_id: id.bothTagged[1], tag: 'dream' },
    { log_id: id.taggedOrphan, tag: 'dream' },
  )
  await insert(
    'user_progress',
    {
      ...{ id: id.progress, user_id: ada, compliance_streak: 5 },
      ...{ last_completed_date: '2026-03-03', total_completions: 40 },
      updated_at: '2026-03-03T20:00:00Z',
    },
    {
      ...{ user_id: ben, compliance_streak: -3, last_completed_date: 'infinity' },
      ...{ total_completions: null },
    },
  )
  await insert(
    'achievements',
    { id: id.achievement, user_id: ada, achievement_id: 'first-day', unlocked: true },
    { user_id: ada, achievement_id: '', unlocked: null, progress: -7 },
    { user_id: ben, achievement_id: 'first-day', unlocked_date: 'infinity', progress: 1000 },
    { user_id: null, achievement_id: 'first-day' },
  )
  await insert('achievement_shares', { achievement: id.achievement, link: 'l' })
  await insert(
    'sovereign_path_data',
    { user_id: ada, oejts_answers: [{ questionId: 1, value: 3 }], katas: [{ id: 'k' }] },
    { user_id: ben, oejts_answers: 'not even an array', health_metrics: 4 },
  )
  await insert(
    'cosmic_data_cache',
    { user_id: ada, date: '2026-03-03', location: { city: 'Graz' }, astronomy: {} },
    { user_id: ada, date: '9999-12-31', cached_at: null },
  )
  await insert(
    'astrology_data_cache',
    {
      ...{ id: id.charts[0], user_id: ada, natal_chart: { sun: 1 }, transits: { day: 1 } },
      cached_at: '2026-01-01T00:00:00Z',
    },
    {
      ...{ id: id.charts[1], user_id: ada, natal_chart: { sun: 1 }, transits: { day: 9 } },
      cached_at: '2026-01-09T00:00:00Z',
    },
    { user_id: ben, natal_chart: { sun: 2 } },
  )
  await insert('daily_attunements', {
    ...{ user_id: ada, date: '2026-03-03', insightful_question: 'q', synthesized_answer: 'a' },
    generated_at: '2026-03-03T06:00:00Z',
  })
  await insert(
    'health_metrics_history',
    { user_id: ada, date: '2026-03-03', steps: -1, sleep_hours: 99.99, walking_asymmetry: null },
    { user_id: ada, date: '2026-03-04', sleep_hours: 'NaN', synced_at: '2026-03-04T09:00:00Z' },
  )
  if (db.hasVectors) {
    await insert(
      'vector_embeddings',
      {
        ...{ user_id: ada, content: 'v', metadata: { model: 'bge' } },
        embedding: JSON.stringify([1, ...Array(383).fill(0)]),
      },
      { user_id: ada, content: 'nothing yet', metadata: null, embedding: null },
    )
  }
}

/** Every row, as it was before sync. @param {Backend} db @returns {Promise<Map<string, Row>>} */
async function oldRows(db) {
  const rows = new Map()
  for (const table of [...tables, ...(db.hasVectors ? ['vector_embeddings'] : [])]) {
    for (const { row } of await db.admin(`select to_jsonb(t) as row from public.${table} t`)) {
      rows.set(`${table} ${row.id}`, row)
    }
  }
  return rows
}

/** Without what sync added. @param {Row} row @param {Row} like */
const only = (row, like) => Object.fromEntries(Object.keys(like).map((name) => [name, row[name]]))

for (const open of [emptyPglite, ...(hasPostgres ? [emptyPostgres] : [])]) {
  describe(`upgrade: ${open.name}`, () => {
    /** @type {Backend} */
    let db
    /** @type {Map<string, Row>} */
    let old
    before(async () => {
      db = await open()
      await db.script(existingProjectSql({ vectors: db.hasVectors }))
      await fill(db)
      old = await oldRows(db)
      await migrate(db)
    })
    after(() => db.close())

    const setAside = () =>
      db.admin('select user_id, table_name, content, reason from somatic_sync.set_aside')
    const logs = (/** @type {string[]} */ ...ids) =>
      db.admin(
        `select t.*, to_jsonb(t) as row from public.sovereign_logs t where id = any ($1)
         order by created_at`,
        [ids],
      )

    test('every row is there as it was, or set aside as it was', async () => {
      const now = await oldRows(db)
      const aside = await setAside()
      assert.ok(old.size >= 30)
      for (const [name, row] of old) {
        const [table] = name.split(' ')
        const kept = now.get(name)
        const before = aside.find((a) => a.table_name === table && a.content.id === row.id)
        assert.ok(kept || before, name)
        if (before) assert.deepEqual(only(before.content, row), row, name)
        else assert.deepEqual(only(/** @type {Row} */ (kept), row), row, name)
      }
      assert.equal(now.size, old.size - 2 - 1 - 2 - 1, 'm1 and j1 twins, a chart, two orphans')
    })

    const assertNothingChanges = async () => {
      const catalog = await db.admin(catalogSql)
      const rows = await oldRows(db)
      const aside = await setAside()
      await migrate(db)
      assert.deepEqual(await db.admin(catalogSql), catalog)
      assert.deepEqual(await oldRows(db), rows)
      assert.deepEqual(await setAside(), aside)
    }

    test('a second run changes nothing', assertNothingChanges)

    test('twins are one: the oldest, with the newest text; the others are set aside', async () => {
      const [kept, ...more] = await logs(...id.m1)
      assert.equal(more.length, 0)
      assert.equal(kept.id, id.m1[0])
      assert.equal(kept.content, 'last text')
      assert.equal(kept.row.created_at, '2026-01-01T10:00:00+00:00')
      const mine = (await setAside()).filter((a) => a.reason === `twin of ${id.m1[0]}`)
      assert.deepEqual(mine.map((a) => a.content.content).sort(), [
        'first text',
        'last text',
        'second text',
      ])
      assert.ok(mine.every((a) => a.user_id === ada))
      assert.equal((await db.as(ada, 'select * from somatic_sync.set_aside')).length >= 3, true)
      assert.deepEqual(await db.as(ben, 'select * from somatic_sync.set_aside'), [])

      const charts = await db.admin(
        'select * from public.astrology_data_cache where user_id = $1',
        [ada],
      )
      assert.deepEqual(
        charts.map((c) => [c.id, c.transits]),
        [[id.charts[0], { day: 9 }]],
      )
      assert.equal(charts[0].fresh, null, 'a column it did not have')
    })

    test('what referred to a twin refers to the row that stayed; where it cannot, both stay', async () => {
      const tags = async (/** @type {string} */ log) =>
        (await db.admin('select tag from public.log_tags where log_id = $1', [log])).length
      assert.deepEqual(
        (await logs(...id.oneTagged)).map((l) => l.id),
        [id.oneTagged[0]],
      )
      assert.equal(await tags(id.oneTagged[0]), 1)
      assert.equal((await logs(...id.bothTagged)).length, 2)
      assert.equal((await tags(id.bothTagged[0])) + (await tags(id.bothTagged[1])), 2)
    })

    test('rows without an owner go where only operators look, or stay unseen', async () => {
      const orphans = (await setAside()).filter((a) => a.reason === 'no owner')
      assert.deepEqual(orphans.map((a) => a.table_name).sort(), ['achievements', 'sovereign_logs'])
      assert.ok(orphans.some((a) => a.content.content === 'nobody’s'))
      assert.equal((await logs(id.taggedOrphan)).length, 1)
      for (const user of [ada, ben]) {
        const seen = await db.as(user, 'select content from public.sovereign_logs')
        assert.ok(seen.length > 0 && !seen.some((l) => l.content.startsWith('nobody')))
        const aside = await db.as(user, 'select user_id from somatic_sync.set_aside')
        assert.ok(aside.every((a) => a.user_id === user))
      }
    })

    test('rows have versions in sequence and clocks as old as they say, never of the future', async () => {
      const seen = new Set()
      const byId = new Map()
      for (const row of (await oldRows(db)).values()) {
        assert.ok(row.version > 0 && !seen.has(row.version))
        seen.add(row.version)
        byId.set(row.id, row)
        const day = row.clocks['*']
        assert.match(day, /^\d{13}-0000-00000000$/)
        assert.ok(Number(day.slice(0, 13)) <= Date.now())
      }
      const clock = (/** @type {string} */ at) => `${Date.parse(at)}-0000-00000000`
      assert.equal(byId.get(id.m2).clocks['*'], clock('2026-02-01T10:00:00Z'))
      assert.ok(byId.get(id.future).clocks['*'] > clock('2026-11-01T00:00:00Z'))
      assert.equal(byId.get(id.m1[0]).clocks['*'], clock('2026-01-03T10:00:00Z'))
      assert.equal(byId.get(id.charts[0]).clocks['*'], clock('2026-01-09T00:00:00Z'))
      assert.equal(byId.get(id.charts[0]).updated_at, '2026-01-09T00:00:00+00:00')
    })

    test('an old streak is days: the day after it makes it longer', async () => {
      const [row] = await db.admin('select * from public.user_progress where user_id = $1', [ada])
      assert.deepEqual(row.completed_days, [['2026-02-27', '2026-03-03']])
      const days = { completed_days: [['2026-02-27', '2026-03-04']] }
      const [answer] = await newDevice(db, ada).push(
        mutation('user_progress', id.progress, { base: row.version, set: days }),
      )
      assert.equal(answer.status, 'applied')
      assert.equal(answer.changed.compliance_streak, 6)
    })

    test('a device pulls all of it, and pushes to it', async () => {
      const device = newDevice(db, ben)
      const { rows } = await device.pull()
      assert.deepEqual(
        Object.entries(rows)
          .map(([table, some]) => [table, some.length])
          .sort(),
        [
          ['achievements', 1],
          ['astrology_data_cache', 1],
          ['sovereign_logs', 1],
          ['sovereign_path_data', 1],
          ['user_progress', 1],
        ],
      )
      const [added] = await device.push(
        mutation('user_progress', rows.user_progress[0].id, { inc: { total_completions: 1 } }),
      )
      assert.equal(added.changed.total_completions, 1)
      const [adopted] = await device.push(
        mutation('sovereign_logs', randomUUID(), {
          set: { category: 'chat', content: 'again', metadata: { messageId: 'm1' } },
        }),
      )
      assert.equal(adopted.status, 'conflict')
      assert.equal(adopted.row.content, 'his own m1')
    })

    test('the app writes as before: by id, whole rows, without an owner column', async () => {
      const upsert = `insert into public.sovereign_logs (id, user_id, category, content)
        values ($1, $2, 'chat', $3)
        on conflict (id) do update set content = excluded.content returning content`
      const [edited] = await db.as(ada, upsert, [id.m2, ada, 'edited by the app'])
      assert.equal(edited.content, 'edited by the app')
      const made = randomUUID()
      await db.as(ada, upsert, [made, ada, 'new'])
      await db.as(ada, `insert into public.log_tags values ($1, 'new')`, [made])
      // Twins, and more: what was accepted is accepted.
      await db.as(
        ada,
        `insert into public.sovereign_logs (user_id, category, content, metadata) values
          ($1, 'whatever', '', null), ($1, 'chat', 'twin', '{"messageId":"m2"}'),
          ($1, 'chat', 'long', jsonb_build_object('messageId', repeat('n', 100000)))`,
        [ada],
      )
      await db.as(
        ada,
        `insert into public.user_progress (user_id, compliance_streak, last_completed_date)
         values ($1, -9, '0044-03-15 BC')
         on conflict (user_id) do update set compliance_streak = excluded.compliance_streak,
           last_completed_date = excluded.last_completed_date`,
        [ada],
      )
      const [{ n }] = await db.as(ada, 'select count(*)::int as n from public.chat_messages')
      assert.ok(n > 4, 'the view still works')
    })

    test('a second insert of what is now unique updates the row', async () => {
      const insert = (
        /** @type {string} */ user,
        /** @type {string} */ columns,
        /** @type {any} */ v,
      ) =>
        db.as(
          user,
          `insert into public.astrology_data_cache (user_id, ${columns}) values ($1, ($2::text)::jsonb)`,
          [user, JSON.stringify(v)],
        )
      await insert(ada, 'transits', { day: 10 })
      const rows = await db.as(
        ada,
        'select id, natal_chart, transits from public.astrology_data_cache',
      )
      assert.deepEqual(rows, [{ id: id.charts[0], natal_chart: { sun: 1 }, transits: { day: 10 } }])
      await assert.rejects(
        db.as(
          ben,
          `insert into public.astrology_data_cache (user_id, transits) values ($1, '{}')`,
          [ada],
        ),
        { code: '42501' },
      )
    })

    test('a job may still insert rows without an owner, and give an orphan one', async () => {
      const insert = `insert into public.sovereign_logs (category, content) values ('chat', 'by a job')`
      await db.as(null, insert, [], 'service_role')
      assert.ok((await setAside()).some((a) => a.content.content === 'by a job'))
      await assert.rejects(
        db.as(
          ada,
          `insert into public.sovereign_logs (user_id, category, content)
          values (null, 'chat', 'x')`,
        ),
        { code: '42501' },
      )
      await db.as(
        null,
        'update public.sovereign_logs set user_id = $1 where id = $2',
        [ada, id.taggedOrphan],
        'service_role',
      )
      const { rows } = await newDevice(db, ada).pull()
      assert.ok(rows.sovereign_logs.some((l) => l.id === id.taggedOrphan))
    })

    test('a twin made later is collapsed an hour later, whatever refers to it', async () => {
      const device = newDevice(db, ada)
      await device.pull()
      const late = randomUUID()
      await db.as(
        ada,
        `insert into public.sovereign_logs (id, user_id, category, content, metadata)
         values ($1, $2, 'chat', 'the newest', '{"messageId":"m1"}')`,
        [late, ada],
      )
      await db.as(ada, `insert into public.log_tags values ($1, 'late')`, [late])
      await device.pull()
      assert.equal((await logs(id.m1[0], late)).length, 2)
      await db.admin(`update somatic_sync.twins set found_at = now() - interval '61 minutes'`)
      const { rows, tombstones } = await device.pull()
      assert.deepEqual(
        rows.sovereign_logs
          .filter((l) => l.metadata?.messageId === 'm1')
          .map((l) => [l.id, l.content]),
        [[id.m1[0], 'the newest']],
      )
      assert.ok(tombstones.some(([, gone]) => gone === late))
      const [{ n }] = await db.admin(
        'select count(*)::int as n from public.log_tags where log_id = $1',
        [id.m1[0]],
      )
      assert.equal(n, 1)
      assert.equal((await db.admin('select 1 from somatic_sync.twins')).length, 0)
    })

    test('keys: (user_id, id), and the id alone where something names rows by it', async () => {
      const keys = await db.admin(
        `select conrelid::regclass::text as name, pg_get_constraintdef(oid) as key from pg_constraint
         where contype = 'p' and conrelid::regclass::text = any ($1)`,
        [tables],
      )
      const alone = keys.filter((k) => k.key === 'PRIMARY KEY (id)').map((k) => k.name)
      assert.deepEqual(alone.sort(), ['achievements', 'sovereign_logs'])
      assert.equal(keys.filter((k) => k.key === 'PRIMARY KEY (user_id, id)').length, 6)
    })

    test('policies: ours for the app’s, and the project’s own', async () => {
      const policies = await db.admin(
        `select policyname from pg_policies where schemaname = 'public'
         and policyname not like 'own rows: %'`,
      )
      assert.deepEqual(policies, [{ policyname: 'Support reads flagged logs' }])
    })

    test('a later run makes good what could not be: now every log has an owner', async () => {
      await migrate(db)
      await assertNothingChanges()
      const [{ nullable }] = await db.admin(
        `select is_nullable as nullable from information_schema.columns
         where table_name = 'sovereign_logs' and column_name = 'user_id'`,
      )
      assert.equal(nullable, 'NO')
    })
  })
}
