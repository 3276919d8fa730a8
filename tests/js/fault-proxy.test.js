// The fault proxy against a tiny server that remembers what reached it: for each fault, what the
// client meets and whether the server did its work.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { after, before, beforeEach, test } from 'node:test'
// @ts-expect-error ws ships no types
import { WebSocket, WebSocketServer } from 'ws'
import { startFaultProxy } from '../support/fault-proxy.js'

const ANSWER = JSON.stringify({ rows: Array.from({ length: 100 }, (_, id) => ({ id })) })

/** @type {string[]} what reached the server: method, path, body */
let received = []
/** @type {http.Server} */
let server
/** @type {import('../support/fault-proxy.js').FaultProxy} */
let proxy

before(async () => {
  server = http.createServer(async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    received.push(`${request.method} ${request.url} ${Buffer.concat(chunks)}`)
    response.setHeader('x-from', 'server')
    if (request.method === 'HEAD') response.setHeader('content-length', ANSWER.length)
    response.end(request.method === 'OPTIONS' ? '' : ANSWER)
  })
  const echo = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket, head) => {
    if (request.url === '/no') return socket.end('HTTP/1.1 403 No\r\n\r\n')
    echo.handleUpgrade(request, socket, head, (/** @type {any} */ client) => {
      client.send(`for ${request.url}`)
      client.on('message', (/** @type {Buffer} */ data) => client.send(data))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  proxy = await startFaultProxy(`http://127.0.0.1:${port}`)
})

after(async () => {
  await proxy.stop()
  server.close()
  server.closeAllConnections()
})

beforeEach(() => {
  proxy.reset()
  received = []
})

/** @param {string} path @param {RequestInit} [init] */
const post = (path, init) => fetch(proxy.url + path, { method: 'POST', body: 'hello', ...init })

/** @param {() => Promise<unknown>} work */
async function secondsOf(work) {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

test('without faults it passes everything through and counts it', async () => {
  const response = await post('/rpc/sync?a=1')
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('x-from'), 'server')
  assert.equal(await response.text(), ANSWER)
  await fetch(`${proxy.url}/rpc/sync`, { method: 'OPTIONS' })
  assert.deepEqual(received, ['POST /rpc/sync?a=1 hello', 'OPTIONS /rpc/sync '])
  const count = { requests: 1, preflights: 1, bytesUp: 5, bytesDown: ANSWER.length }
  assert.deepEqual(proxy.counts, { ...count, byPath: { '/rpc/sync': count } })
})

test('a HEAD answer announces a length and carries no body', async () => {
  const response = await fetch(proxy.url, { method: 'HEAD' })
  assert.equal(response.headers.get('content-length'), String(ANSWER.length))
  assert.equal(proxy.counts.bytesDown, 0)
})

test('latency is spent on both ways', async () => {
  proxy.always({ latencyMs: 50 })
  const seconds = await secondsOf(() => post('/'))
  assert.ok(seconds >= 0.098, `${seconds} s`)
})

test('offline: nothing arrives, open connections die, and it comes back', async () => {
  await (await post('/warm')).text()
  proxy.always('/slow', { latencyMs: 100 })
  const underWay = assert.rejects(post('/slow'), /fetch failed/)
  await new Promise((resolve) => setTimeout(resolve, 30))
  proxy.offline()
  await underWay
  await assert.rejects(post('/no'), /fetch failed/)
  proxy.offline(false)
  assert.equal((await post('/yes')).status, 200)
  while (received.length < 3) await new Promise((resolve) => setTimeout(resolve, 10))
  const what = 'what was under way still arrived, what began offline did not'
  assert.deepEqual(received, ['POST /warm hello', 'POST /yes hello', 'POST /slow hello'], what)
})

test('offline for one path only', async () => {
  proxy.always('/rpc/sync', { offline: true })
  await assert.rejects(post('/rpc/sync'), /fetch failed/)
  assert.equal((await post('/other')).status, 200)
  assert.deepEqual(received, ['POST /other hello'])
})

test('dropResponse: the server has done its work, the client hears nothing', async () => {
  const rule = proxy.next('/rpc/sync', { dropResponse: true })
  await assert.rejects(post('/rpc/sync'), /fetch failed/)
  assert.deepEqual(received, ['POST /rpc/sync hello'])
  assert.equal(rule.hits, 1)
  assert.equal(proxy.counts.requests, 1)
  assert.equal(proxy.counts.bytesDown, 0)
  assert.equal((await post('/rpc/sync')).status, 200)
})

test('status: answered with headers and body, the server sees nothing', async () => {
  proxy.next('/rpc/sync', { status: 429, headers: { 'retry-after': '2' }, body: { code: 'x' } })
  const response = await post('/rpc/sync')
  assert.equal(response.status, 429)
  assert.equal(response.headers.get('retry-after'), '2')
  assert.equal(response.headers.get('access-control-allow-origin'), '*')
  assert.deepEqual(await response.json(), { code: 'x' })
  assert.deepEqual(received, [])
  proxy.next('/', { status: 503, body: '<html>' })
  assert.equal(await (await post('/')).text(), '<html>')
})

test('truncateBody cut: the connection dies short of the announced length', async () => {
  proxy.next('/', { truncateBody: 'cut' })
  const response = await post('/')
  assert.equal(response.headers.get('content-length'), String(ANSWER.length))
  await assert.rejects(response.text(), /terminated/)
  assert.deepEqual(received, ['POST / hello'])
})

test('truncateBody clean: a whole answer of broken JSON', async () => {
  proxy.next('/', { truncateBody: 'clean' })
  const text = await (await post('/')).text()
  assert.equal(text, ANSWER.slice(0, ANSWER.length >> 1))
  assert.throws(() => JSON.parse(text), SyntaxError)
})

test('hang: no answer until the client gives up or the proxy is reset', async () => {
  proxy.always('/rpc/sync', { hang: true })
  await assert.rejects(post('/rpc/sync', { signal: AbortSignal.timeout(100) }), /timeout/)
  const hanging = post('/rpc/sync')
  await assert.rejects(
    Promise.race([
      hanging,
      new Promise((_, reject) => setTimeout(() => reject(new Error('still hanging')), 100)),
    ]),
    /still hanging/,
  )
  proxy.reset()
  await assert.rejects(hanging, /fetch failed/)
  assert.deepEqual(received, [])
})

test('a dead server is a 502', async () => {
  const gone = http.createServer().listen(0, '127.0.0.1')
  await once(gone, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (gone.address())
  gone.close()
  const toNowhere = await startFaultProxy(`http://127.0.0.1:${port}`)
  assert.equal((await fetch(toNowhere.url)).status, 502)
  await toNowhere.stop()
})

/** @type {{ name: string, match: any, requests: [string, string][], want: number[] }[]} */
const MATCHING = [
  {
    name: 'the end of a path, once',
    match: '/rpc/sync',
    requests: [
      ['POST', '/rest/rpc/sync?x=1'],
      ['POST', '/rest/rpc/sync'],
      ['POST', '/sync'],
    ],
    want: [418, 200, 200],
  },
  {
    name: 'a RegExp and a number of times',
    match: { path: /^\/a/, times: 2 },
    requests: [
      ['GET', '/b'],
      ['GET', '/a1'],
      ['GET', '/a2'],
      ['GET', '/a3'],
    ],
    want: [200, 418, 418, 200],
  },
  {
    name: 'the nth, by method',
    match: { path: '/a', method: 'POST', nth: 2 },
    requests: [
      ['POST', '/a'],
      ['GET', '/a'],
      ['POST', '/a'],
      ['POST', '/a'],
    ],
    want: [200, 200, 418, 200],
  },
  {
    name: 'preflights do not use it up',
    match: '/a',
    requests: [
      ['OPTIONS', '/a'],
      ['POST', '/a'],
    ],
    want: [200, 418],
  },
  {
    name: 'preflights when asked for',
    match: { path: '/a', method: 'OPTIONS' },
    requests: [
      ['POST', '/a'],
      ['OPTIONS', '/a'],
      ['OPTIONS', '/a'],
    ],
    want: [200, 418, 200],
  },
]

for (const { name, match, requests, want } of MATCHING) {
  test(`matching: ${name}`, async () => {
    proxy.next(match, { status: 418 })
    const got = []
    for (const [method, path] of requests)
      got.push((await fetch(proxy.url + path, { method })).status)
    assert.deepEqual(got, want)
  })
}

test('rules add up: latency for all, another fault for one', async () => {
  proxy.always({ latencyMs: 30 })
  proxy.next('/a', { status: 503 })
  const seconds = await secondsOf(async () => assert.equal((await post('/a')).status, 503))
  assert.ok(seconds >= 0.058, `${seconds} s`)
})

/** What a WebSocket meets: its messages, and its end. @param {string} path */
function dial(path) {
  const socket = new WebSocket(proxy.url.replace('http', 'ws') + path)
  /** @type {string[]} */
  const messages = []
  socket.on('message', (/** @type {Buffer} */ data) => messages.push(String(data)))
  socket.on('error', () => {}) // 'close' follows
  const end = new Promise((resolve) => socket.once('close', resolve))
  return { socket, messages, end }
}

test('a WebSocket passes both ways, until it is cut', async () => {
  const one = dial('/live?a=1')
  await once(one.socket, 'open')
  one.socket.send('x'.repeat(100_000))
  await once(one.socket, 'message')
  if (one.messages.length < 2) await once(one.socket, 'message')
  assert.deepEqual(
    one.messages.map((text) => text.slice(0, 13)),
    ['for /live?a=1', 'x'.repeat(13)],
  )
  assert.equal(proxy.socketCount(), 1)
  proxy.cutSockets()
  await one.end
  const two = dial('/')
  await once(two.socket, 'open')
  proxy.offline()
  await two.end
  await dial('/').end
  assert.equal(proxy.socketCount(), 0)
})

test('a WebSocket whose request fails, here or at the server, ends', async () => {
  for (const fault of [{ status: 503 }, { offline: true }, {}]) {
    proxy.next('/no', fault)
    const { messages, end } = dial('/no')
    await end
    assert.deepEqual(messages, [])
  }
})
