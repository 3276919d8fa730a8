// Bad rows, odd values, many rows, other people's rows: what travels, what is refused, and what nobody may see.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, test } from 'node:test'
import { settle, startWorld } from '../support/world.js'

/** @type {import('../support/world.js').World} */
let world
before(async () => {
  world = await startWorld()
})
afterEach(() => world.proxy.reset())
after(() => world.stop())

/** @param {string} content @param {object} [metadata] */
const chat = (content, metadata = {}) => ({ category: 'chat', content, metadata })

test('one refused row among 300: 299 arrive, one tells why; mended, retried, discarded', async () => {
  const user = await world.newUser()
  const database = `rejected-${randomUUID()}`
  let a = await world.device(user, { database })
  const ids = Array.from({ length: 300 }, () => randomUUID())
  await world.server.sql(
    `alter table sovereign_logs add constraint no_spam check (content <> 'spam') not valid`,
  )
  await Promise.all(
    ids.map((id, i) => a.collection('logs').put(id, chat(i === 7 ? 'spam' : `m${i}`))),
  )
  const report = await a.sync()
  assert.deepEqual([report.pushed, report.rejected], [299, 1])
  const [refused] = a.rejected()
  assert.deepEqual([refused.key, refused.code], [ids[7], '23514'])
  assert.match(refused.message, /no_spam/)
  assert.deepEqual([a.status().pending, a.status().rejected], [0, 1])
  assert.equal(a.collection('logs').get(ids[7])?.content, 'spam')
  await a.close()
  a = await world.device(user, { database })
  assert.equal(a.rejected().length, 1)
  await a.retryRejected(refused.id)
  await a.sync()
  assert.equal(a.rejected().length, 1)
  await a.collection('logs').patch(ids[7], { content: 'mended' })
  await a.sync()
  assert.deepEqual([a.rejected().length, a.status().pending], [0, 0])
  await a.collection('logs').patch(ids[7], { content: 'spam' })
  const fresh = randomUUID()
  await a.collection('logs').put(fresh, chat('spam'))
  await a.sync()
  assert.equal(a.rejected().length, 2)
  for (const { id } of a.rejected()) await a.discardRejected(id)
  assert.equal(a.collection('logs').get(ids[7])?.content, 'mended')
  assert.equal(a.collection('logs').get(fresh), undefined)
  await world.server.sql('alter table sovereign_logs drop constraint no_spam')
})

test('odd values read the same on a second device', async () => {
  const user = await world.newUser()
  const a = await world.device(user)
  const b = await world.device(user)
  const values = [
    chat('x'.repeat(204_800)),
    chat('🫁 "quotes" \\ \n\t\'single\' — ünïcödé 日本語'),
    chat('', {
      empty: '',
      nothing: null,
      list: [],
      object: {},
      big: '123456789012345678901234567890',
    }),
    chat(
      'proto',
      JSON.parse('{"__proto__": {"a": 1}, "constructor": "c", "1": [1.5, -0.25, 1e21]}'),
    ),
  ]
  const ids = values.map(() => randomUUID())
  for (const [i, value] of values.entries()) await a.collection('logs').put(ids[i], value)
  await settle(a, b)
  for (const [i, { content, metadata }] of values.entries()) {
    const row = b.collection('logs').get(ids[i])
    assert.equal(row?.content, content)
    assert.deepEqual(row?.metadata, metadata)
    assert.equal(
      JSON.stringify(row?.metadata),
      JSON.stringify(a.collection('logs').get(ids[i])?.metadata),
    )
    assert.deepEqual(Object.keys(row?.metadata).sort(), Object.keys(metadata).sort())
  }
  assert.deepEqual(a.collection('logs').list(), b.collection('logs').list())
})

test('bad input is refused by name, and the store is as before', async () => {
  const user = await world.newUser()
  const a = await world.device(user)
  const logs = /** @type {any} */ (a.collection('logs'))
  const nested = (/** @type {number} */ depth) => {
    /** @type {any} */
    let value = 1
    for (let i = 0; i < depth; i++) value = [value]
    return value
  }
  /** @type {any} */
  const cyclic = {}
  cyclic.self = cyclic
  assert.throws(() => a.collection(/** @type {any} */ ('nope')), {
    code: 'unknown-collection',
    message: /nope/,
  })
  /** @type {[object, string, RegExp][]} */
  const cases = [
    [{ nope: 1 }, 'unknown-field', /nope/],
    [{ content: 5 }, 'invalid-value', /content/],
    ...[
      Number.NaN,
      Number.POSITIVE_INFINITY,
      1n,
      Symbol('s'),
      () => 1,
      new Date(),
      new Map(),
      cyclic,
    ]
      .concat([nested(300), nested(100_000), '\0', '\ud800'])
      .map(
        (value) =>
          /** @type {[object, string, RegExp]} */ ([
            { metadata: { value } },
            'invalid-value',
            /metadata/,
          ]),
      ),
    [{ metadata: { value: 'x'.repeat(10_000_000) } }, 'too-large', /value/],
  ]
  for (const [fields, code, message] of cases) {
    const write = logs.put(randomUUID(), { ...chat('text'), ...fields })
    await assert.rejects(write, { name: 'SyncError', code, message })
  }
  assert.equal(logs.size, 0)
  assert.equal(a.status().pending, 0)
})

test('2,500 rows come down whole; then one request, no rows', async () => {
  const user = await world.newUser()
  await world.server.sql(
    `insert into sovereign_logs (user_id, category, content)
     select $1, 'chat', 'row ' || i from generate_series(1, 2500) i`,
    [user.id],
  )
  const a = await world.device(user)
  assert.equal((await a.sync()).pulled, 2500)
  assert.equal(a.collection('logs').size, 2500)
  const again = await a.sync()
  assert.deepEqual([again.requests, again.pulled, again.pushed], [1, 0, 0])
})

test('1,000 rows go up in at most 3 requests, 10,000 come down in at most 4', async () => {
  const user = await world.newUser()
  const a = await world.device(user)
  for (let i = 0; i < 1000; i++) a.collection('logs').put(randomUUID(), chat(`row ${i}`))
  const path = '/rest/v1/rpc/sync'
  assert.equal((await a.sync()).pushed, 1000)
  assert.ok(world.proxy.counts.byPath[path].requests <= 3)
  await world.server.sql(
    `insert into sovereign_logs (user_id, category, content)
     select $1, 'chat', 'row ' || i from generate_series(1, 9000) i`,
    [user.id],
  )
  world.proxy.reset()
  const b = await world.device(user)
  assert.equal((await b.sync()).pulled, 10_000)
  assert.ok(world.proxy.counts.byPath[path].requests <= 4)
})

test('direct writes arrive, forged times or not; a row deleted there disappears here', async () => {
  const user = await world.newUser()
  const a = await world.device(user)
  const id = randomUUID()
  await a.collection('logs').put(id, chat('first'))
  await a.sync()
  const old = '2001-01-01T00:00:00Z'
  const forged = {
    user_id: user.id,
    category: 'chat',
    content: 'forged',
    updated_at: old,
    created_at: old,
  }
  const { error } = await user.client.from('sovereign_logs').insert(forged)
  assert.equal(error, null)
  await user.client.from('sovereign_logs').delete().eq('id', id)
  await a.sync()
  assert.equal(a.collection('logs').get(id), undefined)
  assert.deepEqual(
    a
      .collection('logs')
      .list()
      .map((row) => row.content),
    ['forged'],
  )
})

test('another user on the same device sees nothing, pushes nothing; the work is kept', async () => {
  const [ada, ben] = [await world.newUser(), await world.newUser()]
  const database = `shared-${randomUUID()}`
  const first = await world.device(ada, { database })
  await first.collection('logs').put(randomUUID(), chat("Ada's"))
  await first.close()
  const second = await world.device(ben, { database })
  assert.equal(second.userId, ben.id)
  assert.equal(second.collection('logs').size, 0)
  const report = await second.sync()
  assert.deepEqual([report.pushed, report.pulled], [0, 0])
  await second.close()
  const again = await world.device(ada, { database })
  assert.equal((await again.sync()).pushed, 1)
})

test('an expired token is refreshed once; signed out, the work waits', async () => {
  const user = await world.newUser()
  const database = `token-${randomUUID()}`
  const live = {
    userId: user.id,
    accessToken: await world.server.mintToken({ userId: user.id, expiresInSeconds: 600 }),
  }
  const dead = {
    userId: user.id,
    accessToken: await world.server.mintToken({ userId: user.id, expiresInSeconds: -60 }),
  }
  let refreshes = 0
  /** @type {{ userId: string, accessToken: string } | null} */
  let session = dead
  const auth = async (/** @type {{ refresh: boolean }} */ { refresh }) => {
    if (refresh) refreshes++
    return refresh && session ? live : session
  }
  const a = await world.device(user, { database, auth })
  await a.collection('logs').put(randomUUID(), chat('waits'))
  const report = await a.sync()
  assert.deepEqual([report.pushed, refreshes], [1, 1])
  session = null
  await a.collection('logs').put(randomUUID(), chat('waits'))
  await assert.rejects(a.sync(), { code: 'signed-out' })
  assert.equal(a.status().pending, 1)
  session = live
  assert.equal((await a.sync()).pushed, 1)
})
