// Owns how one segment becomes durable: the transaction of a commit, under a lease as if nobody else were
// writing, and what is known of one whose end was never heard of. Knows nothing of what others wrote: reader.js does.

import { SyncError } from '../error.js'
import { endIsUnknown, storageError } from './database.js'
import { addFile, ownBytes } from './records.js'

/** @typedef {import('./records.js').Fail} Fail */

/** Gives a commit up that took it for granted that nobody else was writing. */
const notAlone = new Error('another context wrote')

/** @param {Fail} fail @returns {Fail} says so where the number was there already */
const notAloneIfTaken = (fail) => (error) =>
  fail(error instanceof Error && error.name === 'ConstraintError' ? notAlone : error)

export class Commits {
  /** @param {import('./disk.js').IndexedDbDisk} disk */
  constructor(disk) {
    this.disk = disk
    /**
     * It may be stored or not; `isLate`: nobody can keep it from being stored any more.
     * @type {{ seq: number, bytes: Uint8Array, isLate: boolean } | null}
     */
    this.unsure = null
    /** a commit that relies on the lease is under way */
    this.isAlone = false
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
      this.disk.takeLease()
      return seq
    } catch (error) {
      const isLate = error instanceof SyncError && error.cause === endIsUnknown
      if (isLate) this.markLate()
      throw error
    }
  }

  /**
   * One request, under a lease: the number is free unless somebody wrote, or wiped. Given up then, with nothing changed.
   *
   * The browser is asked to end the transaction without waiting until that request was answered here. So one that waits
   * behind a hanging context cannot be aborted any more: whoever gives it up is told that it may be stored.
   * @param {() => Uint8Array} segment
   * @returns {Promise<number | null>} null: somebody did, or there is no lease
   */
  async alone(segment) {
    const { head, lease } = this.disk
    if (this.unsure || !lease.covers(head)) return null
    this.isAlone = true
    try {
      return await this.disk.transaction('readwrite', (files, fail, begin) => {
        begin(() => {
          this.add(files, notAloneIfTaken(fail), segment())
          files.transaction.commit?.()
        })
        return () => head + 1
      })
    } catch (error) {
      if (error === notAlone) {
        this.forget()
        return null
      }
      // it was asked to end: until somebody looks it may have, whatever is said of it now
      if (storageError(error).code !== 'quota') this.markLate()
      throw error
    } finally {
      this.isAlone = false
      if (lease.isSuspended) lease.release()
    }
  }

  /** @param {() => Uint8Array} segment @param {import('./disk.js').OnSegment} onSegment @returns {Promise<number>} */
  afterOthers(segment, onSegment) {
    return this.disk.transaction('readwrite', (files, fail, begin) => {
      let written = 0
      const add = (/** @type {number | null} */ own) => {
        if (own === null) this.forget() // an earlier try is not stored: what it left open is known now
        written = own ?? this.add(files, fail, segment())
      }
      begin(() => this.disk.reader.readNew(files, fail, onSegment, add))
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

  markLate() {
    if (this.unsure) this.unsure.isLate = true
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
