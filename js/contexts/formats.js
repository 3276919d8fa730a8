// Owns which formats of stored data the open contexts of one database know, so that a newer build
// writes what an older one beside it can read. Knows no format. Should it not be told in time, the older
// one goes read-only and asks for a reload: nothing is lost.

const prefix = (/** @type {string} */ name) => `somatic-sync:${name}:format-`

export class Formats {
  /**
   * @param {object} parts
   * @param {string} parts.name of the database
   * @param {number} parts.format the newest that this context knows
   * @param {LockManager | undefined} parts.locks without them nobody is waited for
   * @param {(format: number) => void} parts.onLimit called when the newest that all know is another
   */
  constructor({ name, format, locks, onLimit }) {
    this.prefix = prefix(name)
    this.format = format
    this.locks = locks
    this.onLimit = onLimit
    this.limit = format
    /** @type {(() => void) | null} */
    this.release = null
  }

  /** From here on the others know of this one. */
  enter() {
    if (this.release || !this.locks) return
    const held = new Promise((resolve) => {
      this.release = () => resolve(undefined)
    })
    const name = this.prefix + this.format
    this.locks.request(name, { mode: 'shared' }, () => held).catch(() => {})
  }

  leave() {
    this.release?.()
    this.release = null
  }

  /** Who is open may have changed. */
  async look() {
    const { held = [], pending = [] } = (await this.locks?.query()) ?? {}
    const others = [...held, ...pending].flatMap(({ name = '' }) =>
      name.startsWith(this.prefix) ? [Number(name.slice(this.prefix.length))] : [],
    )
    const limit = Math.min(this.format, ...others)
    if (limit === this.limit) return
    this.limit = limit
    this.onLimit(limit)
  }
}
