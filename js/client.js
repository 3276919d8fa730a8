// Owns SyncClient, the object the app holds, and what its calls promise. The work is done in
// client-state.js; what it is made of is put together in open.js.

import { Collection } from './collection.js'
import { SyncError } from './error.js'

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

/** @typedef {import('./client-state.js').ClientEvent} ClientEvent */

/** @typedef {{ state: import('./client-state.js').ClientState, collections: Map<string, Collection<any>> }} Inside */

/** @type {WeakMap<SyncClient<any>, Inside>} what a client is made of, out of the app's reach */
const insides = new WeakMap()

/**
 * One user's data on this device. Made by openSync().
 * @template {import('./schema.js').Schema} [S=import('./somatic-schema.js').SomaticSchema]
 */
export class SyncClient {
  /** @param {import('./client-state.js').ClientState} state */
  constructor(state) {
    /**
     * Whose data this is; null when nobody was ever signed in on this device.
     * @readonly
     * @type {string | null}
     */
    this.userId = state.parts.userId
    const { writes } = state
    const collections = [...state.rows].map(
      ([name, rows]) => /** @type {const} */ ([name, new Collection({ rows, writes })]),
    )
    insides.set(this, { state, collections: new Map(collections) })
  }

  /**
   * @template {keyof S['collections'] & string} K
   * @param {K} name
   * @returns {Collection<import('./schema.js').Row<S, K>>} the same object for the same name
   * @throws {SyncError} "unknown-collection"
   */
  collection(name) {
    const { collections, state } = inside(this)
    state.specOf(name) // throws
    return /** @type {Collection<any>} */ (collections.get(name))
  }

  /**
   * Makes all writes issued inside (synchronously) durable together or not at all; they travel in
   * the same push. Reads inside still see what was before.
   * @param {() => void} write when it throws, nothing is written and the promise rejects with that
   * @returns {Promise<void>}
   */
  batch(write) {
    return of(this).writes.batch(write)
  }

  /**
   * Pushes everything pending, then pulls everything new. Concurrent calls share one run.
   * @param {{ signal?: AbortSignal, onProgress?: (progress: SyncProgress) => void }} [options]
   * @returns {Promise<SyncReport>} rejects with a SyncError when the run could not finish, never
   *   because of rejected rows; nothing is lost
   */
  async sync({ signal, onProgress } = {}) {
    const state = of(this)
    const { core } = state.parts
    const refusal = state.refusal()
    if (refusal || !core) throw refusal
    if (signal?.aborted) throw aborted(signal)
    const { ticket, done } = core.ask((ticket) => JSON.stringify({ type: 'syncNow', ticket }))
    const stopProgress = onProgress && state.onProgress.add(onProgress)
    let onAbort = () => {}
    const abort = new Promise((_, reject) => {
      onAbort = () => {
        core.tickets.forget(ticket)
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
    const state = of(this)
    const before = this.status().lastSyncedAt
    const calledAt = state.parts.now()
    return new Promise((resolve, reject) => {
      let stop = () => {}
      const look = () => {
        const refusal = state.refusal()
        const { pending, lastSyncedAt } = this.status()
        const isNewer = lastSyncedAt !== before || (lastSyncedAt ?? 0) > calledAt
        if (refusal) reject(refusal)
        else if (pending === 0 && lastSyncedAt !== null && isNewer) resolve()
        else return
        stop()
      }
      stop = state.status.listeners.add(look)
      look()
      if (!state.refusal()) state.parts.contexts?.poke()
    })
  }

  /**
   * How things stand; the same frozen object while nothing changed.
   * @returns {import('./status.js').SyncStatus}
   */
  status() {
    const { parts, status } = of(this)
    parts.core?.catchUp() // a write made just now counts
    return status.get()
  }

  /**
   * Calls the listener after the status changed.
   * @param {(status: import('./status.js').SyncStatus) => void} listener
   * @returns {() => void} stops it
   */
  subscribe(listener) {
    return of(this).status.listeners.add(listener)
  }

  /**
   * userchange: { userId } of who is signed in now, or null. rejected: a RejectedMutation.
   * overwritten: an OverwrittenText. archetypeDue: { entries, since }, the sovereign entries there are
   * and those the last analysis knew; answerArchetype() answers it.
   * @param {ClientEvent} event
   * @param {(detail: unknown) => void} listener
   * @returns {() => void} stops it
   * @throws {SyncError} "invalid-value" for an unknown event
   */
  on(event, listener) {
    const listeners = of(this).on
    if (!Object.hasOwn(listeners, event)) {
      throw new SyncError('invalid-value', `there is no event "${event}"`)
    }
    const stop = listeners[event].add(listener)
    // it may have been due before anybody listened
    if (event === 'archetypeDue') of(this).insights?.ask(0)
    return stop
  }

  /**
   * Mutations the server refused for good, with its reason.
   * @returns {RejectedMutation[]}
   */
  rejected() {
    return of(this).query({ rejected: true }) ?? []
  }

  /**
   * Tries a rejected mutation again with the next push.
   * @param {string} id
   * @returns {Promise<void>}
   */
  retryRejected(id) {
    return of(this).command('retryRejected', id)
  }

  /**
   * Drops that mutation only: the row shows the server's value again.
   * @param {string} id
   * @returns {Promise<void>}
   */
  discardRejected(id) {
    return of(this).command('discardRejected', id)
  }

  /**
   * Texts that lost a merge, newest first.
   * @returns {OverwrittenText[]}
   */
  overwritten() {
    return of(this).query({ overwritten: true }) ?? []
  }

  /**
   * Writes such a text back.
   * @param {string} id
   * @returns {Promise<void>}
   */
  restoreOverwritten(id) {
    return of(this).command('restoreOverwritten', id)
  }

  /**
   * Texts that mean what the query means, best first: here, also offline. Without a vector for the query
   * (no embedder, or it cannot be reached) by its words; each match says which.
   * @param {ArrayLike<number> | string} query a vector, or a text for the embedder
   * @param {import('./search/search.js').SearchOptions} [options]
   * @returns {Promise<import('./search/search.js').Match[]>}
   */
  async search(query, options) {
    return (await of(this).search()).search(query, options)
  }

  /**
   * What is worth putting before an assistant: passages found by meaning and by words, each once.
   * @param {string} query
   * @param {import('./search/search.js').ContextOptions} [options]
   * @returns {Promise<{ text: string, matches: import('./search/search.js').Match[] }>}
   */
  async context(query, options) {
    return (await of(this).search()).context(query, options)
  }

  /**
   * Reads the stored vectors into memory, where they stay. Until then a vector field reads undefined
   * where its vector is on the disk only; search() does not need this.
   * @returns {Promise<void>}
   */
  loadVectors() {
    return of(this).loadVectors()
  }

  /**
   * Read-through cache for answers of an API (docs/caches.md). Gives the stored fields if they are
   * fresh for the same inputs; else, online, pulls once, for at most 1.5 s; else calls the loader and
   * stores, syncs and gives what it answers. Concurrent callers share one load. When the loader
   * fails or takes over 30 s, gives what was stored for these inputs, however old.
   *
   * Fields: those the loader gives; default all but the key, cachedAt and fresh. Inputs: what the
   * answer depends on; coordinates count to 0.1 degree. MaxAgeMs: default the schema's.
   * @template T
   * @param {string} collection with a JSON field "fresh"
   * @param {string} key
   * @param {() => Promise<T>} loader gives an object of the fields; null is answered, not stored
   * @param {{ fields?: string[], inputs?: unknown, maxAgeMs?: number }} [options]
   * @returns {Promise<T>} frozen; rejects with the loader's error when there is nothing stored, with
   *   a SyncError when its result is not a valid row
   */
  cached(collection, key, loader, options) {
    return of(this).caches.get(collection, key, loader, options)
  }

  /**
   * Everything the user owns, pending work included, as one JSON value (docs/backup.md). Works offline.
   * Holds all of it in memory, vectors too: exportStream() does not.
   * @returns {Promise<import('./backup/format.js').Backup>}
   */
  exportData() {
    return of(this).exportData()
  }

  /**
   * The same as UTF-8, made piece by piece as it is read. Reading fails with a SyncError where
   * exportData() would have rejected.
   * @returns {ReadableStream<Uint8Array<ArrayBuffer>>}
   */
  exportStream() {
    return of(this).exportStream()
  }

  /**
   * Merges a backup of this user into what is here, by the rules of the fields; of counters the larger
   * stays. Importing again, or beside a device that still sends the same work, changes nothing. It
   * need not be online.
   * @param {import('./backup/format.js').Backup | Blob | ReadableStream<Uint8Array>} backup
   * @returns {Promise<{ written: number, skipped: number }>} rows that it changed, and that it did not.
   *   Rejects with "invalid-value", having changed nothing, when the backup is cut off, damaged, of
   *   another user, of a newer version, or none. After any other failure import it again: the rest follows
   */
  importData(backup) {
    return of(this).importData(backup)
  }

  /**
   * Forgets the local copy, in every open tab, and closes this client. What the server has stays there.
   * @param {{ force?: boolean }} [options] force: also work that was never sent, or was refused
   * @returns {Promise<void>} rejects with "unsent-work" while there is some, having forgotten nothing
   */
  wipe({ force = false } = {}) {
    return of(this).wipe(force)
  }

  /**
   * Removes everything the user owns on the server, then the local copy in every open tab, and closes this
   * client. Other devices of the account drop theirs at their next sync. Signing out, and deleting the user
   * in Supabase Auth, is the app's.
   * @returns {Promise<void>} rejects offline, having removed nothing
   */
  deleteAccount() {
    return of(this).deleteAccount()
  }

  /**
   * Refuses new work, lets what was written become durable, closes the database. Calls that still
   * wait for the network reject with "closed".
   * @returns {Promise<void>}
   */
  close() {
    return of(this).close()
  }
}

/** @param {SyncClient<any>} client @returns {Inside} */
function inside(client) {
  return /** @type {Inside} */ (insides.get(client))
}

/**
 * What is behind a client, for the package's own modules and tests.
 * @param {SyncClient<any>} client
 * @returns {import('./client-state.js').ClientState}
 */
export function stateOf(client) {
  return inside(client).state
}

const of = stateOf

/** @param {AbortSignal | undefined} signal */
function aborted(signal) {
  return new SyncError('aborted', 'sync() was aborted', signal?.reason)
}
