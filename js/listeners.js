// Owns a set of the app's callbacks. One that throws is reported and does not stop the others.

/**
 * @template T
 */
export class Listeners {
  /** @param {(error: unknown) => void} onThrow */
  constructor(onThrow) {
    this.onThrow = onThrow
    /** @type {Set<{ listener: (detail: T) => void }>} */
    this.entries = new Set()
  }

  get hasAny() {
    return this.entries.size > 0
  }

  /** @param {(detail: T) => void} listener @returns {() => void} takes it out again */
  add(listener) {
    // an entry of its own: the same function may be added twice and taken out once
    const entry = { listener }
    this.entries.add(entry)
    return () => {
      this.entries.delete(entry)
    }
  }

  /** @param {T} detail */
  call(detail) {
    for (const entry of [...this.entries]) {
      if (!this.entries.has(entry)) continue // taken out by one before it
      try {
        entry.listener(detail)
      } catch (error) {
        this.onThrow(error)
      }
    }
  }
}
