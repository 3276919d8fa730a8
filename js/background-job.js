// Owns when work that nobody waits for is done: some time after it was asked for, one at a time, and again when
// something was asked for in the middle of it. Knows no work.

import { idleTimeout } from './within.js'

export class BackgroundJob {
  /**
   * @param {object} parts
   * @param {() => Promise<void>} parts.work
   * @param {(error: unknown) => void} parts.onError not once it was stopped
   * @param {number} parts.quietMs how long work under way is left alone by what is asked meanwhile
   */
  constructor({ work, onError, quietMs }) {
    this.work = work
    this.onError = onError
    this.quietMs = quietMs
    this.isStopped = false
    /** when it is to be done, by performance.now() */
    this.due = 0
    /** @type {ReturnType<typeof setTimeout> | undefined} may fire before it is due: it is not set again for each call */
    this.timer = undefined
    this.firesAt = 0
    /** @type {Promise<void> | null} */
    this.running = null
  }

  /** Instead of what was asked for before. @param {number} ms */
  wake(ms) {
    if (this.isStopped) return
    this.due = performance.now() + ms
    if (this.timer !== undefined && this.firesAt <= this.due) return
    this.set()
  }

  set() {
    clearTimeout(this.timer)
    this.firesAt = this.due
    this.timer = idleTimeout(() => this.fire(), this.due - performance.now())
  }

  fire() {
    this.timer = undefined
    if (this.due > performance.now()) this.set()
    // work that is under way may have begun before the last change
    else if (this.running) this.wake(this.quietMs)
    else this.run()
  }

  /** Now, unless it is under way. Resolves when it ended, also if it failed. @returns {Promise<void>} */
  run() {
    this.running ??= this.work()
      .catch((error) => {
        if (!this.isStopped) this.onError(error)
      })
      .finally(() => {
        this.running = null
      })
    return this.running
  }

  /** Work under way is let end. */
  async stop() {
    this.isStopped = true
    clearTimeout(this.timer)
    await this.running
  }
}
