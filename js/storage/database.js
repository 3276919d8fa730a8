// Owns one connection to one IndexedDB database: opening it, noticing that it was lost, and what its
// failures are called. Knows no record.

import { messageOf, SyncError } from '../error.js'
import { within } from '../within.js'
import { forgetLog, freshLog } from './fresh-log.js'
import { Watchdog } from './watchdog.js'

/**
 * @typedef {object} DatabaseOptions
 * @property {string} name
 * @property {number} version
 * @property {(db: IDBDatabase, transaction: IDBTransaction) => void} upgrade makes what is missing
 * @property {number} timeoutMs how long a callback may take before it counts as lost
 */

export class Database {
  /** @param {DatabaseOptions} options */
  constructor(options) {
    this.options = options
    this.watchdog = new Watchdog(options.timeoutMs)
    /** @type {IDBDatabase | null} */
    this.db = null
    /** @type {Promise<IDBDatabase> | null} */
    this.opening = null
    /** false: a database that is not there any more is not made again */
    this.mayCreate = true
  }

  /**
   * The connection; opened when there is none or the one before was lost.
   * @returns {Promise<IDBDatabase>}
   */
  async open() {
    if (this.db) return this.db
    this.opening ??= this.connect().finally(() => {
      this.opening = null
    })
    return this.opening
  }

  /** @returns {Promise<IDBDatabase>} */
  async connect() {
    const { name, version, upgrade, timeoutMs } = this.options
    await freshLog()
    const request = indexedDB.open(name, version)
    let isWanted = true
    let isGone = false
    /** @type {Promise<IDBDatabase>} */
    const opened = new Promise((resolve, reject) => {
      request.onupgradeneeded = () => {
        const transaction = /** @type {IDBTransaction} */ (request.transaction)
        // The user cleared the site's data while this page was open: what it still has in memory
        // must not come back.
        isGone = !this.mayCreate
        if (isGone) transaction.abort()
        else upgrade(request.result, transaction)
      }
      request.onerror = (event) => {
        event.preventDefault() // Firefox prints an error nobody prevented
        reject(isGone ? clearedError() : request.error)
      }
      request.onsuccess = () => {
        if (isWanted) resolve(request.result)
        else request.result.close()
      }
    })
    const late = () => timeoutError('opening the database')
    const db = await within(timeoutMs, opened, late).finally(() => {
      isWanted = false
    })
    this.db = db
    // Somebody wants to delete or upgrade the database: holding on would block them for ever.
    db.onversionchange = () => this.drop(db)
    db.onclose = () => {
      forgetLog()
      this.drop(db)
    }
    return db
  }

  /** Closes the connection, or only `db` if it still is the one; the next open() makes another. */
  drop(db = this.db) {
    db?.close()
    if (this.db === db) this.db = null
  }

  /**
   * Runs one transaction. `work` issues requests and calls `fail` to give up; an exception in it
   * gives up too.
   * @template T
   * @param {string} store
   * @param {IDBTransactionMode} mode
   * @param {IDBTransactionOptions} options
   * @param {(store: IDBObjectStore, fail: (error: unknown) => void) => () => T} work returns what
   *   gives the result, asked when the transaction is complete
   * @returns {Promise<T>} once complete; rejects with what the browser said
   */
  async transaction(store, mode, options, work) {
    // without a turn in between where there is a connection: what waits its turn is less urgent
    const db = this.db ?? (await this.open())
    const transaction = db.transaction(store, mode, options)
    /** @returns {boolean} false: it is over already, or about to be */
    const abort = () => {
      try {
        transaction.abort()
        return true
      } catch {
        return false
      }
    }
    return new Promise((resolve, reject) => {
      const answered = this.watchdog.watch(() =>
        reject(timeoutError('a transaction', abort() ? undefined : endIsUnknown)),
      )
      /** @param {unknown} error */
      const fail = (error) => {
        answered()
        reject(error)
        abort()
      }
      transaction.onerror = (event) => event.preventDefault()
      transaction.onabort = () => fail(transaction.error ?? new Error('transaction aborted'))
      try {
        const result = work(transaction.objectStore(store), fail)
        transaction.oncomplete = () => {
          answered()
          resolve(result())
        }
      } catch (error) {
        fail(error)
      }
    })
  }
}

/**
 * Runs `then` when a request has its result; an exception in it gives the transaction up.
 * @template T
 * @param {IDBRequest<T>} request
 * @param {(error: unknown) => void} fail
 * @param {(result: T) => void} then
 */
export function onResult(request, fail, then) {
  request.onerror = () => {
    // a request that dies with its transaction does not know why: the transaction's onabort does
    if (request.error?.name !== 'AbortError') fail(request.error)
  }
  request.onsuccess = () => {
    try {
      then(request.result)
    } catch (error) {
      fail(error)
    }
  }
}

/**
 * What a failure of IndexedDB is called in the public API.
 * @param {unknown} error
 * @returns {SyncError} "quota" or "storage-lost"; a SyncError stays what it is
 */
export function storageError(error) {
  if (error instanceof SyncError) return error
  const { name } = /** @type {{ name?: unknown }} */ (error ?? {})
  if (name === 'QuotaExceededError') {
    return new SyncError('quota', 'the device has no room left for this site', error)
  }
  return new SyncError('storage-lost', `the local database failed: ${messageOf(error)}`, error)
}

/** The local data went away under an open client. */
export function clearedError() {
  return new SyncError('storage-lost', 'the local database was cleared: open a new client')
}

/** Of a transaction that may be stored all the same. @param {unknown} [cause] */
export function unknownEnd(cause) {
  return new SyncError(
    'storage-lost',
    'the local database was lost while it was written: look whether this write is there',
    cause,
  )
}

/** The cause of a failure after which a transaction may be stored all the same: it could not be aborted any more. */
export const endIsUnknown = new Error('the transaction was at its end')

/** @param {string} what @param {Error} [cause] */
function timeoutError(what, cause) {
  const text = `the local database does not answer: ${what} took too long`
  return new SyncError('storage-lost', text, cause)
}
