// A push as a whole (one bad row, malformed mutations and requests, size) and what its answers say
// about values, clocks and deletions.
// Runs on PGlite and, where it is installed, on a bare PostgreSQL.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { hasPostgres } from './postgres.js'
import { clockAt, log, mutation, newDevice, newUser, openPglite, openPostgres } from './support.js'

/** @typedef {import('./support.js').Row} Row */

for (const open of [openPglite, ...(hasPostgres ? [openPostgres] : [])]) {
  describe(`push: ${open.name}`, () => {
    /** @type {import('./support.js').Backend} */
    let db
    before(async () => {
      db = await open()
    })
    after(() => db.close())

    const device = async () => newDevice(db, await newUser(db))

    test('a bad row among 300 is rejected alone', async () => {
      const my = await device()
      const push = Array.from({ length: 300 }, (_, i) => log(`entry ${i}`))
      push[137].set.content = null
      const answers = await my.push(...push)
      assert.deepEqual(
        answers.map((a) => a.mid),
        push.map((m) => m.mid),
      )
      assert.equal(answers.filter((a) => a.status === 'applied').length, 299)
      assert.equal(answers[137].status, 'rejected')
      assert.equal(answers[137].code, '23502')
      assert.match(answers[137].message, /content/)
      assert.equal((await my.pull()).rows.sovereign_logs.length, 299)
      const failures = await db.admin(
        'select table_name, code, count::int as count from somatic_sync.failures where user_id = $1',
        [my.user],
      )
      assert.deepEqual(failures, [{ table_name: 'sovereign_logs', code: '23502', count: 1 }])
    })

    test('what operators read about failures holds no content', async () => {
      const my = await device()
      await my.push(
        mutation('achievements', randomUUID(), {
          set: { achievement_id: 'a', progress: 'my secret' },
        }),
      )
      const [failure] = await db.admin('select * from somatic_sync.failures where user_id = $1', [
        my.user,
      ])
      assert.equal(failure.code, '22P02')
      assert.doesNotMatch(JSON.stringify(failure), /secret/)
    })

    test('2,500 rows in one push, in three pages of 1,000', async () => {
      const my = await device()
      const push = Array.from({ length: 2500 }, (_, i) => log(`entry ${i}`))
      const answers = await my.push(...push)
      assert.equal(answers.filter((a) => a.status === 'applied').length, 2500)
      const versions = new Set()
      const pages = []
      for (let cursor = 0, more = true; more; ) {
        const page = await my.sync({ cursor, limit: 1000 })
        for (const row of page.rows.sovereign_logs) versions.add(row.version)
        pages.push(page.rows.sovereign_logs.length)
        ;({ cursor, more } = page)
      }
      assert.deepEqual(pages, [1000, 1000, 500])
      assert.equal(versions.size, 2500)
    })

    // biome-ignore format: a table
    /** @type {[string, (m: Row) => void, string][]} */
    const malformed = [
      ['mid', (m) => { m.mid = 'x' }, '22P02'],
      ['id', (m) => { m.id = 7 }, '22P02'],
      ['table', (m) => { m.table = 'no_such' }, '42P01'],
      ['a table outside', (m) => { m.table = 'users' }, '42P01'],
      ['base', (m) => { m.base = 'x' }, '22023'],
      ['negative base', (m) => { m.base = -1 }, '22023'],
      ['del', (m) => { m.del = 'yes' }, '22023'],
      ['del with set', (m) => { m.del = true }, '22023'],
      ['set', (m) => { m.set = [1] }, '22023'],
      ['column', (m) => { m.set.nope = 1 }, '42703'],
      ['column in inc', (m) => { m.inc = { nope: 1 } }, '42703'],
      ['user_id', (m) => { m.set.user_id = randomUUID() }, '42501'],
      ['version', (m) => { m.set.version = 1 }, '42501'],
      ['updated_at', (m) => { m.set.updated_at = '2020-01-01' }, '42501'],
      ['clocks in set', (m) => { m.set.clocks = {} }, '42501'],
      ['id in set', (m) => { m.set.id = randomUUID() }, '42501'],
      ['set and inc of one column', (m) => { m.set.progress = 1; m.inc = { progress: 1 } }, '42701'],
      ['fraction', (m) => { m.inc = { progress: 1.5 } }, '22023'],
      ['text as increment', (m) => { m.inc = { progress: '1' } }, '22023'],
      ['overflow', (m) => { m.inc = { progress: 3e9 } }, '22003'],
      ['inc of text', (m) => { m.set = {}; m.inc = { achievement_id: 1 } }, '42804'],
      ['clock', (m) => { m.clocks = { '*': 'yesterday' } }, '22023'],
    ]
    test('a malformed mutation is rejected, and nothing else', async () => {
      const my = await device()
      for (const [name, spoil, code] of malformed) {
        const id = randomUUID()
        const bad = mutation('achievements', id, { set: { achievement_id: name } })
        if (name === 'inc of text') {
          const [made] = await my.push(
            mutation('achievements', id, { set: { achievement_id: 'text' } }),
          )
          bad.base = made.version
        }
        spoil(bad)
        const good = log(name)
        const [refused, applied] = await my.push(bad, good)
        assert.equal(refused.status, 'rejected', name)
        assert.equal(refused.code, code, `${name}: ${refused.message}`)
        assert.equal(refused.mid, bad.mid)
        assert.equal(typeof refused.message, 'string')
        assert.equal(applied.status, 'applied', name)
      }
      const answers = await my.push(/** @type {any} */ (7), /** @type {any} */ (null), log('x'))
      assert.deepEqual(
        answers.map((a) => a.status),
        ['rejected', 'rejected', 'applied'],
      )
    })

    test('the second mutation of one row in a push is rejected', async () => {
      const my = await device()
      const first = log('one')
      const second = { ...log('two'), id: first.id }
      const third = { ...log('three'), mid: first.mid }
      const answers = await my.push(first, second, third)
      assert.deepEqual(
        answers.map((a) => a.code ?? a.status),
        ['applied', '21000', '21000'],
      )
    })

    test('a request that is not one fails as a whole', async () => {
      const my = await device()
      for (const [request, code] of /** @type {[Row, string][]} */ ([
        [{ push: {} }, '22023'],
        [{ push: Array(5001).fill(0) }, '22023'],
        [{ device: 'x' }, '22023'],
        [{ cursor: -1 }, '22023'],
        [{ cursor: null }, '22023'],
        [{ limit: 'all' }, '22023'],
        [{ last: 'x' }, '22023'],
      ])) {
        await assert.rejects(my.sync(request), { code }, JSON.stringify(request).slice(0, 80))
      }
      const { error, ...rest } = await my.sync({ protocol: 2, push: [log('x')] })
      assert.equal(error.code, 'protocol')
      assert.deepEqual(Object.keys(rest).sort(), ['epoch', 'now', 'protocol'])
      await assert.rejects(newDevice(db, '').sync(), { code: '42501' })
    })

    // --- What an answer says ---------------------------------------------------------------------

    test('changed names every column that is not as sent', async () => {
      const my = await device()
      const [made] = await my.push(
        mutation('health_metrics_history', randomUUID(), {
          set: {
            date: '2026-11-22',
            sleep_hours: 7.456,
            walking_asymmetry: 1.5,
            synced_at: '2026-11-22T23:25:00.12+00:00',
          },
        }),
      )
      assert.deepEqual(made.changed, { sleep_hours: 7.46 })

      const [other] = await my.push(
        mutation('health_metrics_history', randomUUID(), {
          set: { date: '20261123', synced_at: '2026-11-22T23:25:00.12Z' },
        }),
      )
      assert.deepEqual(other.changed, {
        date: '2026-11-23',
        synced_at: '2026-11-22T23:25:00.12+00:00',
      })
    })

    test("the writer's row after its push is the row on a fresh device", async () => {
      const my = await device()
      const clock = my.clock()
      const sets = {
        achievements: { achievement_id: 'a', unlocked_date: '2026-01-02' },
        daily_attunements: {
          date: '2026-11-22',
          insightful_question: 'q',
          synthesized_answer: 'a',
        },
        health_metrics_history: { date: '2026-11-22', sleep_hours: 7.999 },
        user_progress: {
          completed_days: [
            ['2026-11-03', '2026-11-03'],
            ['2026-11-01', '2026-11-02'],
          ],
        },
      }
      for (const [table, set] of Object.entries(sets)) {
        const sent = mutation(table, randomUUID(), { set, clocks: { '*': clock } })
        const [answer] = await my.push(sent)
        const expected = {
          ...set,
          clocks: sent.clocks,
          id: sent.id,
          version: answer.version,
          ...answer.changed,
        }
        const [row] = (await newDevice(db, my.user).pull()).rows[table]
        const nulls = Object.keys(row).filter((name) => row[name] === null)
        assert.deepEqual(row, { ...Object.fromEntries(nulls.map((n) => [n, null])), ...expected })

        const edit = mutation(table, sent.id, {
          base: answer.version,
          set: Object.fromEntries(Object.entries(set).slice(-1)),
          clocks: { '*': my.clock(5) },
        })
        const [edited] = await my.push(edit)
        assert.equal(edited.status, 'applied')
      }
    })

    test('clocks: kept, spread over the columns of an update, cut when far ahead', async () => {
      const my = await device()
      const id = randomUUID()
      const past = my.clock(-5000)
      const [made] = await my.push(
        mutation('achievements', id, {
          set: { achievement_id: 'a' },
          clocks: { '*': past },
        }),
      )
      const later = my.clock()
      const [edited] = await my.push(
        mutation('achievements', id, {
          base: made.version,
          set: { unlocked: true },
          inc: { progress: 1 },
          clocks: { '*': later },
        }),
      )
      assert.deepEqual(edited.changed, { progress: 1 })
      let [row] = (await my.pull()).rows.achievements
      assert.deepEqual(row.clocks, { '*': past, unlocked: later, progress: later })

      const ahead = clockAt(Date.now() + 3_600_000, my.id)
      const [cut] = await my.push(
        mutation('achievements', id, {
          base: edited.version,
          set: { unlocked: false },
          clocks: { unlocked: ahead },
        }),
      )
      ;[row] = (await my.pull()).rows.achievements
      assert.deepEqual(cut.changed.clocks, row.clocks)
      const ms = Number(row.clocks.unlocked.slice(0, 13))
      assert.ok(Math.abs(ms - Date.now() - 60_000) < 5000)
      assert.equal(row.clocks.unlocked.slice(13), ahead.slice(13))

      // A counter keeps the newer of two clocks, since its increment needs no base.
      const [old] = await my.push(
        mutation('achievements', id, {
          set: {},
          inc: { progress: 1 },
          clocks: { '*': past },
        }),
      )
      assert.equal(old.changed.clocks.progress, later)
      const [both] = await my.push(
        mutation('achievements', id, {
          base: old.version,
          set: { unlocked: true },
          inc: { progress: 1 },
          clocks: { unlocked: my.clock(), progress: past },
        }),
      )
      assert.equal(both.changed.clocks.progress, later)

      const [bare] = await my.push(
        mutation('achievements', id, {
          base: both.version,
          set: { unlocked: false },
          clocks: {},
        }),
      )
      assert.match(bare.changed.clocks.unlocked, /-00000000$/)

      // What it does not write it cannot date; the writer is told what is stored.
      const [stray] = await my.push(
        mutation('achievements', id, {
          base: bare.version,
          set: { unlocked: true },
          clocks: { unlocked: my.clock(), unlocked_date: my.clock(), id: my.clock() },
        }),
      )
      ;[row] = (await my.pull()).rows.achievements
      assert.deepEqual(stray.changed, { clocks: row.clocks })
      assert.deepEqual(Object.keys(row.clocks).sort(), ['*', 'progress', 'unlocked'])
    })

    test("the clock of a deletion is the device's", async () => {
      const my = await device()
      const entry = log('x')
      const [made] = await my.push(entry)
      const clock = my.clock(-9000)
      const [deleted] = await my.push(
        mutation('sovereign_logs', entry.id, {
          base: made.version,
          del: true,
          clocks: { '*': clock },
        }),
      )
      const { tombstones } = await my.pull()
      assert.deepEqual(tombstones, [['sovereign_logs', entry.id, deleted.version, clock]])
    })

    test('JSON goes through untouched: __proto__, emoji, deep, numbers', async () => {
      const my = await device()
      const text =
        '{"__proto__":{"a":[1,{"constructor":null}]},"\u{1F9D8}":"\u{1F331} \\u0001","n":1.10}'
      const entry = mutation('sovereign_logs', randomUUID(), {
        set: {
          category: 'chat',
          content: '\u{1F9D8}\u200D\u2640\uFE0F "quoted" \\ line\nbreak',
          metadata: JSON.parse(text),
        },
      })
      const [made] = await my.push(entry)
      assert.deepEqual(Object.keys(made.changed), ['created_at'])
      const [row] = (await my.pull()).rows.sovereign_logs
      assert.equal(row.content, entry.set.content)
      assert.equal(Object.hasOwn(row.metadata, '__proto__'), true)
      assert.deepEqual(row.metadata, JSON.parse(text))

      const [proto] = await my.push(
        JSON.parse(
          JSON.stringify(mutation('sovereign_logs', randomUUID(), {})).replace(
            '{"mid"',
            '{"set":{"__proto__":1},"mid"',
          ),
        ),
      )
      assert.equal(proto.code, '42703')
    })
  })
}
