// The network and the server fail in every way: nothing is lost, nothing is done twice.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, test } from 'node:test'
import { scriptedAuth } from '../support/auth.js'
import { allRows, seeded, settle, startWorld } from '../support/world.js'

/** @type {import('../support/world.js').World} */
let world
before(async () => {
  world = await startWorld()
})
afterEach(() => world.proxy.reset())
after(() => world.stop())

const path = '/rpc/sync'
const isOffline = { name: 'SyncError', code: 'offline' }

test('a response lost after the commit: nothing twice, nothing lost', async () => {
  const user = await world.newUser()
  const a = await world.device(user)
  const b = await world.device(user)
  await a.collection('progress').put('self', { totalCompletions: 10 })
  await settle(a, b)
  await a.collection('progress').increment('self', 'totalCompletions')
  await a.collection('logs').put(randomUUID(), { category: 'chat', content: 'hello', metadata: {} })
  const cut = world.proxy.next(path, { dropResponse: true })
  await assert.rejects(a.sync(), isOffline)
  assert.equal(cut.hits, 1)
  assert.equal(a.status().pending, 2)
  await settle(a, b)
  for (const each of [a, b]) {
    assert.equal(each.collection('progress').get('self')?.totalCompletions, 11)
    assert.equal(each.collection('logs').size, 1)
  }
  assert.equal(a.status().pending, 0)
})

test('a response lost, the row edited again before the retry', async () => {
  const user = await world.newUser()
  const a = await world.device(user)
  const b = await world.device(user)
  const id = randomUUID()
  await a.collection('progress').put('self', { totalCompletions: 10 })
  await a.collection('logs').put(id, { category: 'chat', content: 'first', metadata: { x: 1 } })
  await settle(a, b)
  await a.collection('progress').increment('self', 'totalCompletions')
  await a.collection('logs').patch(id, { content: 'second' })
  world.proxy.next(path, { dropResponse: true })
  await assert.rejects(a.sync(), isOffline)
  await a.collection('progress').increment('self', 'totalCompletions')
  await a.collection('logs').patch(id, { metadata: { x: 2 } })
  await b.collection('progress').increment('self', 'totalCompletions')
  await settle(b, a)
  for (const each of [a, b]) {
    assert.equal(each.collection('progress').get('self')?.totalCompletions, 13)
    const { content, metadata } = each.collection('logs').get(id) ?? {}
    assert.deepEqual({ content, metadata }, { content: 'second', metadata: { x: 2 } })
  }
})

test('20 random cuts in a row, with restarts between', async () => {
  const seed = 20261122
  const random = seeded(seed)
  const user = await world.newUser()
  const database = `cuts-${seed}`
  let a = await world.device(user, { database })
  const b = await world.device(user)
  await a.collection('progress').put('self', { totalCompletions: 0 })
  await settle(a, b)
  const cuts = [
    { dropResponse: true },
    { offline: true },
    { truncateBody: /** @type {const} */ ('cut') },
    { truncateBody: /** @type {const} */ ('clean') },
    { status: 503, body: { message: 'no server' } },
    { status: 504, body: '<html>gateway</html>' },
  ]
  let written = 0
  for (let i = 0; i < 20; i++) {
    for (let n = 1 + Math.floor(random() * 3); n > 0; n--) {
      await a.collection('progress').increment('self', 'totalCompletions')
      await a.collection('logs').put(randomUUID(), {
        ...{
          category: 'chat',
          content: `message ${++written}`,
          metadata: { messageId: `m${written}` },
        },
      })
    }
    const cut = world.proxy.next(path, cuts[Math.floor(random() * cuts.length)])
    await assert.rejects(a.sync(), { name: 'SyncError' }, `cut ${i} of seed ${seed}`)
    assert.equal(cut.hits, 1)
    if (random() < 0.3) {
      await a.close()
      a = await world.device(user, { database })
    }
    if (random() < 0.5)
      await b
        .collection('progress')
        .increment('self', 'totalCompletions')
        .then(() => written++)
        .then(() =>
          b
            .collection('logs')
            .put(randomUUID(), { category: 'chat', content: `message ${written}`, metadata: {} }),
        )
    if (random() < 0.5) await b.sync()
  }
  await settle(a, b)
  assert.deepEqual(allRows(a), allRows(b))
  assert.equal(a.collection('progress').get('self')?.totalCompletions, written)
  const contents = a
    .collection('logs')
    .list()
    .map((row) => row.content)
  assert.equal(new Set(contents).size, written)
  assert.equal(contents.length, written)
  const [{ count }] = await world.server.sql(
    'select count(*)::int from sovereign_logs where user_id = $1',
    [user.id],
  )
  assert.equal(count, written)
})

test('Retry-After is respected by sync(), and the work waits', async () => {
  const user = await world.newUser()
  const a = await world.device(user)
  await a.collection('progress').put('self', { totalCompletions: 1 })
  world.proxy.next(path, {
    status: 429,
    headers: { 'retry-after': '30' },
    body: { message: 'slow' },
  })
  await assert.rejects(a.sync(), { name: 'SyncError', code: 'server' })
  const seen = world.proxy.counts.requests
  await assert.rejects(a.sync(), { name: 'SyncError', code: 'server' })
  assert.equal(world.proxy.counts.requests, seen)
  assert.equal(a.status().pending, 1)
})

test('everything is still there after a restart without the network', async () => {
  const user = await world.newUser()
  const database = `restart-${randomUUID()}`
  const a = await world.device(user, { database })
  await a.sync()
  const id = randomUUID()
  await a.collection('logs').put(id, { category: 'chat', content: 'kept', metadata: {} })
  await a.collection('theme').put('self', { theme: 'dark' })
  await a.close()
  world.proxy.offline(true)
  const again = await world.device(user, { database })
  assert.equal(again.collection('logs').get(id)?.content, 'kept')
  assert.equal(again.collection('theme').get('self')?.theme, 'dark')
  assert.equal(again.status().pending, 1)
  await assert.rejects(again.sync(), isOffline)
  world.proxy.offline(false)
  const report = await again.sync()
  assert.equal(report.pushed, 1)
})

test('migrations that are missing are called that', async () => {
  const user = await world.newUser()
  const a = await world.device(user)
  world.proxy.next(path, { status: 404, body: { code: 'PGRST202', message: 'no function sync' } })
  await assert.rejects(a.sync(), { code: 'migrations-missing', message: /supabase db push/ })
})

test('the token expires in mid-sync: one refresh, and the same sync goes on', async () => {
  const user = await world.newUser()
  const token = (/** @type {number} */ expiresInSeconds) =>
    world.server.mintToken({ userId: user.id, expiresInSeconds })
  const session = async (/** @type {number} */ seconds) => ({
    accessToken: await token(seconds),
    userId: user.id,
  })
  const auth = scriptedAuth(await session(600), await session(601), await session(602))
  const a = await world.device(user, { auth })
  const ids = Array.from({ length: 1500 }, () => randomUUID())
  const chat = { category: 'chat', content: 'one of many', metadata: {} }
  await Promise.all(ids.map((id) => a.collection('logs').put(id, chat)))
  // A first pull, two pushes of 1,000 and 500: the second push finds that the token has expired.
  const expired = { code: 'PGRST303', message: 'JWT expired' }
  const cut = world.proxy.next({ path, nth: 3 }, { status: 401, body: expired })
  const report = await a.sync()
  assert.equal(cut.hits, 1)
  assert.deepEqual([report.pushed, report.requests, auth.refreshes], [1500, 4, 1])
  assert.equal(a.status().pending, 0)
  const { count } = await user.client
    .from('sovereign_logs')
    .select('*', { count: 'exact' })
    .limit(1)
  assert.equal(count, 1500)
})

test('the token expires and cannot be renewed: the work waits, what was answered stays', async () => {
  const user = await world.newUser()
  const live = {
    accessToken: await world.server.mintToken({ userId: user.id, expiresInSeconds: 600 }),
    userId: user.id,
  }
  /** @type {typeof live | null} */
  let renewed = null
  const auth = async (/** @type {{ refresh: boolean }} */ { refresh }) => (refresh ? renewed : live)
  const a = await world.device(user, { auth })
  await a.sync()
  for (let i = 0; i < 1200; i++) {
    a.collection('logs').put(randomUUID(), { category: 'chat', content: `${i}`, metadata: {} })
  }
  world.proxy.next({ path, nth: 2 }, { status: 401, body: { code: 'PGRST303' } })
  await assert.rejects(a.sync(), { name: 'SyncError', code: 'signed-out' })
  assert.equal(a.status().pending, 200)
  assert.equal(a.collection('logs').size, 1200)
  renewed = live
  assert.equal((await a.sync()).pushed, 200)
})
