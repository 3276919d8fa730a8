// Owns what a write is told whose transaction may be stored though its end was never heard of, and what becomes known
// of it later. Whoever would repeat such a write waits for that: what counts would count twice.

import { SyncError } from './error.js'

/** @typedef {boolean | null} Fate stored or not; null: nobody can tell any more */

/** @type {WeakMap<object, Promise<Fate>>} */
const fates = new WeakMap()

/** @param {unknown} [cause] @param {Promise<Fate>} [fate] @returns {SyncError} */
export function unknownEnd(cause, fate) {
  const error = new SyncError(
    'storage-lost',
    'the local database was lost while it was written: look whether this write is there',
    cause,
  )
  error.retryable = false
  if (fate) fates.set(error, fate)
  return error
}

/**
 * Undefined: nothing of it is stored. Never rejects.
 * @param {unknown} error that a write was rejected with
 * @returns {Promise<Fate> | undefined}
 */
export function fateOf(error) {
  return typeof error === 'object' && error !== null ? fates.get(error) : undefined
}
