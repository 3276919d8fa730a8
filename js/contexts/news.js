// Owns when the other contexts are told that something was written: soon, and once for what is written together. A
// message costs as much as a write. Knows nothing of what was written, nor of who hears it.

import { idleTimeout } from '../within.js'

const soonMs = 10

export class News {
  /** @param {{ post: () => void, isHidden: () => boolean }} parts isHidden: timers are held up */
  constructor({ post, isHidden }) {
    this.post = post
    this.isHidden = isHidden
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined
  }

  tell() {
    if (this.isHidden()) this.post()
    else this.timer ??= idleTimeout(() => this.flush(), soonMs)
  }

  /** Tells what was not told yet: nobody may be there to do it later. */
  flush() {
    if (this.timer === undefined) return
    clearTimeout(this.timer)
    this.timer = undefined
    this.post()
  }
}
