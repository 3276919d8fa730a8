// Live updates between devices, each with a supabase-js client of its own, over the local Supabase's realtime
// and a network that a test may cut: what one writes the others show without being asked, nothing is missed
// over a break, and the channel is had by whom it should and let go in time. Node 20 has no Web Locks, so
// contexts of one database take theirs from a stand-in.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { makeClient, signedInClient } from '../support/auth.js'
import { fakeLocks } from '../support/fake-locks.js'
import { until as untilSoon } from '../support/open-client.js'
import { startWorld } from '../support/world.js'

/** @typedef {import('../support/world.js').User} User */
/** @typedef {import('@supabase/supabase-js').SupabaseClient} Client */

const world = await startWorld()
after(() => world.stop())
/** @param {() => unknown} holds */
const until = (holds) => untilSoon(holds, 30_000)

const syncPath = '/rest/v1/rpc/sync'
const socketPath = '/realtime/v1/websocket'

/** @typedef {{ after(end: () => Promise<void>): unknown }} Ending a test */

/** A device that syncs by itself, until the test ends. @param {Ending} t @param {User} user @param {any} options */
async function open(t, user, options) {
  const device = await world.device(user, { autoSync: true, ...options })
  t.after(async () => {
    world.proxy.reset()
    await device.close()
  })
  return device
}

/** One that listens with a client of its own; resolves when it has joined, and is at rest. @param {Ending} t @param {User} user */
async function live(t, user) {
  const supabase = await signedInClient(world.endpoint, user, { realtime: fast })
  const device = await open(t, user, { realtime: supabase, auth: supabase.auth, debounceMs: 20 })
  await until(() => device.status().realtime === 'joined')
  await rest(device)
  return Object.assign(device, { supabase })
}

/** Reconnects sooner than realtime-js does by itself (1, 2, 5, 10 s), so that a test need not wait. */
const fast = { reconnectAfterMs: () => 50 }

/** No run is under way, and none comes. @param {{ status(): any }} device */
async function rest(device) {
  for (let before = -1; before !== requests(); await delay(150)) {
    await until(() => device.status().state === 'idle')
    before = requests()
  }
}

const requests = () => world.proxy.counts.byPath[syncPath]?.requests ?? 0
const joins = () => world.proxy.counts.byPath[socketPath]?.requests ?? 0

/** @param {{ collection: any }} device @param {string} id */
const read = (device, id) => device.collection('logs').get(id)?.content

/** @param {{ collection: any }} device @param {string} content */
async function write(device, content) {
  const id = randomUUID()
  await device.collection('logs').put(id, { category: 'journal', content, metadata: {} })
  return id
}

/** As another client of the server does it, past every device. @param {User} user @param {string} content */
async function writeDirectly(user, content) {
  const id = randomUUID()
  await world.server.sqlAs(
    user.id,
    `insert into public.sovereign_logs (id, category, content) values ($1, 'journal', $2)`,
    [id, content],
  )
  return id
}

/** Says "poke" to the user's devices, from the database. @param {User} user @param {number} times in one transaction */
const poke = (user, times) =>
  world.server.sql(
    `select realtime.send('{}', 'poke', $1, true) from generate_series(1, $2::int)`,
    [`sync:${user.id}`, times],
  )

test('a change on one device shows on the other, which asks for nothing else', async (t) => {
  const user = await world.newUser()
  const [a, b] = [await live(t, user), await live(t, user)]
  const before = requests()
  /** @type {number[]} */
  const times = []
  for (let i = 0; i < 5; i++) {
    const then = performance.now()
    const id = await write(a, `entry ${i}`)
    await until(() => read(b, id) === `entry ${i}`)
    times.push(Math.round(performance.now() - then))
    await rest(b)
  }
  assert.equal(requests() - before, 10, 'one push of the one and one pull of the other, each time')
  t.diagnostic(`shown after ${times} ms, of which 20 ms are the writer's quiet time`)
  assert.deepEqual([a.errors, b.errors], [[], []])
})

test('its own push calls nobody back; a push of another device and a direct write do', async (t) => {
  const user = await world.newUser()
  const a = await live(t, user)
  const ear = await signedInClient(world.endpoint, user)
  await ear.realtime.setAuth()
  let heard = 0
  let isListening = false
  ear
    .channel(`sync:${user.id}`, { config: { private: true } })
    .on('broadcast', { event: 'poke' }, () => heard++)
    .subscribe((state) => {
      isListening = state === 'SUBSCRIBED'
    })
  await until(() => isListening)
  const before = requests()
  await write(a, 'mine')
  await until(() => heard === 1)
  await rest(a)
  assert.equal(requests() - before, 1)
  const id = await writeDirectly(user, 'by the old app')
  await until(() => read(a, id))
  assert.equal(requests() - before, 2)
  await ear.removeAllChannels()
})

test('a burst of pokes is one pull, and one more when it comes while one is under way', async (t) => {
  const user = await world.newUser()
  const a = await live(t, user)
  const before = requests()
  await poke(user, 50)
  await until(() => requests() > before)
  await rest(a)
  assert.equal(requests() - before, 1)

  world.proxy.next(syncPath, { latencyMs: 300 })
  await poke(user, 1)
  await until(() => requests() === before + 2)
  const id = await writeDirectly(user, 'after the server has read, before the answer')
  await poke(user, 50)
  await until(() => read(a, id))
  await rest(a)
  assert.equal(requests() - before, 3)
})

test('nothing is missed over a break of the sockets, of the network, or of the server', async (t) => {
  const user = await world.newUser()
  const [a, b] = [await live(t, user), await live(t, user)]
  const isJoined = () => [a, b].every((each) => each.status().realtime === 'joined')
  for (const fault of [{ offline: true }, { status: 503 }]) {
    await t.test(`the socket is cut, requests get through: ${JSON.stringify(fault)}`, async () => {
      await until(isJoined)
      world.proxy.always(socketPath, fault)
      world.proxy.cutSockets()
      await until(() => [a, b].every((each) => each.status().realtime === 'joining'))
      const id = await writeDirectly(user, 'while nobody listens')
      const tried = joins()
      await until(() => joins() - tried > 4)
      assert.deepEqual([read(a, id), read(b, id)], [undefined, undefined])
      world.proxy.reset()
      await until(() => read(a, id) && read(b, id))
    })
  }
  await t.test('no network for ten seconds', async (t) => {
    await until(isJoined)
    world.proxy.offline()
    const here = await write(a, 'written offline')
    const elsewhere = await writeDirectly(user, 'written elsewhere meanwhile')
    await delay(10_000)
    assert.deepEqual([read(a, elsewhere), read(b, elsewhere)], [undefined, undefined])
    world.proxy.offline(false)
    const then = performance.now()
    await until(() => read(b, here) && read(a, elsewhere) && read(b, elsewhere))
    t.diagnostic(`all there ${Math.round(performance.now() - then)} ms after the network`)
  })
  await t.test('the realtime server restarts', async () => {
    await until(isJoined)
    world.server.realtime.cut()
    const id = await writeDirectly(user, 'during the restart')
    await until(() => read(a, id) && read(b, id))
  })
  await until(isJoined)
  const id = await write(b, 'and live again')
  await until(() => read(a, id))
})

test('a token renewed by supabase-js goes to the channel, which outlives the old one', async () => {
  const short = await startWorld({ tokenLifeSeconds: 4 })
  try {
    const user = await short.newUser()
    const supabase = await signedInClient(short.endpoint, user, {
      auth: { autoRefreshToken: false },
      realtime: { heartbeatIntervalMs: 100_000 },
    })
    const device = await short.device(user, {
      ...{ realtime: supabase, auth: supabase.auth, autoSync: true },
    })
    await until(() => device.status().realtime === 'joined')
    /** @type {string[]} */
    const seen = []
    device.subscribe(({ realtime }) => seen.push(realtime))
    const { data } = await supabase.auth.getSession()
    const endsAt = (data.session?.expires_at ?? 0) * 1000
    await delay(1_500) // a token of another second
    await supabase.auth.refreshSession() // as its ticker does, in time
    await delay(endsAt + 500 - Date.now())
    assert.deepEqual(
      seen.filter((state) => state !== 'joined'),
      [],
    )
    assert.equal(short.proxy.counts.byPath[socketPath].requests, 1, 'on the same socket')
  } finally {
    await short.stop()
  }
})

test('a channel that the server closes because its token ran out is joined again with the next', async (t) => {
  const user = await world.newUser()
  let token = world.server.mintToken({ userId: user.id, expiresInSeconds: 2 })
  const realtime = makeClient(world.endpoint, { accessToken: async () => token })
  const device = await open(t, user, { realtime })
  await until(() => device.status().realtime === 'joined')
  token = world.server.mintToken({ userId: user.id })
  await until(() => device.status().realtime === 'joining')
  const id = await writeDirectly(user, 'meanwhile')
  await until(() => device.status().realtime === 'joined')
  await until(() => read(device, id))
  assert.deepEqual(device.errors, [])
})

test('who may not listen is told once, pulls all the same, and does not go on asking', async (t) => {
  const user = await world.newUser()
  const other = await world.newUser()
  /** @type {[string, Client][]} */
  const cases = [
    ['a client of another user', await signedInClient(world.endpoint, other)],
    ['a client nobody signed in to', makeClient(world.endpoint)],
  ]
  for (const [name, realtime] of cases) {
    await t.test(name, async (t) => {
      const device = await open(t, user, { realtime })
      await until(() => device.errors.length > 0)
      const [{ code, message, retryable }] = /** @type {any[]} */ (device.errors)
      assert.deepEqual([code, retryable], ['server', true])
      assert.match(message, /no live updates: Unauthorized: You do not have permissions/)
      assert.match(message, /signed in as this user.*supabase db push/)
      assert.deepEqual([device.status().realtime, device.status().lastError], ['joining', null])
      await until(() => realtime.getChannels().length === 0)
      const id = await writeDirectly(user, name)
      await device.sync()
      assert.equal(read(device, id), name)
      assert.equal(device.errors.length, 1)
      await device.close()
    })
  }
})

test('close(), another user and a page put away leave no channel, no socket, and no timer that brings one', async (t) => {
  const user = await world.newUser()
  await t.test('close', async (t) => {
    const before = world.server.realtime.count()
    const a = await live(t, user)
    assert.equal(world.server.realtime.count(), before + 1)
    await a.close()
    assert.deepEqual([a.status().realtime, a.supabase.getChannels()], ['off', []])
    await until(() => world.server.realtime.count() === before)
  })
  await t.test('close while the network is gone', async (t) => {
    const a = await live(t, user)
    world.proxy.offline()
    await until(() => a.status().realtime === 'joining')
    await a.close()
    assert.deepEqual(a.supabase.getChannels(), [])
    world.proxy.reset()
    await delay(200)
    assert.equal(world.proxy.socketCount(), 0)
  })
  await t.test('the socket stays when the app has a channel of its own', async (t) => {
    const a = await live(t, user)
    let isOpen = false
    a.supabase.channel('room').subscribe((state) => {
      isOpen = state === 'SUBSCRIBED'
    })
    await until(() => isOpen)
    await a.close()
    assert.equal(a.supabase.realtime.isConnected(), true)
    assert.equal(a.supabase.getChannels().length, 1)
    await a.supabase.removeAllChannels()
  })
  await t.test('signed out', async (t) => {
    const a = await live(t, user)
    await a.supabase.auth.signOut({ scope: 'local' })
    await until(() => a.status().state === 'signed-out')
    await until(() => world.proxy.socketCount() === 0)
    assert.deepEqual([a.status().realtime, a.errors], ['off', []])
  })
  await t.test('put away and taken out again', async (t) => {
    const a = await live(t, user)
    const { stateOf } = await import('../../js/client.js')
    const { contexts } = stateOf(a).parts
    contexts?.leave(true)
    assert.equal(a.status().realtime, 'off')
    await until(() => world.proxy.socketCount() === 0)
    const id = await writeDirectly(user, 'while it was away')
    contexts?.enter()
    await until(() => read(a, id) && a.status().realtime === 'joined')
    await a.close()
  })
})

test('closed and opened again at once with the same supabase-js client: it listens', async (t) => {
  const user = await world.newUser()
  const first = await live(t, user)
  const { supabase: realtime } = first
  const closing = first.close()
  const second = await open(t, user, { realtime })
  await closing
  await until(() => second.status().realtime === 'joined')
  const id = await writeDirectly(user, 'heard')
  await until(() => read(second, id))
  // two at once share the channel; one that closes leaves it to the other
  const third = await open(t, user, { realtime })
  await until(() => third.status().realtime === 'joined')
  assert.equal(realtime.getChannels().length, 1)
  await second.close()
  const next = await writeDirectly(user, 'heard by one')
  await until(() => read(third, next))
  await third.close()
  await until(() => world.proxy.socketCount() === 0)
})

test('of several contexts only the one that leads listens; the next one does when it is gone', async (t) => {
  const navigator = Object.getOwnPropertyDescriptor(globalThis, 'navigator')
  t.after(() => navigator && Object.defineProperty(globalThis, 'navigator', navigator))
  const { client: locks } = fakeLocks()
  const user = await world.newUser()
  const options = { database: `tabs-${randomUUID()}` }
  /** @type {(import('../support/world.js').Device & { realtime: Client })[]} */
  const tabs = []
  for (let i = 0; i < 2; i++) {
    Object.defineProperty(globalThis, 'navigator', {
      value: { locks: locks() },
      configurable: true,
    })
    const realtime = await signedInClient(world.endpoint, user)
    tabs.push(Object.assign(await open(t, user, { ...options, realtime }), { realtime }))
    await until(() => tabs[0].status().realtime === 'joined')
  }
  const [leader, follower] = tabs
  await until(() => follower.status().realtime === 'elsewhere')
  assert.deepEqual([follower.realtime.getChannels(), world.proxy.socketCount()], [[], 1])
  const id = await writeDirectly(user, 'heard by one, shown by both')
  await until(() => read(leader, id) && read(follower, id))
  await leader.close()
  await until(() => follower.status().realtime === 'joined')
  const next = await writeDirectly(user, 'the next one')
  await until(() => read(follower, next))
})

test('without autoSync nobody listens, and what is no client is refused', async () => {
  const user = await world.newUser()
  const realtime = await signedInClient(world.endpoint, user)
  const device = await world.device(user, { realtime, autoSync: false })
  await device.sync()
  assert.deepEqual([device.status().realtime, realtime.getChannels()], ['off', []])
  for (const wrong of [null, {}, { channel: () => {} }, realtime.realtime.channel]) {
    await assert.rejects(world.device(user, { realtime: /** @type {any} */ (wrong) }), {
      code: 'invalid-value',
      message: /realtime must be a supabase-js client/,
    })
  }
})

test('a client that throws is reported, not thrown', async (t) => {
  const user = await world.newUser()
  const realtime = {
    channel() {
      throw new Error('WebSocket not available')
    },
    removeChannel() {},
  }
  const device = await open(t, user, { realtime })
  await until(() => device.errors.length === 1)
  assert.match(
    /** @type {any} */ (device.errors[0]).message,
    /no live updates: WebSocket not avail/,
  )
  await device.sync()
})
