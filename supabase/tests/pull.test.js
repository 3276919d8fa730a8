// Pulls: pages, echo, tombstones, the cursor; and when a device has to start again.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { log, mutation, newDevice, newUser, openPglite } from './support.js'

/** @typedef {import('./support.js').Row} Row */

describe('pull', () => {
  /** @type {import('./support.js').Backend} */
  let db
  before(async () => {
    db = await openPglite()
  })
  after(() => db.close())

  const device = async () => newDevice(db, await newUser(db))

  test('what a request wrote is not echoed, except from cursor 0', async () => {
    const my = await device()
    const first = await my.sync({ push: [log('a')] })
    assert.equal(first.rows.sovereign_logs.length, 1)

    const second = await my.sync({ cursor: first.cursor, push: [log('b'), log('c')] })
    assert.deepEqual(second.rows, {})
    assert.equal(
      second.cursor,
      Math.max(...second.answers.map((/** @type {Row} */ a) => a.version)),
    )
    assert.equal(second.more, false)
    const idle = await my.sync({ cursor: second.cursor })
    assert.deepEqual([idle.rows, idle.tombstones, idle.cursor], [{}, [], second.cursor])
  })

  test('a row that another device changed comes along with an increment of mine', async () => {
    const my = await device()
    const other = newDevice(db, my.user)
    const id = randomUUID()
    await my.push(mutation('achievements', id, { set: { achievement_id: 'a' } }))
    const { cursor } = await my.sync()
    const [row] = (await other.pull()).rows.achievements
    await other.push(mutation('achievements', id, { base: row.version, set: { unlocked: true } }))

    const answer = await my.sync({
      cursor,
      push: [mutation('achievements', id, { base: row.version, set: {}, inc: { progress: 1 } })],
    })

    assert.deepEqual(answer.answers[0].changed, { progress: 1 })
    const [mine] = answer.rows.achievements
    assert.deepEqual([mine.unlocked, mine.progress], [true, 1])
    assert.equal(mine.version, answer.answers[0].version)
  })

  test('pages are cut in version order over all tables and tombstones', async () => {
    const my = await device()
    const deleted = log('gone')
    const [made] = await my.push(deleted)
    /** @type {[string, string][]} */
    const want = []
    for (let i = 0; i < 10; i++) {
      const entry = log(`${i}`)
      const award = mutation('achievements', randomUUID(), { set: { achievement_id: `${i}` } })
      await my.push(entry)
      await my.push(award)
      want.push(['sovereign_logs', entry.id], ['achievements', award.id])
      if (i === 4) {
        await my.push(mutation('sovereign_logs', deleted.id, { base: made.version, del: true }))
        want.push(['gone', deleted.id])
      }
    }
    /** @type {[string, string][]} */
    const got = []
    let cursor = 0
    for (let more = true; more; ) {
      const page = await my.sync({ cursor, limit: 4 })
      /** @type {[number, string, string][]} */
      const some = page.tombstones.map((/** @type {any[]} */ t) => [t[2], 'gone', t[1]])
      for (const [table, rows] of Object.entries(page.rows)) {
        const versions = rows.map((/** @type {Row} */ r) => r.version)
        assert.deepEqual(
          versions,
          [...versions].sort((a, b) => a - b),
        )
        for (const row of rows) some.push([row.version, table, row.id])
      }
      some.sort((a, b) => a[0] - b[0])
      assert.ok(some.length <= 4 && some.length > 0)
      assert.ok(some[0][0] > cursor)
      assert.equal(page.cursor, some[some.length - 1][0])
      got.push(...some.map(([, table, id]) => /** @type {[string, string]} */ ([table, id])))
      ;({ cursor, more } = page)
    }
    assert.deepEqual(got, want)
  })

  test('limit 0 answers no rows, keeps the cursor and says whether there is more', async () => {
    const my = await device()
    const answer = await my.sync({ limit: 0, push: [log('a')] })
    assert.deepEqual([answer.rows, answer.cursor, answer.more], [{}, 0, true])
    const { cursor } = await my.sync()
    const mine = await my.sync({ cursor, limit: 0, push: [log('b')] })
    assert.deepEqual([mine.cursor, mine.more], [cursor, false])
    await newDevice(db, my.user).push(log('c'))
    assert.equal((await my.sync({ cursor, limit: 0 })).more, true)
  })

  test('own rows beyond a cut page come again rather than get lost', async () => {
    const my = await device()
    const { cursor } = await my.sync({ push: [log('a')] })
    const other = newDevice(db, my.user)
    for (let i = 0; i < 5; i++) await other.push(log(`${i}`))
    const page = await my.sync({ cursor, limit: 2, push: [log('mine')] })
    assert.deepEqual([page.rows.sovereign_logs.length, page.more], [2, true])
    const rest = await my.sync({ cursor: page.cursor })
    assert.deepEqual(
      rest.rows.sovereign_logs.map((/** @type {Row} */ r) => r.content),
      ['2', '3', '4', 'mine'],
    )
  })

  test('a row has all its columns but user_id and updated_at', async () => {
    const my = await device()
    await my.push(log('a'))
    const [row] = (await my.pull()).rows.sovereign_logs
    assert.deepEqual(Object.keys(row).sort(), [
      'category',
      'clocks',
      'content',
      'created_at',
      'id',
      'metadata',
      'version',
    ])
    assert.match(row.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$/)
  })

  test('a deletion reaches other devices, a row made again takes its tombstone away', async () => {
    const my = await device()
    const other = newDevice(db, my.user)
    const entry = log('a')
    const [made] = await my.push(entry)
    await other.pull()
    const [gone] = await my.push(
      mutation('sovereign_logs', entry.id, { base: made.version, del: true }),
    )
    const pulled = await other.pull()
    assert.deepEqual(
      pulled.tombstones.map((/** @type {any[]} */ t) => t.slice(0, 3)),
      [['sovereign_logs', entry.id, gone.version]],
    )
    await my.push({ ...log('b'), id: entry.id, base: gone.version })
    const again = await other.pull()
    assert.deepEqual([again.tombstones, again.rows.sovereign_logs[0].content], [[], 'b'])
  })

  test('nobody pulls the rows of another', async () => {
    const my = await device()
    await my.push(log('secret'))
    assert.deepEqual((await (await device()).pull()).rows, {})
  })

  // --- Resync ------------------------------------------------------------------------------------

  /** @param {Row} answer @param {string} why */
  const assertResync = (answer, why) => {
    assert.equal(answer.resync, why)
    assert.deepEqual(Object.keys(answer).sort(), ['epoch', 'now', 'protocol', 'resync'])
  }

  test('another epoch, a cursor beyond the head, an unknown last: start again', async () => {
    const my = await device()
    const { epoch, cursor } = await my.sync({ push: [log('a')] })
    const push = [log('not to be applied')]
    assertResync(await my.sync({ epoch: randomUUID(), push }), 'epoch')
    assertResync(await my.sync({ epoch, cursor: cursor + 1e9, push }), 'restored')
    assertResync(await my.sync({ epoch, cursor, last: randomUUID(), push }), 'restored')
    assert.equal((await my.pull()).rows.sovereign_logs.length, 1)
    const [{ count }] = await db.admin(
      'select count(*)::int from somatic_sync.ledger where user_id = $1',
      [my.user],
    )
    assert.equal(count, 1)
  })

  test('new_epoch() makes every device start again', async () => {
    const my = await device()
    const { epoch } = await my.sync()
    await db.admin('select somatic_sync.new_epoch()')
    assertResync(await my.sync({ epoch }), 'epoch')
    assert.equal((await my.sync({ epoch: null })).resync, undefined)
  })

  test('last is known from the ledger, and for good once it was sent', async () => {
    const my = await device()
    const sent = log('a')
    const { cursor } = await my.sync({ push: [sent] })
    assert.equal((await my.sync({ cursor, last: sent.mid, acks: [sent.mid] })).resync, undefined)

    await db.admin(
      `update somatic_sync.ledger set acked_at = now() - interval '8 days' where user_id = $1`,
      [my.user],
    )
    const next = log('b')
    await my.sync({ cursor, last: sent.mid, push: [next] })
    const mids = await db.admin('select mid from somatic_sync.ledger where user_id = $1', [my.user])
    assert.deepEqual(mids, [{ mid: next.mid }])
    // The answer to b was lost: the device comes back with the one before it.
    assert.equal((await my.sync({ cursor, last: sent.mid })).resync, undefined)
    assertResync(await newDevice(db, my.user).sync({ last: sent.mid }), 'restored')
    // A context that slept through all of it has no last at all: its retries could count twice.
    assertResync(await my.sync({ cursor, push: [sent] }), 'restored')
  })

  test('what was not acknowledged stays in the ledger', async () => {
    const my = await device()
    const sent = log('a')
    await my.push(sent)
    await db.admin(
      `update somatic_sync.ledger set applied_at = now() - interval '2 years' where user_id = $1`,
      [my.user],
    )
    await my.push(log('b'))
    assert.equal((await my.push(sent))[0].status, 'duplicate')
  })

  test('a cursor that forgotten tombstones no longer reach: start again', async () => {
    const my = await device()
    await my.push(log('older than the deletion'))
    const entry = log('a')
    const [made] = await my.push(entry)
    const { cursor: before } = await my.sync()
    await my.push(mutation('sovereign_logs', entry.id, { base: made.version, del: true }))
    const { cursor: behind } = await my.sync()
    await db.admin(
      `update somatic_sync.tombstones set deleted_at = now() - interval '401 days'
       where user_id = $1`,
      [my.user],
    )
    await my.sync({ cursor: before, limit: 0, push: [log('has not seen the deletion yet')] })
    assert.equal((await my.sync({ cursor: before })).tombstones.length, 1)
    await my.sync({ cursor: behind, limit: 0, push: [log('b')] })
    assertResync(await my.sync({ cursor: before }), 'horizon')
    assert.equal((await my.sync({ cursor: behind })).resync, undefined)

    // Whoever begins after that pages from 0 past versions below the horizon.
    const fresh = newDevice(db, my.user)
    const first = await fresh.sync({ limit: 1 })
    assert.ok(first.more && first.cursor < behind)
    assert.ok(first.horizon > first.cursor && first.horizon <= behind)
    const second = await fresh.sync({ cursor: first.cursor, horizon: first.horizon, limit: 1 })
    assert.equal(second.resync, undefined)
    assert.equal((await my.sync({ cursor: 0 })).resync, undefined)
  })
})
