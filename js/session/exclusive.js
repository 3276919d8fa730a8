// Owns doing something in one context of the origin at a time: a Web Lock, and a queue of this process
// where there are none. Knows nothing of what is done.

/** Longer than anybody works who is alive: what still holds the lock then is frozen. */
const patienceMs = 25_000

/**
 * Work must be bounded by itself, and right even if somebody impatient does it at the same time: a
 * page in the back/forward cache keeps its lock for ever, so a lock that is held too long is stolen.
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export function exclusively(name, work, waitMs = patienceMs) {
  const locks = globalThis.navigator?.locks
  return locks ? underLock(locks, name, work, waitMs) : inTurn(name, work)
}

/**
 * @template T
 * @param {LockManager} locks
 * @param {string} name
 * @param {() => Promise<T>} work
 * @param {number} waitMs
 * @returns {Promise<T>}
 */
function underLock(locks, name, work, waitMs) {
  return new Promise((resolve, reject) => {
    const waiting = new AbortController()
    const timer = setTimeout(() => waiting.abort(), waitMs)
    let isStarted = false
    const start = async () => {
      isStarted = true
      clearTimeout(timer)
      await work().then(resolve, reject)
    }
    /** @param {unknown} error */
    const refused = (error) => {
      clearTimeout(timer)
      if (!isStarted) reject(error) // else the lock was stolen from us: the work goes on
    }
    locks.request(name, { signal: waiting.signal }, start).catch((error) => {
      if (isStarted || !waiting.signal.aborted) refused(error)
      else locks.request(name, { steal: true }, start).catch(refused)
    })
  })
}

/** @type {Map<string, Promise<unknown>>} the last in each queue */
const queues = new Map()

/**
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
function inTurn(name, work) {
  const result = (queues.get(name) ?? Promise.resolve()).then(work)
  const last = result.then(
    () => {},
    () => {},
  )
  queues.set(name, last)
  last.then(() => queues.get(name) === last && queues.delete(name))
  return result
}
