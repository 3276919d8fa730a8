// Owns letting the contexts of one database do something one after the other, or one of them alone, where
// that saves work: nothing may go wrong when two do it at once. Knows nothing of what is done.

/**
 * Does the work when no other context does work of that name, or after `waitMs` all the same: whoever
 * holds the lock that long may be frozen. At once where there are no Web Locks.
 * @template T
 * @param {string} name
 * @param {number} waitMs
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export function inTurn(name, waitMs, work) {
  const locks = globalThis.navigator?.locks
  if (!locks) return work()
  return new Promise((resolve, reject) => {
    let isStarted = false
    const start = async () => {
      if (isStarted) return
      isStarted = true
      clearTimeout(timer)
      await work().then(resolve, reject)
    }
    const waiting = new AbortController()
    const timer = setTimeout(() => waiting.abort(), waitMs)
    // Withdrawn, stolen or refused, as in a sandboxed frame: the work is done without the lock.
    locks.request(name, { signal: waiting.signal }, start).catch(start)
  })
}

/**
 * Does the work unless another context is doing work of that name. Always where there are no Web Locks.
 * @param {string} name
 * @param {() => Promise<void>} work
 * @returns {Promise<boolean>} false: another one is at it
 */
export async function ifFree(name, work) {
  const locks = globalThis.navigator?.locks
  if (!locks) {
    await work()
    return true
  }
  return locks.request(name, { ifAvailable: true }, async (lock) => {
    if (lock) await work()
    return lock !== null
  })
}
