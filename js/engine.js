// Owns one core: feeds it events, starts its effects, frees it. Knows no collection and no merge rule; what an effect
// means to the app is the client's.
//
//   feed(event) -> queue -> Engine.handle -> effects -> queue -> started in order -> next event
//                    |                                    |
//                    |             listeners, last, when the engine may be called again
//   writes that nobody listens to: together, when the code that makes them has run or looks at them
//
// The engine is never entered twice: what an effect or a listener feeds waits for its turn.

import { CoreVectors } from './core-vectors.js'
import { asSyncError, closedError, messageOf, SyncError } from './error.js'
import { EventQueue } from './event-queue.js'
import { EventRoom } from './event-room.js'
import { foldedPart } from './folded-part.js'
import { Folding } from './folding.js'
import { Tickets } from './tickets.js'
import { idleTimeout } from './within.js'

/** setTimeout holds 31 bits of milliseconds. */
const longestTimerMs = 2 ** 31 - 1

/**
 * What the engine's surroundings do for it. The `on...` ones run while the engine may not be
 * entered; `later` holds what runs afterwards.
 * @typedef {object} Host
 * @property {import('./storage/disk.js').Disk} disk
 * @property {(path: string, init: RequestInit) => Promise<Response>} fetch
 * @property {() => number} now wall clock, milliseconds since 1970
 * @property {(refresh: boolean) => void} askSession answers by feeding sessionIs
 * @property {() => void} onCommitted a commit of this context is durable
 * @property {(collection: string, keys: string[], later: Later) => void} onChanged
 * @property {() => void} onStatus
 * @property {(progress: import('./client.js').SyncProgress, later: Later) => void} onProgress
 * @property {(event: string, detail: unknown, later: Later) => void} onNotify
 * @property {(error: { code: string, message: string }, later: Later) => void} onFailed
 */

/** @typedef {(notify: () => void) => void} Later */

/** @typedef {{ type: string, [member: string]: any }} Message an event or an effect */

export class Core {
  /**
   * Effects of the constructor wait for the first load or event.
   * @param {import('./load-module.js').Module} module
   * @param {object} config wasm/engine/engine.hpp, Config
   * @param {Host} host
   * @throws {SyncError} when the core refuses the schema
   */
  constructor(module, config, host) {
    this.module = module
    this.host = host
    this.events = new EventQueue()
    /** @type {Message[]} effects not started yet */
    this.effects = []
    /** @type {(() => void)[]} listeners not called yet */
    this.notices = []
    this.isBusy = false
    this.isNotifying = false
    this.isScheduled = false
    this.isClosed = false
    /** the engine's memory was given back */
    this.isFree = false
    /** @type {SyncError | null} the core broke down: it is never entered again */
    this.broken = null
    /** a newer build's segment was met: nothing may be written any more */
    this.isReadOnly = false
    /** the last commit failed */
    this.isFailing = false
    /** the last segment that the engine holds durably */
    this.known = 0
    this.folding = new Folding(foldedPart(this), host.disk)
    this.tickets = new Tickets()
    this.vectors = new CoreVectors(this)
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined
    this.commits = Promise.resolve()
    /** @type {Promise<number> | null} a commit whose effect was not started yet */
    this.begun = null
    this.isBusy = true // the constructor may already tell an effect
    this.engine = new module.Engine(JSON.stringify(config), {
      effects: (json) => this.take(json),
      fetch: host.fetch,
      wallMs: () => Math.floor(host.now()),
    })
    this.isBusy = false
    this.room = new EventRoom(module, this.engine)
    const refusal = this.effects.find((effect) => effect.type === 'failed')
    if (refusal) {
      this.free()
      throw new SyncError(refusal.code, refusal.message)
    }
  }

  /** @param {Message} event */
  feed(event) {
    this.feedText(JSON.stringify(event))
  }

  /** Returns after the engine has seen it, unless it is busy. @param {string} eventJson */
  feedText(eventJson) {
    if (this.isClosed || this.broken) return
    this.events.add(eventJson)
    this.run()
  }

  /** Returns before the engine has seen it: together with others, soon. @param {string} writeJson */
  feedSoon(writeJson) {
    if (this.isClosed || this.broken) return
    this.events.addWrite(writeJson)
    if (this.events.isFull) this.catchUp()
    this.schedule()
  }

  /** Has the engine see what was written so far. Listeners are called later: this is somebody's look. */
  catchUp() {
    if (!this.events.hasWrites || this.isBusy) return
    this.drain()
    this.schedule()
  }

  /**
   * Feeds an event that is answered by Settled.
   * @param {(ticket: number) => string} makeJson
   * @param {{ isSoon?: boolean }} [options] isSoon: a write that may be fed together with others
   * @returns {{ ticket: number, done: Promise<any> }} done: the report, where there is one
   */
  ask(makeJson, { isSoon = false } = {}) {
    const refusal = this.broken ?? (this.isClosed ? closedError() : null)
    if (refusal) return { ticket: 0, done: Promise.reject(refusal) }
    const { ticket, done } = this.tickets.issue()
    if (isSoon) this.feedSoon(makeJson(ticket))
    else this.feedText(makeJson(ticket))
    return { ticket, done }
  }

  /** @param {object} question @returns {any} what JSON gives; null when the engine is gone */
  query(question) {
    this.catchUp()
    if (this.isClosed || this.broken) return null
    try {
      return JSON.parse(this.engine.query(JSON.stringify(question)))
    } catch (error) {
      this.break(error)
      return null
    }
  }

  /**
   * A stored segment or a piece of a snapshot, at start or from another context.
   * @param {number} seq
   * @param {Uint8Array} bytes
   * @param {boolean} isMore what comes after it is loaded next, within this task
   * @returns {boolean} false: it is damaged
   */
  load(seq, bytes, isMore) {
    return this.give(() => {
      const isSound = this.engine.load(seq, bytes, isMore)
      this.known = Math.max(this.known, seq)
      return isSound
    })
  }

  /** Something stored. @param {() => boolean} enter @returns {boolean} false: it is damaged */
  give(enter) {
    this.catchUp() // what was written before it saw what was there before it
    if (this.isClosed || this.broken) return true
    const wasBusy = this.isBusy
    this.isBusy = true
    let isSound = true
    try {
      isSound = enter()
    } catch (error) {
      this.break(error)
    } finally {
      this.isBusy = wasBusy
    }
    this.schedule()
    return isSound
  }

  /** Brings in what other contexts wrote. A failure is no matter: the next commit reads it too. */
  async refresh() {
    if (this.isClosed || this.broken) return
    await this.host.disk.refresh((...segment) => this.load(...segment)).catch(() => {})
  }

  /** What the engine answers, or tells from inside of a call of ours. @param {string} json empty: nothing */
  take(json) {
    if (json === '' || this.isFree || this.broken) return
    for (const effect of JSON.parse(json)) {
      // seen at once: the commit that is just reading foreign segments must stop
      if (effect.type === 'failed' && effect.code === 'reload-needed') this.isReadOnly = true
      this.effects.push(effect)
    }
    if (!this.isBusy) this.schedule()
  }

  schedule() {
    if (this.isScheduled) return
    this.isScheduled = true
    queueMicrotask(() => {
      this.isScheduled = false
      this.run()
    })
  }

  run() {
    if (this.isBusy) return
    this.drain()
    this.notify()
  }

  drain() {
    this.isBusy = true
    try {
      for (;;) {
        const effect = this.effects.shift()
        if (effect) {
          this.start(effect)
          continue
        }
        const event = this.events.next()
        if (event === undefined || this.broken) break
        const now = this.host.now()
        const hasCommit = this.engine.handle(this.room.write(event), now, performance.now())
        if (hasCommit) this.begun = this.beginCommit() // the disk works while we read what else there is
        this.take(this.engine.effects())
      }
    } catch (error) {
      this.break(error)
    } finally {
      this.isBusy = false
    }
  }

  /** Calls the listeners; one that writes is served at once, its own listeners come after. */
  notify() {
    if (this.isNotifying) return
    this.isNotifying = true
    for (let notice = this.notices.shift(); notice; notice = this.notices.shift()) notice()
    this.isNotifying = false
  }

  /** @param {Message} effect */
  start(effect) {
    /** @type {Later} */
    const later = (notice) => {
      this.notices.push(notice)
    }
    switch (effect.type) {
      case 'commit':
        this.commits = this.commit(effect.tickets ?? [])
        return
      case 'wantVectors':
        this.vectors.give()
        return
      case 'askSession':
        return this.host.askSession(effect.refresh ?? false)
      case 'setTimer':
        return this.setTimer(effect.at ?? null)
      case 'settled':
        return this.tickets.settle(/** @type {any} */ (effect))
      case 'changed':
        return this.host.onChanged(effect.collection, effect.keys, later)
      case 'statusChanged':
        return this.host.onStatus()
      case 'progress': {
        const { phase, done = 0, total = null } = effect
        return this.host.onProgress({ phase, done, total }, later)
      }
      case 'notify':
        return this.host.onNotify(effect.event, effect.detail, later)
      case 'failed':
        return this.host.onFailed({ code: effect.code, message: effect.message ?? '' }, later)
      default:
        throw new Error(`the core asks for "${effect.type}", which this shim does not know`)
    }
  }

  /** @returns {Promise<number>} its sequence number */
  beginCommit() {
    const segment = () => {
      if (this.broken) throw this.broken
      if (this.isFree) throw closedError()
      if (this.isReadOnly) {
        throw new SyncError('reload-needed', 'a newer version of the app wrote here: reload')
      }
      const at = this.engine.segmentAt()
      return this.module.HEAPU8.slice(at, at + this.engine.segmentSize())
    }
    return this.host.disk.commit(segment, (...other) => this.load(...other))
  }

  /** @param {number[]} tickets */
  async commit(tickets) {
    const begun = this.begun ?? this.beginCommit()
    this.begun = null
    try {
      const seq = await begun
      this.setFailing(false)
      for (const ticket of tickets) this.tickets.settle({ ticket })
      await null // who awaited one goes first
      this.feed({ type: 'flushed', seq })
      this.known = Math.max(this.known, seq)
      this.folding.consider()
      this.host.onCommitted()
    } catch (error) {
      const { code, message } = asSyncError(error, 'storage-lost')
      if (code === 'reload-needed' && !this.isReadOnly) {
        this.isReadOnly = true
        this.host.onStatus()
      }
      this.setFailing(code === 'quota' || code === 'storage-lost')
      this.feed({ type: 'flushFailed', code, message })
    }
  }

  /** @param {boolean} isFailing */
  setFailing(isFailing) {
    if (this.isFailing === isFailing) return
    this.isFailing = isFailing
    this.host.onStatus()
  }

  /** @param {number | null} at wall clock, ms */
  setTimer(at) {
    clearTimeout(this.timer)
    this.timer = undefined
    if (at === null) return
    const wait = Math.max(0, at - this.host.now())
    this.timer = idleTimeout(
      () => (wait > longestTimerMs ? this.setTimer(at) : this.feed({ type: 'timerFired' })),
      Math.min(wait, longestTimerMs),
    )
  }

  /** A trap or a broken invariant: nothing the engine says can be trusted. @param {unknown} cause */
  break(cause) {
    if (this.broken) return
    const text = `the core broke down: ${messageOf(cause)}; look whether what was written last is there`
    this.broken = new SyncError('invariant', text, cause)
    this.tickets.rejectAll(this.broken)
    if (this.begun) this.commits = this.commit([]) // it may be stored: the others hear of it
    this.host.disk.rest()
    clearTimeout(this.timer)
    this.events.clear()
    this.effects = []
    const later = (/** @type {() => void} */ notice) => this.notices.push(notice)
    this.host.onFailed(this.broken, later)
    this.host.onStatus()
    this.schedule()
  }

  /** Forgets what is stored, unless `check` throws. @param {() => void} check */
  async wipe(check) {
    await this.commits
    await this.host.disk.wipe((...segment) => this.load(...segment), check)
  }

  /** Settles what is open with "closed", waits for a commit under way, frees the engine. */
  async close() {
    this.feed({ type: 'close' })
    this.isClosed = true
    clearTimeout(this.timer)
    this.tickets.rejectAll(closedError())
    await this.commits
    await this.folding.stop()
  }

  /** Gives the engine's memory back; nothing may come from it any more. */
  free() {
    this.isFree = true
    this.engine.delete()
  }
}
