// What happens to a mutation: every row of that table in docs/protocol.md, and what follows from it
// for keys, ids and increments.
// Runs on PGlite and, where it is installed, on a bare PostgreSQL.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { hasPostgres } from './postgres.js'
import { log, mutation, newDevice, newUser, openPglite, openPostgres } from './support.js'

/** @typedef {import('./support.js').Row} Row */

for (const open of [openPglite, ...(hasPostgres ? [openPostgres] : [])]) {
  describe(`mutations: ${open.name}`, () => {
    /** @type {import('./support.js').Backend} */
    let db
    before(async () => {
      db = await open()
    })
    after(() => db.close())

    const device = async () => newDevice(db, await newUser(db))

    // --- Identities: rows of older app versions have random ids ------------------------------------

    const entry = (/** @type {string} */ content, /** @type {Row} */ ids) =>
      mutation('sovereign_logs', randomUUID(), {
        set: { category: 'journal', content, metadata: { ...ids, mood: 'calm' } },
      })

    test('a new row with the app id of another: a conflict with that one', async () => {
      const my = await device()
      const first = entry('first', { journalId: 'j1' })
      await my.push(first)
      const [second, stranger, none] = await my.push(
        entry('second', { journalId: 'j1' }),
        entry('another place', { messageId: 'j1' }),
        entry('no id', { journalId: '' }),
      )
      assert.deepEqual([second.status, second.row.id], ['conflict', first.id])
      assert.equal(second.row.content, 'first')
      assert.deepEqual([stranger.status, none.status], ['applied', 'applied'])
      assert.equal(
        (await (await device()).push(entry('of another', { journalId: 'j1' })))[0].status,
        'applied',
      )
    })

    test('two of one push: the second is a conflict with the first', async () => {
      const my = await device()
      const sent = [entry('first', { entryId: 'e1' }), entry('second', { entryId: 'e1' })]
      const [first, second] = await my.push(...sent)
      assert.equal(first.status, 'applied')
      assert.deepEqual([second.status, second.row.id], ['conflict', sent[0].id])
      assert.deepEqual(
        (await my.push(...sent)).map((a) => a.status),
        ['duplicate', 'conflict'],
      )
    })

    test('an edit of a row that went, but has a twin, meets the twin', async () => {
      const my = await device()
      const [one, two] = [entry('one', { feedbackId: 'f1' }), entry('two', { feedbackId: 'f1' })]
      await my.push(one)
      const [{ row }] = await my.push(two)
      assert.equal(row.id, one.id)
      const edit = { base: 1, set: { content: 'edited', metadata: { feedbackId: 'f1' } } }
      const [answer] = await my.push(mutation('sovereign_logs', two.id, edit))
      assert.deepEqual([answer.status, answer.row.id], ['conflict', one.id])
    })

    test('of twins that were there before, the oldest is met', async () => {
      const my = await device()
      const [older, newer] = [randomUUID(), randomUUID()].sort().reverse()
      await db.admin(
        `insert into public.sovereign_logs (user_id, id, category, content, metadata, created_at)
         values ($1, $2, 'chat', 'newer', '{"messageId": "m1"}', '2026-02-01'),
                ($1, $3, 'chat', 'older', '{"messageId": "m1"}', '2026-01-01')`,
        [my.user, newer, older],
      )
      const [answer] = await my.push(entry('new app', { messageId: 'm1' }))
      assert.deepEqual([answer.status, answer.row.content], ['conflict', 'older'])
      const [edit] = await my.push(
        mutation('sovereign_logs', newer, { base: 0, set: { content: 'still its own row' } }),
      )
      assert.equal(edit.row.id, newer)
    })

    // --- The table -------------------------------------------------------------------------------
    // given: what is there. push: what comes, from the stored row's id and version. want: the answer
    // without mid; then the value stored in the end, null for no row.
    const set = (/** @type {string} */ key) => ({ set: { achievement_id: key, progress: 5 } })
    const inc = { set: {}, inc: { progress: 5 } }
    const incKey = (/** @type {string} */ key) => ({ ...inc, set: { achievement_id: key } })
    const del = { set: undefined, del: true }
    const other = randomUUID()
    const gone = ['version', 'clock']

    // biome-ignore format: a table
    /** @type {[string, 'stored' | 'tombstone' | 'none', (row: Row) => Row, Row, number | null][]} */
    const cases = [
      ['stored, base = version, set', 'stored', (r) => ({ base: r.version, set: { progress: 7 } }),
        { status: 'applied' }, 7],
      ['stored, base = version, inc', 'stored', (r) => ({ base: r.version, ...inc }),
        { status: 'applied', changed: { progress: 8 } }, 8],
      ['stored, base = version, del', 'stored', (r) => ({ base: r.version, ...del }),
        { status: 'applied' }, null],
      ['stored, other base, pure increment', 'stored', (r) => ({ base: r.version - 1, ...inc }),
        { status: 'applied', changed: { progress: 8 } }, 8],
      ['stored, no base, pure increment', 'stored', () => ({ ...inc }),
        { status: 'applied', changed: { progress: 8 } }, 8],
      ['stored, no base, pure increment with the key', 'stored', () => incKey('k'),
        { status: 'applied', changed: { progress: 8 } }, 8],
      ['stored, other base, set', 'stored', (r) => ({ base: r.version - 1, set: { progress: 7 } }),
        { status: 'conflict', row: 3 }, 3],
      ['stored, other base, set and inc', 'stored',
        (r) => ({ base: r.version - 1, set: { unlocked: true }, inc: { progress: 1 } }),
        { status: 'conflict', row: 3 }, 3],
      ['stored, no base, set', 'stored', () => set('k'), { status: 'conflict', row: 3 }, 3],
      ['stored, other base, del', 'stored', (r) => ({ base: r.version - 1, ...del }),
        { status: 'conflict', row: 3 }, 3],
      ['stored, no base, del', 'stored', () => del, { status: 'conflict', row: 3 }, 3],
      ['same key, other id, pure increment', 'stored', () => ({ id: other, ...incKey('k') }),
        { status: 'applied', changed: { progress: 8, id: 'stored' } }, 8],
      ['same key, other id, pure increment with a base', 'stored',
        () => ({ id: other, base: 1, ...incKey('k') }),
        { status: 'applied', changed: { progress: 8, id: 'stored' } }, 8],
      ['same key, other id, set', 'stored', () => ({ id: other, ...set('k') }),
        { status: 'conflict', row: 3 }, 3],
      ['same key, other id, set with a base', 'stored', () => ({ id: other, base: 1, ...set('k') }),
        { status: 'conflict', row: 3 }, 3],
      ['tombstone, no base, set', 'tombstone', () => set('k'), { status: 'applied' }, 5],
      ['tombstone, no base, increment', 'tombstone', () => incKey('k'), { status: 'applied' }, 5],
      ['tombstone, its version, set', 'tombstone', (r) => ({ base: r.version, ...set('k') }),
        { status: 'applied' }, 5],
      ['tombstone, other base, set', 'tombstone', (r) => ({ base: r.version - 1, ...set('k') }),
        { status: 'conflict', gone }, null],
      ['tombstone, other base, inc', 'tombstone', (r) => ({ base: r.version - 1, ...incKey('k') }),
        { status: 'conflict', gone }, null],
      ['tombstone, other base, del', 'tombstone', (r) => ({ base: r.version - 1, ...del }),
        { status: 'applied', version: 'stored' }, null],
      ['none, no base, set', 'none', () => set('k'), { status: 'applied' }, 5],
      ['none, no base, increment with the key', 'none', () => incKey('k'),
        { status: 'applied' }, 5],
      ['none, del', 'none', () => ({ base: 4, ...del }), { status: 'applied', version: 0 }, null],
      ['none, base, set', 'none', () => ({ base: 4, ...set('k') }), { status: 'conflict' }, null],
      ['none, base, increment', 'none', () => ({ base: 4, ...incKey('k') }),
        { status: 'conflict' }, null],
      ['none, an insert a constraint refuses', 'none', () => ({ set: { progress: 1 } }),
        { status: 'rejected', code: '23502' }, null],
      ['stored, an update a type refuses', 'stored',
        (r) => ({ base: r.version, set: { progress: 'much' } }),
        { status: 'rejected', code: '22P02' }, 3],
    ]

    for (const [name, given, push, want, value] of cases) {
      test(name, async () => {
        const my = await device()
        const id = randomUUID()
        /** @type {Row} */
        let row = { id, version: 0 }
        if (given !== 'none') {
          const [made] = await my.push(
            mutation('achievements', id, { set: { achievement_id: 'k', progress: 3 } }),
          )
          row = { id, version: made.version }
        }
        if (given === 'tombstone') {
          const [deleted] = await my.push(
            mutation('achievements', id, { base: row.version, del: true }),
          )
          row.version = deleted.version
        }

        const sent = { ...mutation('achievements', id, {}), ...push(row) }
        const [answer] = await my.push(sent)

        assert.equal(answer.mid, sent.mid)
        assert.equal(answer.status, want.status, JSON.stringify(answer))
        if (want.code) assert.equal(answer.code, want.code)
        assert.equal(answer.row?.progress, want.row)
        if (want.row) assert.equal(answer.row.id, id)
        if (want.row) assert.equal('user_id' in answer.row || 'updated_at' in answer.row, false)
        if (want.gone) {
          assert.equal(answer.gone[0], row.version)
          assert.match(answer.gone[1], /^\d{13}-[0-9a-f]{4}-[0-9a-f]{8}$/)
        } else assert.equal('gone' in answer, false)
        if (want.version !== undefined) {
          assert.equal(answer.version, want.version === 'stored' ? row.version : want.version)
        } else if (want.status === 'applied') assert.ok(answer.version > row.version)
        if (want.changed) {
          const { id: reached, progress } = answer.changed
          assert.equal(progress, want.changed.progress)
          assert.equal(reached, want.changed.id && id)
        }

        const stored = await db.admin(
          'select progress from public.achievements where user_id = $1',
          [my.user],
        )
        assert.deepEqual(
          stored.map((r) => r.progress),
          value === null ? [] : [value],
        )

        // Whatever was applied is in the ledger: again, it changes nothing. What was not may be
        // tried again and gets the same answer.
        const [again] = await my.push(sent)
        assert.equal(again.status, want.status === 'applied' ? 'duplicate' : want.status)
        if (again.status === 'duplicate') {
          assert.equal(again.version, answer.version)
          if (value === null) assert.equal(again.gone.length, 2)
          else assert.equal(again.row.progress, value)
        }
        const after = await db.admin(
          'select progress from public.achievements where user_id = $1',
          [my.user],
        )
        assert.deepEqual(after, stored)

        // A row that is there has no tombstone.
        const [{ both }] = await db.admin(
          `select count(*)::int as both from somatic_sync.tombstones t
           join public.achievements a on a.user_id = t.user_id and a.id = t.id
           where t.user_id = $1`,
          [my.user],
        )
        assert.equal(both, 0)
      })
    }

    test('rows with one per user are found without a key', async () => {
      const my = await device()
      const first = randomUUID()
      await my.push(mutation('user_progress', first, { set: {}, inc: { total_completions: 1 } }))

      const [counted, refused] = await my.push(
        mutation('user_progress', randomUUID(), { set: {}, inc: { total_completions: 1 } }),
        mutation('user_progress', randomUUID(), { set: { total_completions: 9 } }),
      )

      assert.equal(counted.status, 'applied')
      assert.deepEqual([counted.changed.id, counted.changed.total_completions], [first, 2])
      assert.equal(refused.status, 'conflict')
      assert.deepEqual([refused.row.id, refused.row.total_completions], [first, 2])
    })

    test('rows without a natural key are known by id alone', async () => {
      const my = await device()
      const entry = log('a')
      const [absent] = await my.push({ ...entry, base: 4 })
      assert.deepEqual(absent, { mid: entry.mid, status: 'conflict' })
      const answers = await my.push(entry, log('a'))
      assert.deepEqual(
        answers.map((a) => a.status),
        ['applied', 'applied'],
      )
      const [gone] = await my.push(
        mutation('sovereign_logs', entry.id, { base: answers[0].version, del: true }),
      )
      const [late] = await my.push(
        mutation('sovereign_logs', entry.id, { base: answers[0].version, set: { content: 'b' } }),
      )
      assert.deepEqual([late.status, late.gone[0]], ['conflict', gone.version])
    })

    test('two increments of one row under two ids both count', async () => {
      const my = await device()
      await my.push(
        mutation('achievements', randomUUID(), { set: { achievement_id: 'a', progress: 1 } }),
      )
      const answers = await my.push(
        ...[1, 2, 3].map(() =>
          mutation('achievements', randomUUID(), {
            set: { achievement_id: 'a' },
            inc: { progress: 10 },
          }),
        ),
      )
      assert.deepEqual(
        answers.map((a) => a.status),
        ['applied', 'applied', 'applied'],
      )
      assert.deepEqual(
        answers.map((a) => a.changed.progress),
        [11, 21, 31],
      )
    })

    test('increments of many devices add up', async () => {
      const my = await device()
      const id = randomUUID()
      const devices = [my, newDevice(db, my.user), newDevice(db, my.user)]
      for (const each of [...devices, ...devices]) {
        const [answer] = await each.push(
          mutation('user_progress', id, { set: {}, inc: { total_completions: 1 } }),
        )
        assert.equal(answer.status, 'applied')
      }
      const [row] = (await my.pull()).rows.user_progress
      assert.equal(row.total_completions, 6)
    })

    test('set and inc of one row are one compare-and-swap', async () => {
      const my = await device()
      const id = randomUUID()
      const days = (/** @type {string} */ last) => ({ completed_days: [['2026-11-01', last]] })
      const [made] = await my.push(
        mutation('user_progress', id, {
          set: days('2026-11-02'),
          inc: { total_completions: 2 },
        }),
      )
      const [stale] = await my.push(
        mutation('user_progress', id, {
          base: made.version - 1,
          set: days('2026-11-03'),
          inc: { total_completions: 1 },
        }),
      )
      assert.equal(stale.status, 'conflict')
      assert.equal(stale.row.total_completions, 2)
      const [good] = await my.push(
        mutation('user_progress', id, {
          base: made.version,
          set: days('2026-11-03'),
          inc: { total_completions: 1 },
        }),
      )
      assert.deepEqual(good.changed, {
        total_completions: 3,
        compliance_streak: 3,
        last_completed_date: '2026-11-03',
      })
    })
  })
}
