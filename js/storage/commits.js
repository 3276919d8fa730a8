// Owns how one segment becomes durable: the transaction of a commit, first as if nobody else were writing, and
// what is known of one whose end was never heard of. Knows nothing of what others wrote; the disk reads that.

import { SyncError } from '../error.js'
import { endIsUnknown, nameOf, onResult } from './database.js'
import { addFile, ownBytes } from './records.js'

/** @typedef {import('./records.js').Fail} Fail */

/**
 * A commit whose transaction has begun, as if nobody else were writing.
 * @typedef {object} Begun
 * @property {(segment: () => Uint8Array) => void} add what is to be stored
 * @property {Promise<number>} done its sequence number; rejects with `notAlone`, having changed nothing
 */

/** The next segment is there already; the transaction ended because it was expected in an earlier task. */
const signsOfOthers = ['ConstraintError', 'TransactionInactiveError']

/** Gives a commit up that took it for granted that nobody else was writing. */
const notAlone = new Error('another context wrote, or folded')

export class Commits {
  /** @param {import('./disk.js').IndexedDbDisk} disk */
  constructor(disk) {
    this.disk = disk
    /**
     * It may be stored or not; `isLate`: nobody can keep it from being stored any more.
     * @type {{ seq: number, bytes: Uint8Array, isLate: boolean } | null}
     */
    this.unsure = null
    /** @type {Begun | null} nobody has put a segment into it yet */
    this.begun = null
  }

  /**
   * A commit is about to be asked for, in this task: the browser begins its transaction while the engine is still
   * at work on the segment. If it is not asked for after all, nothing is changed.
   */
  expect() {
    if (this.canBeAlone()) this.begun ??= this.begin()
  }

  /**
   * @param {() => Uint8Array} segment
   * @param {import('./disk.js').OnSegment} onSegment
   * @returns {Promise<number>} its sequence number
   */
  async commit(segment, onSegment) {
    try {
      const seq = (await this.alone(segment)) ?? (await this.afterOthers(segment, onSegment))
      this.disk.head = Math.max(this.disk.head, seq)
      return seq
    } catch (error) {
      const isLate = error instanceof SyncError && error.cause === endIsUnknown
      if (isLate && this.unsure) this.unsure.isLate = true
      throw error
    }
  }

  canBeAlone() {
    return this.disk.head > 0 && this.unsure === null && this.disk.isSure()
  }

  /**
   * Given up, with nothing changed, if somebody else wrote or folded.
   * @param {() => Uint8Array} segment
   * @returns {Promise<number | null>} null: somebody did, or may have
   */
  async alone(segment) {
    const begun = this.begun ?? (this.canBeAlone() ? this.begin() : null)
    this.begun = null
    begun?.add(segment)
    try {
      return (await begun?.done) ?? null
    } catch (error) {
      if (error !== notAlone) throw error
      this.forget()
      return null
    }
  }

  /**
   * One request need not wait for the answer of another.
   *
   * The end is asked for at the first answer, not at once, though that would be faster: behind a context that
   * hangs within a transaction ours does not begin, and when it is given up it must still be possible to
   * abort it, or it would be stored after the app was told that it failed.
   * @returns {Begun}
   */
  begin() {
    const { paths, head } = this.disk
    let hasSegment = false
    /** @type {Begun['add']} */
    let add = () => {}
    const done = this.disk.transaction('readwrite', (files, fail) => {
      // `fail` for what says that somebody else was here, or that the task is over in which this was expected
      const failAs = (/** @type {unknown} */ error) =>
        fail(signsOfOthers.includes(nameOf(error)) ? notAlone : error)
      onResult(files.getAllKeys(paths.segmentsFrom(head), 2), fail, (keys) => {
        if (!hasSegment) return this.giveUp(begun)
        if (keys.length !== 1 || keys[0] !== paths.segment(head)) return fail(notAlone)
        files.transaction.commit?.() // does not wait for the other answer
      })
      add = (segment) => {
        hasSegment = true
        try {
          this.add(files, failAs, segment())
        } catch (error) {
          failAs(error)
        }
      }
      return () => head + 1
    })
    done.catch(() => this.giveUp(begun))
    const begun = { add, done }
    return begun
  }

  /** Expected in vain. @param {Begun} begun */
  giveUp(begun) {
    if (this.begun === begun) this.begun = null
  }

  /** @param {() => Uint8Array} segment @param {import('./disk.js').OnSegment} onSegment @returns {Promise<number>} */
  afterOthers(segment, onSegment) {
    return this.disk.transaction('readwrite', (files, fail, begin) => {
      let written = 0
      const add = (/** @type {number | null} */ own) => {
        written = own ?? this.add(files, fail, segment())
      }
      begin(() => this.disk.readNew(files, fail, onSegment, add))
      return () => written
    })
  }

  /** @param {IDBObjectStore} files @param {Fail} fail @param {Uint8Array} bytes */
  add(files, fail, bytes) {
    const seq = this.disk.head + 1
    const contents = ownBytes(bytes)
    this.unsure = { seq, bytes: contents, isLate: false }
    addFile(files, fail, this.disk.paths.segment(seq), contents)
    this.disk.limits.add(seq, contents.length)
    return seq
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
