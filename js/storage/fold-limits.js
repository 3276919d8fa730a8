// Owns when a journal is folded, and when a snapshot replaces all before it. Numbers only: knows no
// file.
//
// Every row that is folded is written once more; every segment that is not makes opening slower, and is
// read whole, its vectors too. So the journal may grow as large as what it was folded into, within bounds.

/** Stock IDBFS reads some 30 files a millisecond. */
const segmentsMost = 1000
const bytesLeast = 1_000_000
const bytesMost = 8_000_000
/** Rows in the snapshots for each row there is, above which most of them are stale. */
const wasteMost = 3
/** A few stale rows are not worth it, however large a part they are. */
const wasteLeast = 1000

export class FoldLimits {
  /** @param {number} [segments] */
  constructor(segments = segmentsMost) {
    this.segments = segments
    /** @type {Map<number, number>} bytes of each segment that is not folded */
    this.sizes = new Map()
    this.bytes = 0
  }

  /** @param {number} seq @param {number} bytes */
  add(seq, bytes) {
    this.bytes += bytes - (this.sizes.get(seq) ?? 0)
    this.sizes.set(seq, bytes)
  }

  /** These are folded. @param {number} to */
  forget(to) {
    for (const [seq, bytes] of this.sizes) {
      if (seq > to) continue
      this.sizes.delete(seq)
      this.bytes -= bytes
    }
  }

  /** @param {import('./manifest.js').Manifest} manifest @returns {boolean} */
  isDue(manifest) {
    return this.excess(manifest) >= 1
  }

  /** Nobody may be waited for any longer. @param {import('./manifest.js').Manifest} manifest */
  isOverdue(manifest) {
    return this.excess(manifest) >= 2
  }

  /** How many times as long as it may become the journal is. @param {import('./manifest.js').Manifest} manifest */
  excess({ snapshots }) {
    const folded = snapshots.reduce((sum, { bytes }) => sum + bytes, 0)
    return Math.max(
      this.sizes.size / this.segments,
      this.bytes / Math.min(bytesMost, Math.max(bytesLeast, folded)),
    )
  }

  /** @param {number} stored rows in the snapshots, a new one included @param {number} live */
  isWaste(stored, live) {
    return stored > wasteLeast && stored > wasteMost * live
  }
}
