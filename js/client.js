// Owns SyncClient, the object the app holds: collections, sync, status, events, the end of it. Knows
// no browser API and no merge rule; what it is made of is put together in open.js.

import { Collection } from './collection.js'
import { errorInfo, messageOf, SyncError } from './error.js'
import { deepFreeze } from './freeze.js'
import { Listeners } from './listeners.js'
import { Status } from './status.js'
import { Writes } from './writes.js'

/**
 * @typedef {object} SyncReport
 * @property {number} pushed
 * @property {number} pulled
 * @property {number} conflicts
 * @property {number} rejected
 * @property {number} requests
 * @property {number} bytesSent
 * @property {number} bytesReceived
 * @property {number} durationMs
 */

/** @typedef {{ phase: 'push' | 'pull', done: number, total: number | null }} SyncProgress */

/** @typedef {{ id: string, collection: string, key: string, code: string, message: string, at: number, value: unknown }} RejectedMutation */

/** @typedef {{ id: string, collection: string, key: string, field: string, text: string, at: number }} OverwrittenText */

/** @typedef {'userchange' | 'rejected' | 'overwritten'} ClientEvent */

/**
 * @typedef {object} ClientParts
 * @property {string | null} userId
 * @property {import('./schema.js').Schema} schema
 * @property {import('./engine.js').Core | null} core null: nobody was ever signed in here
 * @property {() => number} now
 * @property {'durable' | 'memory'} storage
 * @property {((error: import('./error.js').SyncErrorInfo) => void) | undefined} onError
 * @property {() => Promise<void>} release stops requests, timers, listeners; closes the database
 */

/**
 * One user's data on this device. Made by openSync().
 * @template {import('./schema.js').Schema} [S=import('./somatic-schema.js').SomaticSchema]
 */
export class SyncClient {
  /** @internal @param {ClientParts} parts */
  constructor(parts) {
    /**
     * Whose data this is; null when nobody was ever signed in on this device.
     * @readonly
     * @type {string | null}
     */
    this.userId = parts.userId
    /** @internal */
    this._parts = parts
    /** @internal nobody is signed in, or somebody else: nothing is read, written or sent */
    this._isGone = parts.core === null
    /** @internal @type {Promise<void> | null} */
    this._closing = null
    /** @internal */
    this._isClosing = false
    /** @internal */
    this._isClosed = false
    /** @internal @param {unknown} error */
    this._onThrow = (error) => {
      this._report(new SyncError('invariant', `a listener threw: ${messageOf(error)}`, error))
    }
    /** @internal */
    this._status = new Status(() => this._lookAtStatus(), this._onThrow)
    /** @internal @type {Listeners<SyncProgress>} */
    this._onProgress = new Listeners(this._onThrow)
    /** @internal @type {Record<ClientEvent, Listeners<unknown>>} */
    this._on = {
      userchange: new Listeners(this._onThrow),
      rejected: new Listeners(this._onThrow),
      overwritten: new Listeners(this._onThrow),
    }
    /** @internal */
    this._writes = new Writes(
      parts.schema,
      () => this._refusal(),
      (ops) => this._ask((ticket) => `{"type":"write","ticket":${ticket},"ops":${ops}}`),
    )
    const reads = {
      query: (/** @type {object} */ question) => this._query(question),
      isReadable: () => !this._isGone && !this._isClosed,
      onThrow: this._onThrow,
    }
    /** @internal @type {Map<string, Collection<any>>} */
    this._collections = new Map()
    for (const [name, spec] of Object.entries(parts.schema.collections)) {
      this._collections.set(name, new Collection(name, spec, reads, this._writes))
    }
  }

  /**
   * @template {keyof S['collections'] & string} K
   * @param {K} name
   * @returns {Collection<import('./schema.js').Row<S, K>>} the same object for the same name
   * @throws {SyncError} "unknown-collection"
   */
  collection(name) {
    const collection = this._collections.get(name)
    if (collection) return collection
    const known = [...this._collections.keys()].join(', ')
    throw new SyncError('unknown-collection', `there is no collection "${name}", only ${known}`)
  }

  /**
   * Makes all writes issued inside (synchronously) durable together or not at all; they travel in
   * the same push. Reads inside still see what was before.
   * @param {() => void} write when it throws, nothing is written and the promise rejects with that
   * @returns {Promise<void>}
   */
  batch(write) {
    return this._writes.batch(write)
  }

  /**
   * Pushes everything pending, then pulls everything new. Concurrent calls share one run.
   * @param {{ signal?: AbortSignal, onProgress?: (progress: SyncProgress) => void }} [options]
   * @returns {Promise<SyncReport>} rejects with a SyncError when the run could not finish, never
   *   because of rejected rows; nothing is lost
   */
  async sync({ signal, onProgress } = {}) {
    const { core } = this._parts
    const refusal = this._refusal()
    if (refusal || !core) throw refusal
    if (signal?.aborted) throw aborted(signal)
    const { ticket, done } = core.ask((ticket) => JSON.stringify({ type: 'syncNow', ticket }))
    const stopProgress = onProgress && this._onProgress.add(onProgress)
    let onAbort = () => {}
    const abort = new Promise((_, reject) => {
      onAbort = () => {
        core.forget(ticket)
        core.feed({ type: 'abortSync', ticket })
        reject(aborted(signal))
      }
    })
    signal?.addEventListener('abort', onAbort)
    try {
      return await /** @type {Promise<SyncReport>} */ (Promise.race([done, abort]))
    } finally {
      signal?.removeEventListener('abort', onAbort)
      stopProgress?.()
    }
  }

  /**
   * Resolves when nothing is pending and the last pull is newer than the call. Waits as long as
   * that takes; rejects when the client is closed or its user is gone.
   * @returns {Promise<void>}
   */
  whenSynced() {
    const before = this.status().lastSyncedAt
    const calledAt = this._parts.now()
    return new Promise((resolve, reject) => {
      let stop = () => {}
      const look = () => {
        const refusal = this._refusal()
        const { pending, lastSyncedAt } = this.status()
        const isNewer = lastSyncedAt !== before || (lastSyncedAt ?? 0) > calledAt
        if (refusal) reject(refusal)
        else if (pending === 0 && lastSyncedAt !== null && isNewer) resolve()
        else return
        stop()
      }
      stop = this._status.listeners.add(look)
      look()
      if (!this._refusal()) this._parts.core?.feed({ type: 'poke' })
    })
  }

  /**
   * How things stand; the same frozen object while nothing changed.
   * @returns {import('./status.js').SyncStatus}
   */
  status() {
    return this._status.get()
  }

  /**
   * Calls the listener after the status changed.
   * @param {(status: import('./status.js').SyncStatus) => void} listener
   * @returns {() => void} stops it
   */
  subscribe(listener) {
    return this._status.listeners.add(listener)
  }

  /**
   * userchange: { userId } of who is signed in now, or null. rejected: a RejectedMutation.
   * overwritten: an OverwrittenText.
   * @param {ClientEvent} event
   * @param {(detail: unknown) => void} listener
   * @returns {() => void} stops it
   * @throws {SyncError} "invalid-value" for an unknown event
   */
  on(event, listener) {
    if (!Object.hasOwn(this._on, event)) {
      throw new SyncError('invalid-value', `there is no event "${event}"`)
    }
    return this._on[event].add(listener)
  }

  /**
   * Mutations the server refused for good, with its reason.
   * @returns {RejectedMutation[]}
   */
  rejected() {
    return this._query({ rejected: true }) ?? []
  }

  /**
   * Tries a rejected mutation again with the next push.
   * @param {string} id
   * @returns {Promise<void>}
   */
  retryRejected(id) {
    return this._command('retryRejected', id)
  }

  /**
   * Drops that mutation only: the row shows the server's value again.
   * @param {string} id
   * @returns {Promise<void>}
   */
  discardRejected(id) {
    return this._command('discardRejected', id)
  }

  /**
   * Texts that lost a merge, newest first.
   * @returns {OverwrittenText[]}
   */
  overwritten() {
    return this._query({ overwritten: true }) ?? []
  }

  /**
   * Writes such a text back.
   * @param {string} id
   * @returns {Promise<void>}
   */
  restoreOverwritten(id) {
    return this._command('restoreOverwritten', id)
  }

  /**
   * Refuses new work, lets what was written become durable, closes the database. Calls that still
   * wait for the network reject with "closed".
   * @returns {Promise<void>}
   */
  close() {
    this._closing ??= this._close()
    return this._closing
  }

  /** @internal */
  async _close() {
    this._isClosing = true
    this._statusChanged((notify) => notify())
    await this._writes.settled()
    this._isClosed = true
    await this._parts.core?.close()
    await this._parts.release()
    for (const collection of this._collections.values()) collection._clear()
  }

  /** @internal @returns {SyncError | null} why nothing may be written or sent */
  _refusal() {
    if (this._isClosing) return new SyncError('closed', 'the client is closed')
    if (this._isGone) {
      const who = this.userId === null ? 'nobody is signed in' : 'this user is no longer signed in'
      return new SyncError('signed-out', `${who}: open a new client`)
    }
    return null
  }

  /** @internal @param {object} question @returns {any} */
  _query(question) {
    return this._isGone || this._isClosed ? null : (this._parts.core?.query(question) ?? null)
  }

  /** @internal @param {(ticket: number) => string} makeJson @returns {Promise<any>} */
  _ask(makeJson) {
    const { core } = this._parts
    return core ? core.ask(makeJson).done : Promise.reject(this._refusal())
  }

  /** @internal @param {string} type @param {string} id @returns {Promise<void>} */
  async _command(type, id) {
    const refusal = this._refusal()
    if (refusal) throw refusal
    if (typeof id !== 'string') throw new SyncError('invalid-value', 'the id must be a text')
    const done = this._ask((ticket) => JSON.stringify({ type, ticket, id }))
    this._writes.pending.add(done)
    await done.finally(() => this._writes.pending.delete(done))
  }

  /** @internal */
  _lookAtStatus() {
    const { core, storage } = this._parts
    return {
      ...{ storage, isClosed: this._isClosing, isGone: this._isGone },
      told: core?.query({ status: true }) ?? null,
      broken: core?.broken ?? null,
      isReadOnly: core?.isReadOnly ?? false,
      isFailing: core?.isFailing ?? false,
    }
  }

  /** @internal @param {import('./engine.js').Later} later */
  _statusChanged(later) {
    this._status.changed(later)
  }

  /** Rows read differently now. @internal @param {string} name @param {string[]} keys @param {import('./engine.js').Later} later */
  _changed(name, keys, later) {
    const collection = this._collections.get(name)
    collection?._invalidate(keys)
    later(() => collection?._listeners.call(keys))
  }

  /** @internal @param {string} event @param {unknown} detail @param {import('./engine.js').Later} later */
  _notify(event, detail, later) {
    const listeners = Object.hasOwn(this._on, event)
      ? this._on[/** @type {ClientEvent} */ (event)]
      : null
    later(() => listeners?.call(deepFreeze(detail)))
  }

  /**
   * The user signed out, or another one signed in: from here on this client reads empty.
   * @internal
   * @param {string | null} newUserId
   */
  _userGone(newUserId) {
    if (this._isClosed) return
    /** @type {[Collection<any>, string[]][]} */
    const former = [...this._collections.values()].map((rows) => [rows, rows.keys()])
    const wasGone = this._isGone
    this._parts.core?.feed({ type: 'userGone' })
    this._isGone = true
    for (const [collection, keys] of former) {
      collection._clear()
      if (!wasGone && keys.length > 0) collection._listeners.call(keys)
    }
    this._statusChanged((notify) => notify())
    this._on.userchange.call(Object.freeze({ userId: newUserId }))
  }

  /** @internal @param {{ code: string, message: string }} error */
  _report(error) {
    try {
      this._parts.onError?.(errorInfo(error))
    } catch {
      // the place for failures failed: there is nobody left to tell
    }
  }
}

/** @param {AbortSignal | undefined} signal */
function aborted(signal) {
  return new SyncError('aborted', 'sync() was aborted', signal?.reason)
}
