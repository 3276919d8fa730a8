// Owns what status() says: the core's own words, and what only the shim knows (the disk, the end of
// the client, the browser's promise). Knows no effect.

import { errorInfo } from './error.js'
import { deepFreeze } from './freeze.js'
import { Listeners } from './listeners.js'
import { idleTimeout } from './within.js'

const lookMs = 1000

/**
 * @typedef {object} SyncStatus
 * @property {'idle' | 'syncing' | 'offline' | 'signed-out' | 'locked' | 'error' | 'closed'} state
 * @property {number} pending writes that were not sent yet
 * @property {number} rejected
 * @property {number | null} lastSyncedAt milliseconds since 1970
 * @property {import('./error.js').SyncErrorInfo | null} lastError
 * @property {number | null} nextRetryAt milliseconds since 1970
 * @property {'durable' | 'memory' | 'failing' | 'read-only'} storage failing: the last write was
 *   not stored; read-only: a newer build wrote here
 * @property {boolean | null} persisted whether the browser promised to keep the data; null: unknown
 * @property {import('./realtime/realtime.js').RealtimeState} realtime live updates: not wanted or not
 *   now, being joined, joined, or heard by another tab for this one
 */

/**
 * What the status is made of at one moment.
 * @typedef {object} StatusParts
 * @property {any} told what the core says of itself; null when it cannot be asked any more
 * @property {{ code: string, message: string } | null} broken
 * @property {'durable' | 'memory'} storage
 * @property {boolean} isReadOnly
 * @property {boolean} isFailing
 * @property {boolean} isGone
 * @property {boolean} isClosed
 */

export class Status {
  /** @param {() => StatusParts} look @param {(error: unknown) => void} onThrow a listener threw */
  constructor(look, onThrow) {
    this.look = look
    /** @type {Listeners<SyncStatus>} the app's */
    this.listeners = new Listeners(onThrow)
    /** @type {Listeners<null>} our own: they hear that it changed, not what it is, which the core would have to be asked */
    this.followers = new Listeners(onThrow)
    /** @type {boolean | null} */
    this.persisted = null
    /** @type {import('./realtime/realtime.js').RealtimeState} */
    this.realtime = 'off'
    /** @type {{ code: string, message: string } | null} stays until the next clean open */
    this.damage = null
    /** @type {SyncStatus | null} */
    this.known = null
    this.isToBeTold = false
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.looking = undefined
    /** @type {any} what the core said when it was asked last; stays when it cannot be asked any more */
    this.told = {
      ...{ state: 'idle', pending: 0, rejected: 0 },
      ...{ lastSyncedAt: null, lastError: null, nextRetryAt: null },
    }
  }

  /** @returns {SyncStatus} the same frozen object while nothing changed */
  get() {
    this.known ??= deepFreeze(this.make(this.look()))
    return this.known
  }

  changed() {
    this.known = null
    if (this.isToBeTold) return
    this.isToBeTold = true
    // once for all writes of a burst
    queueMicrotask(() => {
      this.isToBeTold = false
      this.followers.call(null)
      if (this.listeners.hasAny) this.listeners.call(this.get())
      else this.lookSoon()
    })
  }

  /** Nobody asks; but when the core cannot be asked any more, what it said last should not be old. */
  lookSoon() {
    this.looking ??= idleTimeout(() => {
      this.looking = undefined
      this.get()
    }, lookMs)
  }

  /** @param {StatusParts} parts @returns {SyncStatus} */
  make({ told, broken, storage, isReadOnly, isFailing, isGone, isClosed }) {
    this.told = told ?? this.told
    const { pending, rejected, lastSyncedAt, lastError, nextRetryAt } = this.told
    const error = broken ?? this.damage ?? lastError
    let state = broken ? 'error' : this.told.state
    if (isGone) state = 'signed-out'
    if (isClosed) state = 'closed'
    return {
      ...{ state, pending, rejected, lastSyncedAt, nextRetryAt },
      lastError: error ? errorInfo(error) : null,
      storage: isReadOnly ? 'read-only' : isFailing ? 'failing' : storage,
      persisted: this.persisted,
      realtime: this.realtime,
    }
  }
}
