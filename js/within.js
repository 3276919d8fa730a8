// Owns waiting: for something that may never answer (a callback of a lost database connection, a request on a dead
// network, an auth library that retries for ever), and between two tries.

/**
 * @template T
 * @param {number} ms
 * @param {T | PromiseLike<T>} promise
 * @param {() => unknown} makeError what to reject with when the time is over
 * @returns {Promise<T>}
 */
export function within(ms, promise, makeError) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(makeError()), ms)
    Promise.resolve(promise)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer))
  })
}

/** @param {number} ms @param {AbortSignal} [signal] ends it early @returns {Promise<void>} never rejects */
export function pause(ms, signal) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, signal?.aborted ? 0 : ms)
    signal?.addEventListener('abort', end)
  })
}

/**
 * setTimeout that does not keep a Node process alive.
 * @param {() => void} callback
 * @param {number} ms
 * @returns {ReturnType<typeof setTimeout>}
 */
export function idleTimeout(callback, ms) {
  /** @type {any} a number in browsers, an object in Node */
  const timer = setTimeout(callback, ms)
  timer.unref?.()
  return timer
}
