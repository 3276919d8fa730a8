// The realtime of the local Supabase as the real realtime-js meets it: who may join, what is heard and when,
// what happens to a channel whose token runs out. Its subject is the server, not our migrations: it brings
// a tiny one.

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
// @ts-expect-error ws ships no types
import { WebSocket } from 'ws'
import { makeClient } from '../../tests/support/auth.js'
import { until } from '../../tests/support/open-client.js'
import { signJwt } from '../local/jwt.js'
import { startLocalSupabase } from '../local/server.js'

const POLICY = `
  create policy own on realtime.messages for select to authenticated
    using ((select realtime.topic()) = 'room:' || (select auth.uid()));`

/** @typedef {Awaited<ReturnType<typeof listen>>} Listening */

/** @type {string} */
let folder
/** @type {import('../local/server.js').LocalSupabase} */
let server
/** @type {import('@supabase/supabase-js').SupabaseClient[]} */
const clients = []

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'somatic-sync-realtime-'))
  await writeFile(join(folder, '20261101000000_policy.sql'), POLICY)
  server = await startLocalSupabase({ migrations: folder })
})
after(async () => {
  await server.stop()
  await rm(folder, { recursive: true })
})
afterEach(async () => {
  for (const client of clients.splice(0)) await client.removeAllChannels()
})

/** @param {{ token: string | (() => string), vsn?: string, heartbeatIntervalMs?: number }} options */
function clientWith({ token, ...realtime }) {
  const accessToken = async () => (typeof token === 'string' ? token : token())
  // realtime-js has either the client's sessions or this
  const client = makeClient(server, { accessToken, realtime })
  clients.push(client)
  return client
}

/**
 * A client on a channel, and all that it is told.
 * @param {string} topic
 * @param {Parameters<typeof clientWith>[0] & { isPrivate?: boolean }} options
 */
async function listen(topic, { isPrivate = true, ...options }) {
  const client = clientWith(options)
  await client.realtime.setAuth()
  /** @type {string[]} */
  const states = []
  /** @type {any[]} */
  const heard = []
  /** @type {any[]} */
  const said = []
  const channel = client
    .channel(topic, { config: { private: isPrivate } })
    .on('broadcast', { event: '*' }, (message) => heard.push(message))
    .on('system', {}, (message) => said.push(message))
    .subscribe((state, error) => states.push(error ? `${state}: ${error.message}` : state))
  await until(() => states.length > 0)
  return { client, channel, states, heard, said }
}

/** @param {string} topic @param {object} payload @param {boolean} [isPrivate] */
const send = (topic, payload, isPrivate = true) =>
  server.sql(`select realtime.send($1, 'news', $2, $3)`, [payload, topic, isPrivate])

for (const vsn of ['1.0.0', '2.0.0']) {
  test(`protocol ${vsn}: joins, hears what the database sends, leaves`, async () => {
    const [{ id }] = server.users
    const my = await listen(`room:${id}`, { token: server.mintToken({ userId: id }), vsn })
    assert.deepEqual(my.states, ['SUBSCRIBED'])
    await send(`room:${id}`, { a: [1, 'é'] })
    await until(() => my.heard.length === 1)
    const [{ type, event, payload }] = my.heard
    assert.deepEqual([type, event, payload.a], ['broadcast', 'news', [1, 'é']])
    assert.match(payload.id, /^[0-9a-f-]{36}$/)
    assert.equal(await my.client.removeChannel(my.channel), 'ok')
    await my.client.realtime.disconnect()
    await until(() => server.realtime.count() === 0)
  })
}

test('heartbeats are answered', async () => {
  const [{ id }] = server.users
  /** @type {string[]} */
  const beats = []
  const my = await listen(`room:${id}`, {
    ...{ token: server.mintToken({ userId: id }), heartbeatIntervalMs: 50 },
  })
  my.client.realtime.onHeartbeat((status) => beats.push(status))
  await until(() => beats.length >= 4)
  assert.deepEqual([...new Set(beats)].sort(), ['ok', 'sent'])
})

test('a private channel is refused to everybody whom no policy lets read', async (t) => {
  const [{ id }, other] = server.users
  const topic = `room:${id}`
  const mine = server.mintToken({ userId: id })
  const unauthorized = `CHANNEL_ERROR: Unauthorized: You do not have permissions to read from this Channel topic: ${topic}`
  /** @type {[string, string, RegExp | string][]} */
  const cases = [
    ['another user', server.mintToken({ userId: other.id }), unauthorized],
    ['nobody', server.anonKey, unauthorized],
    [
      'an expired token',
      server.mintToken({ userId: id, expiresInSeconds: -60 }),
      /has expired 6\d seconds/,
    ],
    ['a forged one', `${mine.slice(0, -4)}AAAA`, /InvalidJWTToken/],
    [
      'one that never ends',
      signJwt({ sub: id, role: 'authenticated' }),
      /`role` and `exp` are required/,
    ],
    ['a role that is none', server.mintToken({ userId: id, role: 'postgres' }), unauthorized],
  ]
  for (const [name, token, want] of cases) {
    await t.test(name, async () => {
      const { states, heard } = await listen(topic, { token })
      if (typeof want === 'string') assert.deepEqual(states, [want])
      else assert.match(states[0], want)
      await send(topic, {})
      await server.sql('select 1')
      assert.deepEqual(heard, [])
    })
  }
})

test('only what was committed is heard, and public and private topics do not mix', async () => {
  const [{ id }] = server.users
  const topic = `room:${id}`
  const token = server.mintToken({ userId: id })
  const [my, open] = [
    await listen(topic, { token }),
    await listen(topic, { token, isPrivate: false }),
  ]
  await server.sql(`begin; select realtime.send('{"n": 1}', 'news', '${topic}'); rollback;`)
  await send(topic, { n: 2 })
  await send(topic, { n: 3 }, false)
  await send('room:elsewhere', { n: 4 })
  await send(topic, { n: 5 })
  await until(() => my.heard.length === 2 && open.heard.length === 1)
  assert.deepEqual(
    my.heard.map(({ payload }) => payload.n),
    [2, 5],
  )
  assert.equal(open.heard[0].payload.n, 3)
  assert.deepEqual(await server.sql('select * from realtime.messages'), [])
})

test('the database cannot be written through it, and a message that cannot be sent costs no write', async () => {
  const [{ id }] = server.users
  await assert.rejects(
    server.sqlAs(
      id,
      `insert into realtime.messages (topic, extension, payload)
      values ('x', 'broadcast', '{}')`,
    ),
    /row-level security/,
  )
  for (const [payload, to] of [
    [{}, null],
    [{ text: 'x'.repeat(10_000) }, 'room'],
  ]) {
    await server.sql(`select realtime.send($1, 'news', $2, true)`, [payload, to])
  }
})

test('a channel lives as long as its token: renewed it goes on, else it is closed', async (t) => {
  const [{ id }] = server.users
  const short = () => server.mintToken({ userId: id, expiresInSeconds: 2 })
  await t.test('closed', async () => {
    const my = await listen(`room:${id}`, { token: short() })
    assert.deepEqual(my.states, ['SUBSCRIBED'])
    await until(() => my.states.length > 1)
    assert.deepEqual(my.states, ['SUBSCRIBED', 'CLOSED'])
    assert.match(my.said[0].message, /^Token has expired \d seconds ago$/)
    assert.equal(my.said[0].status, 'error')
  })
  await t.test('renewed', async () => {
    const first = short()
    const end = Date.now() + 3_000
    let token = first
    const my = await listen(`room:${id}`, { token: () => token, heartbeatIntervalMs: 200 })
    token = server.mintToken({ userId: id })
    await new Promise((resolve) => setTimeout(resolve, end - Date.now()))
    await send(`room:${id}`, { still: true })
    await until(() => my.heard.length === 1)
    assert.deepEqual(my.states, ['SUBSCRIBED'])
  })
  await t.test('replaced by another user', async () => {
    let token = server.mintToken({ userId: id })
    const my = await listen(`room:${id}`, { token: () => token, heartbeatIntervalMs: 100 })
    token = server.mintToken({ userId: server.users[1].id })
    await until(() => my.states.includes('CLOSED'))
    assert.match(my.said[0].message, /do not have permissions/)
  })
})

test('without the key, or elsewhere, there is no socket', async () => {
  for (const url of [
    `${server.url}/realtime/v1/websocket`,
    `${server.url}/x?apikey=${server.anonKey}`,
  ]) {
    const socket = new WebSocket(url.replace('http', 'ws'))
    const [error] = await new Promise((resolve) =>
      socket.once('error', (/** @type {any} */ e) => resolve([e])),
    )
    assert.match(error.message, /403/)
  }
})

test('a server that stops closes its sockets; one that is there again is joined again', async () => {
  const first = await startLocalSupabase({ migrations: folder })
  const [{ id }] = first.users
  const client = makeClient(first, {
    accessToken: async () => first.mintToken({ userId: id }),
    realtime: { reconnectAfterMs: () => 50 },
  })
  clients.push(client)
  await client.realtime.setAuth()
  /** @type {string[]} */
  const states = []
  client
    .channel(`room:${id}`, { config: { private: true } })
    .subscribe((state) => states.push(state))
  await until(() => states.at(-1) === 'SUBSCRIBED')
  await first.stop()
  await until(() => states.at(-1) === 'CHANNEL_ERROR')
  const again = await startLocalSupabase({
    ...{ migrations: folder, port: Number(new URL(first.url).port) },
    users: [],
  })
  try {
    await until(() => states.at(-1) === 'SUBSCRIBED')
    await client.removeAllChannels()
  } finally {
    await again.stop()
  }
})
