// Owns live updates of one client: which context listens to the channel, what a poke leads to, what status()
// says of it. Knows no socket. Whatever fails here, pulls at start, focus and reconnect go on.

import { idleTimeout } from '../within.js'
import { listen } from './poke-channel.js'

/** Pokes so close together are one: a job that writes row by row sends many. */
const gatherMs = 50

/** @typedef {'off' | 'joining' | 'joined' | 'elsewhere'} RealtimeState */

export class Realtime {
  /**
   * @param {import('../client-state.js').ClientState} state
   * @param {object} parts
   * @param {object} parts.client of supabase-js
   * @param {string} parts.userId
   * @param {import('../contexts/contexts.js').Contexts} parts.contexts
   * @param {(device: unknown) => boolean} parts.isOwn is this the name under which we push?
   */
  constructor(state, { client, userId, contexts, isOwn }) {
    this.state = state
    this.client = client
    this.topic = `sync:${userId}`
    this.contexts = contexts
    this.isOwn = isOwn
    this.isReported = false
    /** @type {(() => Promise<void>) | null} stops listening */
    this.leave = null
    /** @type {Promise<void>} */
    this.left = Promise.resolve()
    /** @type {ReturnType<typeof setTimeout> | undefined} runs while pokes are gathered */
    this.timer = undefined
    this.stopWatching = contexts.watchRole((role) => this.take(role))
  }

  /** Only who talks to the network listens. @param {import('../contexts/contexts.js').Role} role */
  take(role) {
    if (role === 'works') {
      this.leave ??= listen(this.client, this.topic, {
        onPoke: (payload) => this.onPoke(payload),
        onState: (state) => this.onState(state),
        onRefused: (error) => this.onRefused(error),
      })
      return
    }
    clearTimeout(this.timer) // whoever works next pulls first
    this.timer = undefined
    if (this.leave) this.left = this.leave()
    this.leave = null
    this.tell(role === 'follows' ? 'elsewhere' : 'off')
  }

  /** @param {any} payload */
  onPoke(payload) {
    if (this.isOwn(payload?.device)) return
    this.timer ??= idleTimeout(() => {
      this.timer = undefined
      this.contexts.poke()
    }, gatherMs)
  }

  /** @param {'joining' | 'joined'} state */
  onState(state) {
    this.tell(state)
    if (state === 'joined') this.contexts.poke() // what was said until now was not heard
  }

  /** Told once: it is tried again and again. @param {string} why */
  onRefused(why) {
    if (this.isReported) return
    this.isReported = true
    const code = 'server'
    const message = `no live updates: ${why}. Is the client given as \`realtime\` signed in as this user, and was \`supabase db push\` run? Until then other devices' changes show at start, focus and reconnect`
    this.state.report({ code, message })
  }

  /** @param {RealtimeState} realtime */
  tell(realtime) {
    const { status } = this.state
    if (status.realtime === realtime) return
    status.realtime = realtime
    status.changed()
  }

  async stop() {
    this.stopWatching()
    this.take('rests')
    await this.left
  }
}
