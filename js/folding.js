// Owns folding the journal into snapshots: when, and the engine's part and the disk's put together.
// Knows neither what a snapshot holds nor where it is kept.

import { idleTimeout } from './within.js'

/** After the last write, so that a burst is not slowed down by it. */
const quietMs = 300
/** Somebody who writes all the time is not waited for longer, nor until the journal is twice as long. */
const waitMsMost = 5000

/**
 * What folding needs of the engine (wasm/engine/engine.hpp, "Snapshots").
 * @typedef {object} Folded
 * @property {number} known the last segment that the engine holds durably
 * @property {() => { all: number, changed: number } | null} rows null: it must not fold now
 * @property {(isWhole: boolean) => boolean} beginSnapshot
 * @property {() => Uint8Array} nextPiece throws when the engine is gone
 * @property {() => Uint8Array} nextVectors
 * @property {() => number} namedVectors
 * @property {(file: Uint8Array) => Uint8Array} vectorsStillNamed
 * @property {(isKept: boolean) => void} endSnapshot
 */

export class Folding {
  /** @param {Folded} engine @param {import('./storage/disk.js').Disk} disk */
  constructor(engine, disk) {
    this.engine = engine
    this.disk = disk
    /** @type {Promise<void> | null} */
    this.running = null
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined
    /** @type {number | null} */
    this.dueSince = null
    this.lastWriteAt = 0
    /** something became durable while it was folded */
    this.isBehind = false
    this.isStopped = false
  }

  /** Something became durable. */
  consider() {
    this.isBehind = this.running !== null
    if (this.running || this.isStopped || !this.disk.isFoldDue()) return
    this.lastWriteAt = performance.now()
    this.dueSince ??= this.lastWriteAt
    // one for many writes: a timer for each would be a good part of what it costs
    this.timer ??= idleTimeout(() => this.look(), this.wait())
  }

  /** ms */
  wait() {
    if (this.disk.isFoldOverdue()) return 0
    const at = Math.min(this.lastWriteAt + quietMs, (this.dueSince ?? 0) + waitMsMost)
    return Math.max(0, at - performance.now())
  }

  look() {
    const wait = this.wait()
    this.timer = wait > 0 ? idleTimeout(() => this.look(), wait) : undefined
    if (wait === 0) this.start()
  }

  start() {
    if (this.running || this.isStopped) return
    this.dueSince = null
    this.running = this.fold()
      // what was written stays where it is; the next write tries again
      .catch(() => {})
      .finally(() => {
        this.running = null
        if (this.isBehind) this.consider()
      })
  }

  async fold() {
    const { engine, disk } = this
    const rows = engine.rows()
    if (!rows) return
    const isWhole = disk.wantsWhole(rows)
    if (!engine.beginSnapshot(isWhole)) return
    let isKept = false
    try {
      isKept = await disk.fold({
        ...{ to: engine.known, isWhole, rows: isWhole ? rows.all : rows.changed },
        nextPiece: () => engine.nextPiece(),
        nextVectors: () => engine.nextVectors(),
        namedVectors: () => engine.namedVectors(),
        vectorsStillNamed: (file) => engine.vectorsStillNamed(file),
      })
    } finally {
      engine.endSnapshot(isKept)
    }
  }

  /** Gives up what is under way; it leaves nothing behind that counts. */
  async stop() {
    this.isStopped = true
    clearTimeout(this.timer)
    await this.running
  }
}
