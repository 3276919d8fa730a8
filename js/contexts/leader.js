// Owns the election of the one context that starts syncing by itself: who holds a Web Lock leads. Knows
// nothing of rows, segments or requests. Two leaders at once would be harmless, so where no lock can be
// had everybody leads.
//
//   away --start--> queued --granted--> leading        leave: pagehide, freeze, close
//    ^                 ^                   |
//    +------leave------+--stolen, gave way-+
//
// The visible one first: a hidden leader gives way when a visible follower calls. A leader that does
// not answer a call (frozen, stopped in a debugger, stuck) is stolen from.

import { idleTimeout } from '../within.js'

/** How long a leader may take to answer a call. Hidden followers leave it to visible ones first. */
const silenceMs = { visible: 1_500, hidden: 2_500 }
/** Doubled at each theft that no answer followed, as when messages do not get through at all. */
const doublingsMax = 6
/** How long a leader that has answered is trusted to be still there. */
const trustMs = 5_000

/**
 * @typedef {object} LeaderParts
 * @property {string} name of the lock
 * @property {LockManager} locks
 * @property {(message: import('./channel.js').Message) => void} post to the other contexts
 * @property {() => boolean} isVisible
 * @property {() => boolean} hasWork is something unsent?
 * @property {(isLeading: boolean) => void} onLead
 * @property {(pull: boolean) => void} onCalled another context has unsent work, or wants what is new
 */

/** @typedef {{ isHeld: boolean, end: () => void }} Claim on the lock: a place in the queue, or held */

export class Leader {
  /** @param {LeaderParts} parts */
  constructor(parts) {
    this.parts = parts
    this.isLeading = false
    /** @type {Claim | null} */
    this.claim = null
    /** @type {ReturnType<typeof setTimeout> | undefined} runs while a call is unanswered */
    this.silence = undefined
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.lookAgain = undefined
    this.answeredAt = Number.NEGATIVE_INFINITY
    this.thefts = 0
  }

  start() {
    if (!this.claim) this.queue({})
  }

  /** Lets go of the lock, or of the place in the queue. */
  leave() {
    const { claim } = this
    this.claim = null
    claim?.end()
    this.lead(false)
    this.stopWaiting()
  }

  /**
   * Wants the leader's attention, and the lead if there is no such leader.
   * @param {boolean} pull also what is new on the server, not only unsent work
   */
  async call(pull) {
    if (!this.claim || this.isLeading) return
    const { locks, isVisible, post } = this.parts
    const ms = silenceMs[isVisible() ? 'visible' : 'hidden'] * 2 ** this.thefts
    this.silence ??= idleTimeout(() => this.steal(), ms)
    // Answered only after the request that was made before it: we stand in the queue by the time a
    // hidden leader gives way and queues again.
    await locks.query().catch(() => {})
    if (this.claim && !this.isLeading) post({ type: 'call', pull, visible: isVisible() })
  }

  /** Something may be unsent here: somebody must be there to send it. */
  look() {
    if (!this.claim || this.isLeading || this.silence || this.lookAgain) return
    if (!this.parts.hasWork()) return
    const trusted = this.answeredAt + trustMs - performance.now()
    if (trusted <= 0) {
      this.call(false)
      return
    }
    this.lookAgain = idleTimeout(() => {
      this.lookAgain = undefined
      this.look()
    }, trusted)
  }

  /** This context is not visible any more: one that is may want the lead. */
  hide() {
    if (this.isLeading) this.parts.post({ type: 'hidden' })
  }

  /** @param {import('./channel.js').Message} message */
  hear(message) {
    const { isVisible, post, onCalled } = this.parts
    if (message.type === 'call' && message.visible && !isVisible()) {
      // also from a place in the queue: the visible one is behind us otherwise
      if (this.claim) this.queue({})
    } else if (message.type === 'call' && this.isLeading) {
      post({ type: 'leading' })
      onCalled(message.pull === true)
    } else if (message.type === 'leading') {
      this.stopWaiting()
      this.thefts = 0
      this.answeredAt = performance.now()
      this.look()
    } else if (message.type === 'hidden' && isVisible()) {
      this.call(false)
    }
  }

  steal() {
    this.stopWaiting()
    this.thefts = Math.min(this.thefts + 1, doublingsMax)
    this.queue({ steal: true })
  }

  /**
   * Makes a claim in place of the one there was.
   * @param {{ steal?: boolean }} how
   */
  queue({ steal }) {
    const former = this.claim
    const withdrawal = new AbortController()
    let release = () => {}
    /** @type {Claim} */
    const claim = {
      isHeld: false,
      end: () => {
        withdrawal.abort()
        release()
      },
    }
    const hold = () =>
      /** @type {Promise<void>} */ (
        new Promise((resolve) => {
          if (this.claim !== claim) return resolve()
          release = resolve
          claim.isHeld = true
          this.lead(true)
        })
      )
    const over = () => {
      if (this.claim !== claim) return // let go on purpose
      if (!claim.isHeld) return this.lead(true) // no lock can be had here
      this.queue({}) // stolen: we were not there
    }
    this.claim = claim
    const options = steal ? { steal } : { signal: withdrawal.signal }
    this.parts.locks.request(this.parts.name, options, hold).then(over, over)
    former?.end()
    this.lead(false)
  }

  /** @param {boolean} isLeading */
  lead(isLeading) {
    if (this.isLeading === isLeading) return
    this.isLeading = isLeading
    this.stopWaiting()
    if (isLeading) this.parts.post({ type: 'leading' }) // whoever is about to steal need not
    this.parts.onLead(isLeading)
    this.look()
  }

  stopWaiting() {
    clearTimeout(this.silence)
    clearTimeout(this.lookAgain)
    this.silence = undefined
    this.lookAgain = undefined
  }
}
