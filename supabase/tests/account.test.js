// Leaving: delete_account() and the deletion of the auth user.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { log, mutation, newDevice, newUser, openPglite } from './support.js'

describe('account', () => {
  /** @type {import('./support.js').Backend} */
  let db
  before(async () => {
    db = await openPglite()
  })
  after(() => db.close())

  /** @param {string} user @returns {Promise<Record<string, number>>} rows left, by table */
  async function left(user) {
    const tables = await db.admin(`
      select 'public.' || table_name as name from somatic_sync.collections
      union all select 'somatic_sync.' || t
      from unnest('{tombstones,ledger,devices,failures,set_aside,twins}'::text[]) t`)
    /** @type {Record<string, number>} */
    const counts = {}
    for (const { name } of tables) {
      const [{ n }] = await db.admin(`select count(*)::int as n from ${name} where user_id = $1`, [
        user,
      ])
      if (n > 0) counts[name] = n
    }
    return counts
  }

  /** @param {string} user */
  async function live(user) {
    const my = newDevice(db, user)
    const entry = log('a')
    const [made] = await my.push(
      entry,
      log('b'),
      mutation('achievements', randomUUID(), {
        set: { achievement_id: 'a' },
      }),
      mutation('nowhere', randomUUID(), {}),
    )
    await my.push(mutation('sovereign_logs', entry.id, { base: made.version, del: true }))
    await db.as(
      user,
      `insert into public.sovereign_logs (category, content, metadata)
       values ('chat', 'twin', '{"messageId": "m"}'), ('chat', 'twin', '{"messageId": "m"}')`,
    )
    await db.admin(
      `insert into somatic_sync.set_aside (user_id, table_name, content, reason)
       values ($1, 'sovereign_logs', '{}', 'twin of another')`,
      [user],
    )
    await my.pull()
    return my
  }

  test('delete_account() leaves nothing of the caller and nothing else changes', async () => {
    const user = await newUser(db)
    const other = await newUser(db)
    const my = await live(user)
    await live(other)
    const before = await left(other)
    assert.equal(Object.keys(await left(user)).length, 8)

    await db.as(user, 'select public.delete_account()')

    assert.deepEqual(await left(user), {})
    assert.deepEqual(await left(other), before)
    // Another device must not take this for a restored backup and push everything back.
    const late = await my.sync({ last: randomUUID(), push: [log('resurrected')] })
    assert.equal(late.resync, 'horizon')
    assert.deepEqual(await left(user), {})
    // The account can be used again.
    const again = newDevice(db, user)
    assert.equal((await again.push(log('new')))[0].status, 'applied')
    await db.as(user, 'delete from public.sovereign_logs')
    assert.equal((await again.pull()).tombstones.length, 1)
  })

  test('deleting the auth user takes everything along, without tombstones', async () => {
    const user = await newUser(db)
    await live(user)
    await db.admin('delete from auth.users where id = $1', [user])
    assert.deepEqual(await left(user), {})
    const [{ n }] = await db.admin(
      'select count(*)::int as n from somatic_sync.horizons where user_id = $1',
      [user],
    )
    assert.equal(n, 0)
    // A token may outlive its user: nothing is taken from it any more, and it is told why.
    await assert.rejects(newDevice(db, user).push(log('late')), { code: '23503' })
  })

  test('nobody signed in: 42501', async () => {
    await assert.rejects(db.as(null, 'select public.delete_account()'), { code: '42501' })
  })
})
