// Owns the promise that no segment after a certain one is deleted: a shared Web Lock named after it, held by each
// context that writes. Under it the number after the newest segment that a context knows is free only if nobody wrote,
// so a commit need not look first. Knows no file. Where no lock can be had nothing is promised.
//
//   none --ask--> asked --granted--> held --confirm--> sure        ask again, for a later one: sure all the while, as
//     ^-------release (put away, closed)-------------'             the former is held until the new one is granted
//
// Why confirm: a context that folds installs its snapshot, looks for leases, then deletes. It may have looked just before
// this lease was granted. Whoever looks at the journal after that finds the snapshot, and knows all that is deleted.

import { within } from '../within.js'

/** Nobody ever excludes anybody here: a lock that is not granted at once is not to be had. */
const patienceMs = 2_000

/** @typedef {{ from: number, end: () => void, granted: Promise<unknown> }} Claim */

export class Lease {
  /** @param {string} name of the database @param {LockManager} [locks] */
  constructor(name, locks = globalThis.navigator?.locks) {
    this.prefix = `somatic-sync:${name}:journal-after-`
    this.locks = locks
    /** @type {Claim | null} not granted yet */
    this.asked = null
    /** @type {Claim | null} */
    this.held = null
    this.isSure = false
    this.isSuspended = false
  }

  /** Is the promise kept for all segments after this one, the newest that a context knows? @param {number} head */
  covers(head) {
    return this.isSure && this.held !== null && head >= this.held.from
  }

  /**
   * Instead of the lease there is.
   * @param {number} from
   * @returns {Promise<unknown>} resolves when it is held, or is not to be had; never rejects
   */
  ask(from) {
    if (!this.locks || this.isSuspended || this.held?.from === from) return Promise.resolve()
    if (this.asked?.from === from) return this.asked.granted
    /** @type {Claim} */
    const claim = { from, end: () => {}, granted: Promise.resolve() }
    this.asked = claim
    const granted = new Promise((resolve) => {
      const hold = () => {
        resolve(null)
        if (this.asked === claim) return this.take(claim)
      }
      this.locks
        ?.request(this.prefix + from, { mode: 'shared' }, hold)
        .catch(() => {})
        .then(() => this.drop(claim))
        .then(resolve)
    })
    claim.granted = within(patienceMs, granted, () => null).catch(() => {})
    return claim.granted
  }

  /** @param {Claim} claim @returns {Promise<void>} resolves when it is let go */
  take(claim) {
    this.asked = null
    this.held?.end()
    this.held = claim
    return new Promise((resolve) => {
      claim.end = resolve
    })
  }

  /** It was refused, let go, or stolen. @param {Claim} claim */
  drop(claim) {
    if (this.asked === claim) this.asked = null
    if (this.held === claim) this.release()
  }

  /** Called in a transaction that found the context to know the whole journal, or made it know. */
  confirm() {
    this.isSure = this.held !== null && !this.isSuspended
  }

  /** The context is put away: from here on it looks, and asks for nothing. */
  suspend() {
    this.isSuspended = true
    this.isSure = false
  }

  resume() {
    this.isSuspended = false
  }

  /** No commit may be under way: what it relies on may be deleted from here on. */
  release() {
    const { held } = this
    this.asked = null
    this.held = null
    this.isSure = false
    held?.end()
  }

  /**
   * Up to this segment no context relies on any. Infinity: none relies on anything.
   * @returns {Promise<number>} rejects where that cannot be told
   */
  async lowest() {
    const late = () => new Error('the browser does not tell who holds a lock')
    const { held = [], pending = [] } = (await within(patienceMs, this.locks?.query(), late)) ?? {}
    const from = [...held, ...pending].flatMap(({ name = '' }) =>
      name.startsWith(this.prefix) ? [Number(name.slice(this.prefix.length))] : [],
    )
    return Math.min(...from)
  }
}
