// What the client promises beside single rows, with the real engine, server and supabase-js sessions: batches, syncing by
// itself, waiting for it, signing out and in.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, test } from 'node:test'
import { startWorld } from '../support/world.js'

/** @type {import('../support/world.js').World} */
let world
before(async () => {
  world = await startWorld()
})
afterEach(() => world.proxy.reset())
after(() => world.stop())

const path = '/rpc/sync'
const requests = () => world.proxy.counts.byPath['/rest/v1/rpc/sync']?.requests ?? 0

/** @param {string} content */
const chat = (content) => ({ category: 'chat', content, metadata: {} })

test('a batch is durable whole and travels in one request', async () => {
  const user = await world.newUser()
  const database = `batch-${randomUUID()}`
  const a = await world.device(user, { database })
  await a.sync() // a new device pulls once before its first push
  await a.batch(() => {
    for (let i = 0; i < 120; i++) a.collection('logs').put(randomUUID(), chat(`line ${i}`))
    a.collection('progress').increment('self', 'totalCompletions')
  })
  await a.close()
  const again = await world.device(user, { database })
  assert.equal(again.collection('logs').size, 120)
  assert.equal(again.collection('progress').get('self')?.totalCompletions, 1)
  const report = await again.sync()
  assert.equal(report.pushed, 121)
  assert.equal(report.requests, 1)
})

test('a batch with one bad write, or that throws, writes nothing', async () => {
  const user = await world.newUser()
  const a = await world.device(user)
  const bad = /** @type {any} */ ({ category: 'chat', content: 7 })
  await assert.rejects(
    a.batch(() => {
      a.collection('logs').put(randomUUID(), chat('good'))
      a.collection('logs')
        .put(randomUUID(), bad)
        .catch(() => {})
    }),
    { name: 'SyncError', code: 'invalid-value' },
  )
  const own = new Error('the app thought better of it')
  await assert.rejects(
    a.batch(() => {
      a.collection('logs')
        .put(randomUUID(), chat('good'))
        .catch(() => {})
      throw own
    }),
    own,
  )
  assert.equal(a.collection('logs').size, 0)
  assert.equal(a.status().pending, 0)
})

test('autoSync: a write goes up by itself, in one request for a burst', async () => {
  const user = await world.newUser()
  const options = { autoSync: true, debounceMs: 50 }
  const a = await world.device(user, options)
  const b = await world.device(user, options)
  await Promise.all([a.whenSynced(), b.whenSynced()])
  const before = requests()
  const logs = a.collection('logs')
  await Promise.all(Array.from({ length: 30 }, (_, i) => logs.put(randomUUID(), chat(`${i}`))))
  assert.equal(a.status().pending, 30)
  await until(a, (status) => status.pending === 0)
  assert.equal(requests() - before, 1)
  await b.whenSynced()
  assert.equal(b.collection('logs').size, 30)
})

test('autoSync: what was made offline goes up once the network is back', async () => {
  const user = await world.newUser()
  const a = await world.device(user, { autoSync: true, debounceMs: 10 })
  await a.whenSynced()
  const cut = world.proxy.next(path, { offline: true })
  await a.collection('logs').put(randomUUID(), chat('made in a tunnel'))
  await until(a, () => cut.hits === 1)
  assert.equal(a.status().pending, 1)
  await until(a, (status) => status.pending === 0)
  const { data } = await user.client.from('sovereign_logs').select('content')
  assert.deepEqual(data, [{ content: 'made in a tunnel' }])
})

test('whenSynced waits for the push of what was written before it', async () => {
  const user = await world.newUser()
  const a = await world.device(user, { autoSync: true, debounceMs: 60_000 })
  await a.whenSynced()
  await a.collection('logs').put(randomUUID(), chat('now, please'))
  await a.whenSynced()
  assert.equal(a.status().pending, 0)
  const { count } = await user.client.from('sovereign_logs').select('*', { count: 'exact' })
  assert.equal(count, 1)
})

test('signing out of supabase-js: reads empty, the work is kept, and goes up after signing in', async () => {
  const user = await world.newUser()
  const database = `leaving-${randomUUID()}`
  const auth = /** @type {any} */ (user.client.auth)
  const a = await world.device(user, { database, auth })
  assert.equal(a.userId, user.id)
  await a.collection('logs').put(randomUUID(), chat('unsent'))
  const gone = new Promise((resolve) => a.on('userchange', resolve))
  await user.client.auth.signOut()
  assert.deepEqual(await gone, { userId: null })
  assert.equal(a.collection('logs').size, 0)
  await assert.rejects(a.sync(), { code: 'signed-out' })
  await assert.rejects(a.collection('logs').put(randomUUID(), chat('whose?')), {
    code: 'signed-out',
  })
  await a.close()

  const nobody = await world.device(user, { database, auth })
  assert.equal(nobody.userId, null)
  assert.equal(nobody.collection('logs').size, 0)
  await nobody.close()

  const { email, password } = user
  const { error } = await user.client.auth.signInWithPassword({ email, password })
  assert.equal(error, null)
  const back = await world.device(user, { database, auth })
  assert.equal(back.collection('logs').size, 1)
  assert.equal((await back.sync()).pushed, 1)
})

test('another user signs in on the same auth object: the first one’s client is empty at once', async () => {
  const first = await world.newUser()
  const second = await world.newUser()
  const database = `shared-${randomUUID()}`
  const auth = /** @type {any} */ (first.client.auth)
  const a = await world.device(first, { database, auth })
  await a.collection('logs').put(randomUUID(), chat('of the first'))
  const changed = new Promise((resolve) => a.on('userchange', resolve))
  const { email, password } = second
  await first.client.auth.signInWithPassword({ email, password })
  assert.deepEqual(await changed, { userId: second.id })
  assert.equal(a.collection('logs').size, 0)
  await assert.rejects(a.sync(), { code: 'signed-out' })
  await a.close()
  const b = await world.device(second, { database, auth })
  assert.equal(b.userId, second.id)
  assert.equal(b.collection('logs').size, 0)
  await b.collection('logs').put(randomUUID(), chat('of the second'))
  await b.sync()
  const contents = async (/** @type {typeof first} */ user) =>
    (await user.client.from('sovereign_logs').select('content')).data?.map((row) => row.content)
  assert.deepEqual(await contents(second), ['of the second'])
  await b.close()

  // The first one comes back, on the same object: what waited goes up, as hers.
  await first.client.auth.signInWithPassword({ email: first.email, password: first.password })
  const again = await world.device(first, { database, auth })
  assert.equal(again.userId, first.id)
  assert.deepEqual(
    again
      .collection('logs')
      .list()
      .map((row) => row.content),
    ['of the first'],
  )
  await again.sync()
  assert.deepEqual(await contents(first), ['of the first'])
  assert.deepEqual(await contents(second), ['of the second'])
})

test('another user signs in while the first one’s push is under way: nothing goes up as hers', async () => {
  const [first, second] = [await world.newUser(), await world.newUser()]
  const database = `swapped-${randomUUID()}`
  const auth = /** @type {any} */ (first.client.auth)
  let sent = 0 // by this device: others of this file sync by themselves
  /** @type {typeof fetch} */
  const counted = (...request) => {
    sent++
    return fetch(...request)
  }
  const a = await world.device(first, { database, auth, fetch: counted })
  await a.sync()
  for (let i = 0; i < 1500; i++) a.collection('logs').put(randomUUID(), chat(`${i} of the first`))
  world.proxy.always(path, { latencyMs: 1000 })
  const before = sent
  const pushing = a.sync()
  pushing.catch(() => {})
  // the first thousand rows are there, the others under way
  await until(a, () => sent > before + 1, 5)
  const { email, password } = second
  await first.client.auth.signInWithPassword({ email, password })
  await assert.rejects(pushing, { code: 'signed-out' })
  assert.equal(a.collection('logs').size, 0)
  world.proxy.reset()
  await a.close()
  const b = await world.device(second, { database, auth })
  const report = await b.sync()
  assert.deepEqual([report.pushed, report.pulled, b.collection('logs').size], [0, 0, 0])
  const owners = await world.server.sql(
    'select distinct user_id from public.sovereign_logs where user_id = any ($1)',
    [[first.id, second.id]],
  )
  assert.deepEqual(owners, [{ user_id: first.id }])
})

/**
 * @param {import('../support/world.js').Device} device
 * @param {(status: ReturnType<import("../support/world.js").Device["status"]>) => boolean} holds
 * @param {number} [everyMs] asked this often besides, for what no status tells
 */
function until(device, holds, everyMs = 0) {
  return new Promise((resolve) => {
    const look = () => {
      if (!holds(device.status())) return
      stop()
      clearInterval(timer)
      resolve(undefined)
    }
    const stop = device.subscribe(look)
    const timer = everyMs > 0 ? setInterval(look, everyMs) : undefined
    look()
  })
}
