// Owns the runs of a worker: one client, however many events want it, each with its own end. Knows no
// event; what an outcome means to the browser is worker.js's.

import { asSyncError, SyncError } from '../error.js'
import { pause, within } from '../within.js'

/** @typedef {import('../client.js').SyncClient<any>} Client */
/** @typedef {import('../client.js').SyncReport} SyncReport */

/**
 * Done; or the failure, and whether a later try may do better without anybody's help.
 * @typedef {{ report: SyncReport } | { error: SyncError, mayPass: boolean }} Outcome
 */

/** The others wait for somebody: to sign in, to run the migrations, to load a newer version. */
const passing = ['offline', 'server', 'aborted', 'quota', 'storage-lost']
const firstPauseMs = 5_000

export class Runs {
  /** @param {() => Promise<Client>} open a client that talks to the network in sync() only */
  constructor(open) {
    this.open = open
    this.users = 0
    /** @type {Promise<Client> | null} */
    this.client = null
    /** @type {Promise<unknown>} the former client's end */
    this.closed = Promise.resolve()
  }

  /**
   * Pushes and pulls, for `limitMs` at most: what was answered until then is durable, the rest is
   * still pending.
   * @param {{ limitMs: number, keepTrying?: boolean }} options keepTrying: until the time is over,
   *   where nobody else will try again
   * @returns {Promise<Outcome>}
   */
  async run({ limitMs, keepTrying = false }) {
    const timeUp = new AbortController()
    const timer = setTimeout(() => timeUp.abort(), limitMs)
    try {
      for (let pauseMs = firstPauseMs; ; pauseMs *= 2) {
        const outcome = await this.attempt(timeUp.signal)
        const isOver = 'report' in outcome || !outcome.mayPass || timeUp.signal.aborted
        if (isOver || !keepTrying) return outcome
        await pause(pauseMs, timeUp.signal)
        if (timeUp.signal.aborted) return outcome
      }
    } finally {
      clearTimeout(timer)
    }
  }

  /** @param {AbortSignal} signal @returns {Promise<Outcome>} */
  async attempt(signal) {
    const client = this.acquire()
    try {
      // A client that is there already reads in its next commit what a page wrote meanwhile.
      return { report: await (await unless(signal, client)).sync({ signal }) }
    } catch (cause) {
      const error = asSyncError(cause, 'server')
      return { error, mayPass: passing.includes(error.code) }
    } finally {
      await this.release(client)
    }
  }

  /** @returns {Promise<Client>} */
  acquire() {
    this.users += 1
    this.client ??= this.closed.then(this.open)
    this.client.catch(() => {})
    return this.client
  }

  /** The last one closes it: a worker may be ended at any time after. @param {Promise<Client>} client */
  async release(client) {
    this.users -= 1
    if (this.users > 0) return
    this.client = null
    this.closed = client.then((opened) => opened.close()).catch(() => {})
    await within(closeMs, this.closed, () => null).catch(() => {})
  }
}

/** A database that does not answer must not hold up the event for longer. */
const closeMs = 10_000

/**
 * @template T
 * @param {AbortSignal} signal
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
function unless(signal, promise) {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new SyncError('aborted', 'the time of the worker is up'))
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject)
  })
}
