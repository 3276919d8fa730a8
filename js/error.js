// Owns SyncError and the list of codes it may carry. Knows nothing of what fails.
//
// The list repeats wasm/base/error.hpp, because an error may have to be made before the module is
// loaded; tests/js/error.test.js holds the two against each other.

/**
 * A failure and what to do about it. `code` is one of `errorCodes`; `retryable` true: the same call
 * may succeed later without the caller changing anything.
 * @typedef {{ code: string, message: string, retryable: boolean }} SyncErrorInfo
 */

/** Every code, and whether trying again may help. */
export const errorCodes = Object.freeze({
  'unknown-collection': false,
  'unknown-field': false,
  'invalid-value': false,
  'too-large': false,
  'signed-out': true,
  closed: false,
  offline: true,
  unauthorized: true,
  'migrations-missing': true,
  quota: true,
  'storage-lost': true,
  'storage-damaged': false,
  'reload-needed': false,
  'unsent-work': false,
  locked: true,
  'wrong-secret': false,
  aborted: true,
  server: true,
  invariant: false,
})

/** The one kind of error the library throws and rejects with. */
export class SyncError extends Error {
  /**
   * @param {string} code one of `errorCodes`; any other is shown as it is, not retryable
   * @param {string} message what went wrong and where
   * @param {unknown} [cause] the error underneath, where there is one
   */
  constructor(code, message, cause) {
    super(message)
    this.name = 'SyncError'
    /** @type {string} */
    this.code = code
    /** @type {boolean} */
    this.retryable = Object.hasOwn(errorCodes, code) && errorCodes[/** @type {'closed'} */ (code)]
    /** @type {unknown} */
    this.cause = cause
  }
}

/**
 * The plain, frozen form for onError and status().lastError.
 * @param {{ code: string, message: string }} error
 * @returns {SyncErrorInfo}
 */
export function errorInfo({ code, message }) {
  return Object.freeze({ code, message, retryable: new SyncError(code, '').retryable })
}

/**
 * The text of anything that was thrown.
 * @param {unknown} error
 * @returns {string}
 */
export function messageOf(error) {
  if (error instanceof Error) return error.message || error.name
  if (typeof error === 'object' && error !== null && 'message' in error) {
    return String(error.message)
  }
  return String(error)
}

/**
 * What was thrown, if it is a SyncError; else one of this code that carries it.
 * @param {unknown} error
 * @param {string} code
 * @param {string} [what] did not work
 * @returns {SyncError}
 */
export function asSyncError(error, code, what = '') {
  if (error instanceof SyncError) return error
  const message = messageOf(error)
  return new SyncError(code, what ? `${what}: ${message}` : message, error)
}

/** @returns {SyncError} */
export function closedError() {
  return new SyncError('closed', 'the client is closed')
}
