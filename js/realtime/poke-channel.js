// Owns one private channel of a supabase-js client, on which the server says that there is news, for all who
// listen to it here. Knows nothing of what the news are for. Nothing depends on it: where it cannot be had,
// whoever listens hears nothing.
//
//   nobody listens --add--> joining <==> joined             <==> is realtime-js alone: it reconnects a lost
//         ^                  |    ^      |                       socket and joins again, after 1, 2, 5, 10 s
//         |                  |    +------|--after a while--+
//         +--remove, last----+-----------+--> waiting -----+     closed by the server (the token ran out), or
//                                                                refused three times: realtime-js would not
//                                                                come back, or would ask for ever
//
// What realtime-js does not say, and costs the channel when it is not heeded: a join carries the token known
// when subscribe() is called; channel() answers an old channel of the same topic while that is still
// leaving; subscribe() while the socket is closing waits for a socket that nobody opens.

import { coalesced } from '../contexts/coalesced.js'
import { messageOf } from '../error.js'
import { idleTimeout, within } from '../within.js'

/**
 * Half of it to all of it is waited, and the double after each try that led nowhere.
 * @type {Record<'closed' | 'refused', { first: number, last: number }>}
 */
const waitMs = { closed: { first: 1_000, last: 60_000 }, refused: { first: 30_000, last: 300_000 } }
/** How often realtime-js may be refused in a row: a new token is often just on its way. */
const refusalsMax = 3
/** A channel that was joined for less leads nowhere. */
const soundMs = 10_000
/** Until auth answers; a join without a token is refused, and tried again. */
const authMs = 5_000
/** Until the server has heard a leave; the channel is forgotten then all the same. */
const leaveMs = 1_000

/**
 * @typedef {object} Listener
 * @property {(payload: any) => void} onPoke
 * @property {(state: 'joining' | 'joined') => void} onState also `joined` again after a break
 * @property {(why: string) => void} onRefused it has given up for a while
 */

export class PokeChannel {
  /** @param {any} client of supabase-js @param {string} topic */
  constructor(client, topic) {
    this.client = client
    this.topic = topic
    /** @type {Set<Listener>} */
    this.listeners = new Set()
    /** @type {'joining' | 'joined'} */
    this.state = 'joining'
    /** @type {any} of realtime-js */
    this.channel = null
    this.joinedAt = 0
    this.refusals = 0
    /** of ours, in a row */
    this.tries = 0
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined
    /** Until the last channel is gone from the client. @type {Promise<unknown>} */
    this.gone = Promise.resolve()
    this.settle = coalesced(() => this.joinOrLeave())
  }

  /** @param {Listener} listener */
  add(listener) {
    this.listeners.add(listener)
    listener.onState(this.state)
    this.settle()
  }

  /** Resolves when the channel is left, if nobody listens any more. @param {Listener} listener */
  remove(listener) {
    this.listeners.delete(listener)
    return this.settle()
  }

  async joinOrLeave() {
    if (this.listeners.size === 0) await this.leave()
    else if (!this.channel && this.timer === undefined) await this.join()
  }

  async join() {
    const { client } = this
    try {
      await this.gone
      const answer = client.realtime?.setAuth?.()
      await within(authMs, answer, () => new Error('auth is slow')).catch(() => {})
      if (this.listeners.size === 0) return
      const channel = client.channel(this.topic, { config: { private: true } })
      this.channel = channel
      channel.on('broadcast', { event: 'poke' }, (/** @type {any} */ message) => {
        if (this.channel !== channel) return
        for (const { onPoke } of this.listeners) onPoke(message?.payload)
      })
      channel.subscribe((/** @type {string} */ status, /** @type {unknown} */ error) => {
        if (this.channel === channel) this.hear(status, error)
      })
    } catch (error) {
      this.giveUp(error) // no WebSocket here, or a client of another kind
    }
  }

  /** @param {string} status of realtime-js @param {unknown} error */
  hear(status, error) {
    if (status === 'SUBSCRIBED') {
      this.refusals = 0
      this.joinedAt = performance.now()
      this.tell('joined')
      return
    }
    if (this.state === 'joined' && performance.now() - this.joinedAt > soundMs) this.tries = 0
    this.tell('joining')
    if (status === 'CLOSED') {
      this.channel = null // gone from the client already
      this.wait('closed')
    } else if (status === 'CHANNEL_ERROR' && this.client.realtime?.isConnected?.() !== false) {
      this.refusals += 1
      if (this.refusals >= refusalsMax) this.giveUp(error)
    }
  }

  /** For a while. @param {unknown} error */
  giveUp(error) {
    this.wait('refused')
    this.dismiss()
    for (const { onRefused } of [...this.listeners]) onRefused(messageOf(error))
  }

  /** @param {'closed' | 'refused'} why */
  wait(why) {
    const { first, last } = waitMs[why]
    const wait = Math.min(first * 2 ** this.tries, last) * (1 - Math.random() / 2)
    this.tries += 1
    this.refusals = 0
    clearTimeout(this.timer)
    this.timer = idleTimeout(() => {
      this.timer = undefined
      this.settle()
    }, wait)
  }

  async leave() {
    clearTimeout(this.timer)
    this.timer = undefined
    this.tries = 0
    this.refusals = 0
    this.state = 'joining'
    this.dismiss()
    await within(leaveMs, this.gone, () => new Error('no answer')).catch(() => {})
  }

  /** Takes the channel from the client, and the socket if nobody else uses it. */
  dismiss() {
    const { channel, client } = this
    this.channel = null
    if (!channel) return
    const remove = async () => {
      await client.removeChannel(channel)
      const { realtime } = client
      if (!realtime?.disconnect || realtime.getChannels().length > 0) return
      await realtime.disconnect()
      // who subscribed meanwhile waits for a socket
      if (realtime.getChannels().length > 0) realtime.connect()
    }
    this.gone = remove().catch(() => {})
  }

  /** @param {'joining' | 'joined'} state */
  tell(state) {
    if (state === this.state && state === 'joining') return
    this.state = state
    for (const { onState } of [...this.listeners]) onState(state)
  }
}

/** @type {WeakMap<object, Map<string, PokeChannel>>} by client of supabase-js and topic */
const channels = new WeakMap()

/**
 * Listens, until what it returns is called. Listeners to one topic of one client share its channel, as
 * realtime-js has only one.
 * @param {object} client of supabase-js
 * @param {string} topic
 * @param {Listener} listener
 * @returns {() => Promise<void>} resolves when the channel is left, if nobody else listens
 */
export function listen(client, topic, listener) {
  const ofClient = channels.get(client) ?? new Map()
  channels.set(client, ofClient)
  const channel = ofClient.get(topic) ?? new PokeChannel(client, topic)
  ofClient.set(topic, channel)
  channel.add(listener)
  return () => channel.remove(listener)
}
