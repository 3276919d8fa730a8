// Owns noticing that what should have been answered was not, with one timer for all that is waited for:
// one for each would cost more than a write. Knows not what is waited for.

export class Watchdog {
  /** @param {number} ms how long is too long */
  constructor(ms) {
    this.ms = ms
    /** @type {Set<{ until: number, onLate: () => void }>} the oldest first */
    this.waiting = new Set()
    /** @type {any} a number in browsers, an object in Node */
    this.timer = undefined
  }

  /** @param {() => void} onLate @returns {() => void} it was answered */
  watch(onLate) {
    const entry = { until: performance.now() + this.ms, onLate }
    this.waiting.add(entry)
    if (this.timer === undefined) this.set(this.ms)
    this.timer.ref?.()
    return () => {
      this.waiting.delete(entry)
      // keeps no Node process alive for nothing
      if (this.waiting.size === 0) this.timer?.unref?.()
    }
  }

  /** @param {number} ms */
  set(ms) {
    this.timer = setTimeout(() => this.look(), ms)
  }

  look() {
    this.timer = undefined
    for (const entry of this.waiting) {
      const left = entry.until - performance.now()
      if (left > 0) return this.set(left)
      this.waiting.delete(entry)
      entry.onLate()
    }
  }
}
