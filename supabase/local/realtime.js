// The socket side of the local Supabase's realtime: Phoenix channels as realtime-js speaks them, broadcasts
// from the database only. Clients' own broadcasts and presence are ignored, postgres_changes refused. Must
// not know about the database or our tables.
//
//   phx_join --token, policy--> joined --access_token--> joined      phx_leave, expiry, another join of the
//      +--refused: reply "error"                                     same topic --> phx_close

// @ts-expect-error ws ships no types, and @types/ws is not worth a dependency for one server
import { WebSocketServer } from 'ws'
import { readJwt } from './jwt.js'

const PATH = '/realtime/v1/websocket'

/** setTimeout holds 31 bits; a token that lives longer is looked at again. */
const LONGEST_WAIT_MS = 2 ** 31 - 1

/**
 * @typedef {{ joinRef: string | null, ref: string | null, topic: string, event: string, payload: any }} Frame
 * @typedef {{ joinRef: string | null, isPrivate: boolean, timer?: ReturnType<typeof setTimeout> }} Joined
 * @typedef {(claims: Record<string, unknown>, topic: string) => Promise<boolean>} MayHear
 */

/** Of the two versions of the protocol: objects with names, or arrays. */
const codecs = {
  '1.0.0': {
    read: (/** @type {any} */ { join_ref = null, ref = null, topic, event, payload }) => ({
      ...{ joinRef: join_ref, ref, topic, event, payload },
    }),
    write: (/** @type {Frame} */ { joinRef, ref, topic, event, payload }) => ({
      ...{ join_ref: joinRef, ref, topic, event, payload },
    }),
  },
  '2.0.0': {
    read: (/** @type {any} */ [joinRef, ref, topic, event, payload]) => ({
      ...{ joinRef, ref, topic, event, payload },
    }),
    write: (/** @type {Frame} */ { joinRef, ref, topic, event, payload }) => [
      ...[joinRef, ref, topic, event, payload],
    ],
  },
}

/**
 * Takes the upgrades of an HTTP server.
 * @param {object} parts
 * @param {import('node:http').Server} parts.server
 * @param {string[]} parts.keys what `apikey` may be; none of them is a user's token
 * @param {MayHear} parts.mayHear
 * @param {(line: string) => void} parts.log
 */
export function startRealtime({ server, keys, mayHear, log }) {
  const sockets = new WebSocketServer({ noServer: true })
  /** @type {Set<Connection>} */
  const connections = new Set()
  let isStopped = false

  server.on('upgrade', (request, stream, head) => {
    const url = new URL(request.url ?? '/', 'http://local')
    const isOurs = url.pathname === PATH && keys.includes(url.searchParams.get('apikey') ?? '')
    if (!isOurs || isStopped) {
      stream.end(`HTTP/1.1 ${isOurs ? 503 : 403} Refused\r\nconnection: close\r\n\r\n`)
      return
    }
    const vsn = url.searchParams.get('vsn') ?? '1.0.0'
    sockets.handleUpgrade(request, stream, head, (/** @type {any} */ socket) => {
      const codec = codecs[/** @type {keyof codecs} */ (vsn)] ?? codecs['1.0.0']
      const connection = new Connection({ socket, codec, mayHear, log })
      connections.add(connection)
      socket.on('close', () => {
        connection.end()
        connections.delete(connection)
      })
    })
  })

  return {
    /** @param {{ id: string, topic: string, event: string, payload: unknown, private: boolean }} message */
    deliver(message) {
      for (const connection of connections) connection.deliver(message)
    },
    /** How many sockets are open. */
    count: () => connections.size,
    /** Cuts every socket, as a restart of the server does. */
    cut() {
      for (const { socket } of connections) socket.terminate()
    },
    /** Cuts every socket and takes no new ones. */
    stop() {
      isStopped = true
      this.cut()
    },
  }
}

class Connection {
  /** @param {{ socket: any, codec: codecs['1.0.0' | '2.0.0'], mayHear: MayHear, log: (line: string) => void }} parts */
  constructor({ socket, codec, mayHear, log }) {
    this.socket = socket
    this.codec = codec
    this.mayHear = mayHear
    this.log = log
    /** @type {Map<string, Joined>} by topic, with its "realtime:" */
    this.channels = new Map()
    this.isOver = false
    // one after the other: a join that is being checked must not be overtaken by its leave
    let last = Promise.resolve()
    socket.on('message', (/** @type {Buffer} */ data, /** @type {boolean} */ isBinary) => {
      if (isBinary) return // a client's own broadcast
      last = last.then(() => this.hear(String(data))).catch((error) => log(`realtime: ${error}`))
    })
    socket.on('error', () => {}) // 'close' follows
  }

  /** @param {string} text */
  async hear(text) {
    const frame = /** @type {Frame} */ (this.codec.read(JSON.parse(text)))
    const { topic, event, payload } = frame
    const channel = this.channels.get(topic)
    if (topic === 'phoenix' || event === 'phx_leave') this.reply(frame, 'ok', {})
    if (event === 'phx_join') await this.join(frame)
    else if (!channel || channel.joinRef !== frame.joinRef) return
    else if (event === 'phx_leave') this.close(topic)
    else if (event === 'access_token') await this.renew(topic, channel, payload.access_token)
  }

  /** @param {Frame} frame */
  async join(frame) {
    const { topic, joinRef, payload } = frame
    const { private: isPrivate = false, postgres_changes: changes = [] } = payload.config ?? {}
    if (this.channels.has(topic)) this.close(topic)
    const claims = claimsOf(payload.access_token)
    const isAllowed = !isPrivate || (await this.isAllowed(claims, topic))
    if (this.isOver) return
    let reason = 'reason' in claims ? `InvalidJWTToken: ${claims.reason}` : ''
    if (!reason && changes.length > 0) reason = 'the local Supabase has no postgres_changes'
    if (!reason && !isAllowed) reason = `Unauthorized: ${refusal(topic)}`
    if (reason) {
      this.log(`realtime: refused ${topic}: ${reason}`)
      return this.reply(frame, 'error', { reason })
    }
    const channel = { joinRef, isPrivate }
    this.channels.set(topic, channel)
    this.watchExpiry(topic, channel, claims)
    this.reply(frame, 'ok', { postgres_changes: [] })
  }

  /** @param {string} topic @param {Joined} channel @param {unknown} token */
  async renew(topic, channel, token) {
    if (typeof token !== 'string' || token.startsWith('sb_')) return
    const claims = claimsOf(token)
    const isAllowed = !channel.isPrivate || (await this.isAllowed(claims, topic))
    if (this.channels.get(topic) !== channel) return
    if ('reason' in claims) this.shutDown(topic, channel, String(claims.reason))
    else if (!isAllowed) this.shutDown(topic, channel, refusal(topic))
    else this.watchExpiry(topic, channel, claims)
  }

  /** @param {Record<string, unknown>} claims @param {string} topic */
  async isAllowed(claims, topic) {
    return !('reason' in claims) && this.mayHear(claims, nameOf(topic))
  }

  /** @param {string} topic @param {Joined} channel @param {Record<string, unknown>} claims */
  watchExpiry(topic, channel, claims) {
    clearTimeout(channel.timer)
    if (claims.exp === undefined) return
    const wait = Number(claims.exp) * 1000 - Date.now()
    channel.timer = setTimeout(
      () => {
        if (wait > LONGEST_WAIT_MS) this.watchExpiry(topic, channel, claims)
        else this.shutDown(topic, channel, expired(claims))
      },
      Math.min(wait, LONGEST_WAIT_MS),
    )
  }

  /** Says why, then closes the channel; the socket stays. @param {string} topic @param {Joined} channel @param {string} message */
  shutDown(topic, channel, message) {
    if (this.channels.get(topic) !== channel) return
    const payload = { extension: 'system', status: 'error', message, channel: nameOf(topic) }
    this.send({ joinRef: channel.joinRef, ref: null, topic, event: 'system', payload })
    this.close(topic)
  }

  /** @param {string} topic */
  close(topic) {
    const { joinRef = null, timer } = this.channels.get(topic) ?? {}
    clearTimeout(timer)
    this.channels.delete(topic)
    this.send({ joinRef, ref: joinRef, topic, event: 'phx_close', payload: {} })
  }

  /** @param {{ id: string, topic: string, event: string, payload: unknown, private: boolean }} message */
  deliver({ id, topic, event, payload, private: isPrivate }) {
    const whole = `realtime:${topic}`
    if (this.channels.get(whole)?.isPrivate !== isPrivate) return
    const told = { type: 'broadcast', event, payload, meta: { id } }
    this.send({ joinRef: null, ref: null, topic: whole, event: 'broadcast', payload: told })
  }

  /** @param {Frame} to @param {'ok' | 'error'} status @param {object} response */
  reply({ joinRef, ref, topic }, status, response) {
    this.send({ joinRef, ref, topic, event: 'phx_reply', payload: { status, response } })
  }

  /** @param {Frame} frame */
  send(frame) {
    this.socket.send(JSON.stringify(this.codec.write(frame)), () => {}) // it may be gone
  }

  end() {
    this.isOver = true
    for (const { timer } of this.channels.values()) clearTimeout(timer)
    this.channels.clear()
  }
}

/**
 * @param {unknown} token a user's, or an API key, which makes its bearer anonymous
 * @returns {Record<string, unknown>} with `reason` why it is no good
 */
function claimsOf(token) {
  if (typeof token !== 'string' || token.startsWith('sb_')) return { role: 'anon' }
  const claims = readJwt(token)
  if (!claims) return { reason: 'Failed to validate JWT signature' }
  if (!claims.role || typeof claims.exp !== 'number') {
    return { reason: 'Fields `role` and `exp` are required in JWT' }
  }
  return claims.exp * 1000 <= Date.now() ? { reason: expired(claims) } : claims
}

/** @param {Record<string, unknown>} claims */
const expired = ({ exp }) =>
  `Token has expired ${Math.floor(Date.now() / 1000) - Number(exp)} seconds ago`

/** @param {string} topic as it travels */
const nameOf = (topic) => topic.replace(/^realtime:/, '')

/** @param {string} topic */
const refusal = (topic) =>
  `You do not have permissions to read from this Channel topic: ${nameOf(topic)}`
