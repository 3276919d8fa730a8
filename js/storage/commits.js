// Owns how one segment becomes durable: the transaction of a commit, first as if nobody else were writing, and
// what is known of one whose end was never heard of. Knows nothing of what others wrote; the disk reads that.
//
//   alone:   own newest segment still the last?   add the next   commit    at once, no answer is waited for
//              | no: folded past it                 | there is one already: nothing happened
//              v                                    v
//            take away what was added --------> afterOthers: their segments first, then the next
//
// A segment added behind a snapshot counts for nobody, also when we are killed before we take it away: readers
// begin after the snapshot, and it always leaves one further on, so that nobody takes ours for the last.

import { onResult } from './database.js'
import { addFile, ownBytes, putFile } from './records.js'

/** @typedef {import('./records.js').Fail} Fail */

export class Commits {
  /** @param {import('./disk.js').IndexedDbDisk} disk */
  constructor(disk) {
    this.disk = disk
    /** @type {{ seq: number, bytes: Uint8Array } | null} it may be stored or not */
    this.unsure = null
  }

  /**
   * @param {() => Uint8Array} segment
   * @param {import('./disk.js').OnSegment} onSegment
   * @returns {Promise<number>} its sequence number
   */
  async commit(segment, onSegment) {
    const seq = (await this.alone(segment)) ?? (await this.afterOthers(segment, onSegment))
    this.disk.head = Math.max(this.disk.head, seq)
    return seq
  }

  /**
   * @param {() => Uint8Array} segment
   * @returns {Promise<number | null>} null: somebody else wrote or folded, or may have; nothing is changed
   */
  async alone(segment) {
    const { disk } = this
    const { paths, head } = disk
    if (head === 0 || this.unsure) return null
    let isHeadLast = false
    let isNextThere = false
    const done = disk.transaction('readwrite', (files, fail, begin) => {
      begin(() => {
        onResult(files.getAllKeys(paths.segmentsFrom(head)), fail, (keys) => {
          isHeadLast = keys.length === 1 && keys[0] === paths.segment(head)
        })
        const next = this.prepare(segment())
        const refused = (/** @type {unknown} */ error) => {
          isNextThere = /** @type {any} */ (error)?.name === 'ConstraintError'
          fail(error)
        }
        addFile(files, refused, paths.segment(next.seq), next.bytes)
        files.transaction.commit?.()
      })
      return () => {}
    })
    try {
      await done
    } catch (error) {
      if (!isNextThere) throw error
      this.forget()
      return null
    }
    if (isHeadLast) return head + 1
    await this.takeAway(head + 1)
    return null
  }

  /** What was added behind a snapshot. @param {number} seq */
  async takeAway(seq) {
    const { disk } = this
    await disk.transaction('readwrite', (files, _fail, begin) => {
      begin(() => files.delete(disk.paths.segment(seq)))
      return () => {}
    })
    this.forget()
  }

  /** @param {() => Uint8Array} segment @param {import('./disk.js').OnSegment} onSegment @returns {Promise<number>} */
  afterOthers(segment, onSegment) {
    return this.disk.transaction('readwrite', (files, fail, begin) => {
      let written = 0
      const put = (/** @type {number | null} */ own) => {
        written = own ?? this.put(files, fail, segment())
      }
      begin(() => this.disk.readNew(files, fail, onSegment, put))
      return () => written
    })
  }

  /** @param {IDBObjectStore} files @param {Fail} fail @param {Uint8Array} segment @returns {number} */
  put(files, fail, segment) {
    const { seq, bytes } = this.prepare(segment)
    putFile(files, fail, this.disk.paths.segment(seq), bytes)
    return seq
  }

  /** From now on it may be stored. @param {Uint8Array} segment */
  prepare(segment) {
    const next = { seq: this.disk.head + 1, bytes: ownBytes(segment) }
    this.unsure = next
    this.disk.limits.add(next.seq, next.bytes.length)
    return next
  }

  /** It is known whether it is stored. */
  forget() {
    this.unsure = null
  }

  /** @param {number} seq @param {Uint8Array} bytes */
  isUnsure(seq, bytes) {
    return (
      this.unsure?.seq === seq &&
      this.unsure.bytes.length === bytes.length &&
      this.unsure.bytes.every((byte, i) => byte === bytes[i])
    )
  }

  /** A snapshot tells rows, not who wrote them: written again it might count twice. @param {number} reach */
  isUnsureWithin(reach) {
    return this.unsure !== null && this.unsure.seq <= reach
  }
}
