// An HTTP proxy that fails on command: delays, cuts, swallows or replaces requests on their way to a
// server, and counts them. For tests of what a client does then. Buffers whole bodies (so no streams);
// a WebSocket passes through once its request did. Knows nothing about Supabase or about our protocol.

import { once } from 'node:events'
import http from 'node:http'

/**
 * What goes wrong with a request. Of several, the first of this list happens; latency is added to
 * any. `status`, `hang` and `offline` mean that the server never sees the request; with the others
 * it does its work.
 * @typedef {object} Fault
 * @property {boolean} [offline] the connection is destroyed at once
 * @property {boolean} [hang] no answer until the proxy is reset or stopped
 * @property {number} [status] this status instead of asking the server
 * @property {Record<string, string>} [headers] with `status`
 * @property {unknown} [body] with `status`; anything but a string is sent as JSON
 * @property {boolean} [dropResponse] the server commits and answers, the client's connection dies
 * @property {'cut' | 'clean'} [truncateBody] half of the body, then the connection dies short of the
 *   announced length ("cut") or the answer ends as if it were whole ("clean": broken JSON)
 * @property {number} [latencyMs] wait this long on the way up and again on the way down
 *
 * Which requests a rule is for. A string or RegExp is the path alone: equal to it, ending with it,
 * or matching it (without the query). Preflights are delayed and cut off like any request, but never
 * use up a rule; to make one fail otherwise, say method: 'OPTIONS'. Of a WebSocket's request, only offline
 * and status fail.
 * @typedef {object} Matcher
 * @property {string | RegExp} [path]
 * @property {string} [method]
 * @property {number} [nth] only from the nth matching request on, counted from now; first is 1
 * @property {number} [times] for how many requests
 *
 * @typedef {object} Rule
 * @property {Matcher} matcher
 * @property {Fault} fault
 * @property {number} seen matching requests so far
 * @property {number} hits requests it has applied to
 *
 * @typedef {{ requests: number, preflights: number, bytesUp: number, bytesDown: number }} Count
 *
 * @typedef {Awaited<ReturnType<typeof startFaultProxy>>} FaultProxy
 */

/** @returns {Count} bodies only; bytesDown is what was handed to the client */
const zero = () => ({ requests: 0, preflights: 0, bytesUp: 0, bytesDown: 0 })

/** @param {string} targetUrl */
export async function startFaultProxy(targetUrl) {
  const target = new URL(targetUrl)
  const agent = new http.Agent({ keepAlive: true })
  /** @type {Rule[]} */
  const faults = []
  const counts = { ...zero(), byPath: /** @type {Record<string, Count>} */ ({}) }
  let isOffline = false

  /** @param {http.IncomingMessage} request @param {http.ServerResponse} response */
  async function serve(request, response) {
    const path = new URL(request.url ?? '/', target).pathname
    const fault = isOffline ? { offline: true } : faultOf(faults, request.method ?? '', path)
    if (fault.offline) return request.socket.destroy()

    const sent = await readBody(request)
    const isPreflight = request.method === 'OPTIONS'
    count(counts, path, isPreflight ? 'preflights' : 'requests', 1)
    count(counts, path, 'bytesUp', sent.length)
    await pause(fault.latencyMs)
    if (fault.hang) return
    const answer = fault.status
      ? madeUpAnswer(fault)
      : await ask(target, agent, request, sent).catch(unreachable)
    await pause(fault.latencyMs)
    if (fault.dropResponse || isOffline) return request.socket.destroy()
    if (request.socket.destroyed) return
    count(counts, path, 'bytesDown', reply(request, response, answer, fault.truncateBody))
  }

  const server = http.createServer((request, response) => {
    serve(request, response).catch(() => request.socket.destroy()) // the client is gone
  })
  server.on('connection', (socket) => isOffline && socket.destroy())
  /** @type {Set<import('node:stream').Duplex>} the clients' ends of WebSockets */
  const sockets = new Set()
  server.on('upgrade', (request, socket) => {
    const path = new URL(request.url ?? '/', target).pathname
    const fault = isOffline ? { offline: true } : faultOf(faults, 'GET', path)
    count(counts, path, 'requests', 1)
    socket.on('error', () => {}) // 'close' follows
    if (fault.offline) return socket.destroy()
    if (fault.status) return socket.end(`HTTP/1.1 ${fault.status} Fault\r\n\r\n`)
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    tunnel(target, request, socket)
  })
  const cutSockets = () => {
    for (const socket of sockets) socket.destroy()
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())

  /** @param {string | RegExp | Matcher} match @param {Fault} fault @param {number} times */
  function add(match, fault, times) {
    const isPath = typeof match === 'string' || match instanceof RegExp
    const rule = {
      matcher: { times, ...(isPath ? { path: match } : match) },
      fault,
      seen: 0,
      hits: 0,
    }
    faults.push(rule)
    return rule
  }

  return {
    url: `http://127.0.0.1:${port}`,
    /** the rules in force; may be edited */
    faults,
    counts,

    /**
     * The next matching request fails (once, unless the matcher says `times`).
     * @param {string | RegExp | Matcher} match
     * @param {Fault} fault
     */
    next: (match, fault) => add(match, fault, 1),

    /**
     * Every matching request fails from now on; without a matcher, every request.
     * @param {string | RegExp | Matcher | Fault} matchOrFault
     * @param {Fault} [fault]
     */
    always: (matchOrFault, fault) =>
      fault
        ? add(/** @type {Matcher} */ (matchOrFault), fault, Infinity)
        : add({}, /** @type {Fault} */ (matchOrFault), Infinity),

    /** No network: open connections die (what is under way may still commit), new ones too. */
    offline(yes = true) {
      isOffline = yes
      if (!yes) return
      server.closeAllConnections()
      cutSockets()
    },

    /** How many WebSockets are open. */
    socketCount: () => sockets.size,
    /** Cuts the WebSockets that are open, and nothing else. */
    cutSockets,

    /** Back to a healthy network and counts of zero; hanging requests die. */
    reset() {
      isOffline = false
      if (faults.some(({ fault, hits }) => fault.hang && hits > 0)) server.closeAllConnections()
      faults.length = 0
      Object.assign(counts, zero(), { byPath: {} })
    },

    async stop() {
      server.close()
      server.closeAllConnections()
      cutSockets()
      agent.destroy()
      await once(server, 'close')
    },
  }
}

/**
 * The faults of all rules that apply, merged (a later rule's wins), and counted as used.
 * @param {Rule[]} rules
 * @param {string} method
 * @param {string} path
 * @returns {Fault}
 */
function faultOf(rules, method, path) {
  /** @type {Fault} */
  let merged = {}
  for (const rule of rules) {
    const { nth = 1, times = Infinity } = rule.matcher
    if (!matches(rule.matcher, method, path)) continue
    if (method === 'OPTIONS' && rule.matcher.method !== 'OPTIONS') {
      const { latencyMs = merged.latencyMs, offline = merged.offline } = rule.fault
      if (times === Infinity) merged = { ...merged, latencyMs, offline }
      continue
    }
    rule.seen += 1
    if (rule.seen < nth || rule.hits >= times) continue
    rule.hits += 1
    merged = { ...merged, ...rule.fault }
  }
  return merged
}

/** @param {Matcher} matcher @param {string} method @param {string} path */
function matches(matcher, method, path) {
  const preflight = method === 'OPTIONS'
  if (matcher.method && !preflight && matcher.method.toUpperCase() !== method) return false
  if (matcher.path === undefined) return true
  return typeof matcher.path === 'string' ? path.endsWith(matcher.path) : matcher.path.test(path)
}

/** @param {Count & { byPath: Record<string, Count> }} counts @param {string} path @param {keyof Count} what @param {number} by */
function count(counts, path, what, by) {
  counts.byPath[path] ??= zero()
  counts[what] += by
  counts.byPath[path][what] += by
}

/** @param {number | undefined} ms */
const pause = (ms) => ms && new Promise((resolve) => setTimeout(resolve, ms))

/** @param {http.IncomingMessage} message */
async function readBody(message) {
  const chunks = []
  for await (const chunk of message) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** @typedef {{ status: number, headers: http.IncomingHttpHeaders, body: Buffer }} Answer */

/**
 * @param {URL} target
 * @param {http.Agent} agent
 * @param {http.IncomingMessage} request
 * @param {Buffer} body
 * @returns {Promise<Answer>}
 */
async function ask(target, agent, request, body) {
  const headers = { ...request.headers, host: target.host, 'content-length': body.length }
  const options = { agent, method: request.method, headers: withoutHopByHop(headers) }
  const outgoing = http.request(new URL(request.url ?? '/', target), options)
  outgoing.end(body)
  const [incoming] = /** @type {[http.IncomingMessage]} */ (await once(outgoing, 'response'))
  return {
    status: incoming.statusCode ?? 502,
    headers: withoutHopByHop(incoming.headers),
    body: await readBody(incoming),
  }
}

/**
 * A WebSocket's request on its way, and from then on its bytes, both ways, until one end dies.
 * @param {URL} target
 * @param {http.IncomingMessage} request
 * @param {import('node:stream').Duplex} socket
 */
function tunnel(target, request, socket) {
  const headers = { ...request.headers, host: target.host }
  const outgoing = http.request(new URL(request.url ?? '/', target), { headers, agent: false })
  socket.on('close', () => outgoing.destroy())
  outgoing.on('error', () => socket.destroy())
  outgoing.on('response', () => socket.destroy()) // no upgrade
  outgoing.on('upgrade', (answer, upstream, head) => {
    upstream.on('error', () => {})
    upstream.on('close', () => socket.destroy())
    socket.on('close', () => upstream.destroy())
    const lines = answer.rawHeaders.flatMap((name, i, all) =>
      i % 2 ? [] : `${name}: ${all[i + 1]}`,
    )
    socket.write(['HTTP/1.1 101 Switching Protocols', ...lines, '', ''].join('\r\n'))
    socket.write(head)
    upstream.pipe(socket)
    socket.pipe(upstream)
  })
  outgoing.end()
}

/** @template {object} T @param {T} headers @returns {T} */
function withoutHopByHop(headers) {
  const hopByHop = ['connection', 'keep-alive', 'transfer-encoding', 'upgrade']
  const kept = Object.entries(headers).filter(([name]) => !hopByHop.includes(name))
  return /** @type {T} */ (Object.fromEntries(kept))
}

/** @param {Fault} fault @returns {Answer} */
function madeUpAnswer({ status = 500, headers = {}, body = {} }) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const cors = { 'access-control-allow-origin': '*', 'content-type': 'application/json' }
  return { status, headers: { ...cors, ...headers }, body: Buffer.from(text) }
}

const unreachable = () =>
  madeUpAnswer({ status: 502, body: { message: 'no answer from the server' } })

/**
 * @param {http.IncomingMessage} request
 * @param {http.ServerResponse} response
 * @param {Answer} answer
 * @param {Fault['truncateBody']} truncate
 * @returns {number} bytes of body sent
 */
function reply(request, response, { status, headers, body }, truncate) {
  const hasBody = request.method !== 'HEAD' && status !== 204 && status !== 304
  const sent = !hasBody ? Buffer.alloc(0) : truncate ? body.subarray(0, body.length >> 1) : body
  const length = truncate === 'clean' ? sent.length : body.length
  response.writeHead(status, hasBody ? { ...headers, 'content-length': length } : headers)
  if (truncate === 'cut') response.write(sent, () => request.socket.destroy())
  else response.end(sent)
  return sent.length
}
