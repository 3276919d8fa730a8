// Owns reading what other contexts wrote into the journal, within the transaction it is given: the segments after the
// newest one known, and the snapshots first where those are gone. Knows nothing of what is in a segment.

import { clearedError, onResult, unknownEnd } from './database.js'
import { reach } from './manifest.js'
import { bytesOf } from './records.js'

/** @typedef {import('./records.js').Fail} Fail */
/** @typedef {import('./disk.js').OnSegment} OnSegment */

export class Reader {
  /** @param {import('./disk.js').IndexedDbDisk} disk */
  constructor(disk) {
    this.disk = disk
  }

  /**
   * Gives the segments after the head to the engine, then goes on in the same transaction. `own` is
   * the number of a commit of ours whose acknowledgement was lost, found stored after all.
   * @param {IDBObjectStore} files
   * @param {Fail} fail
   * @param {OnSegment} onSegment
   * @param {(own: number | null) => void} next
   */
  readNew(files, fail, onSegment, next) {
    const { disk } = this
    const { paths, lease, head } = disk
    const hasAll = lease.covers(head)
    onResult(files.getAllKeys(paths.segmentsFrom(head)), fail, (keys) => {
      const isThere = head > 0 && keys[0] === paths.segment(head)
      const read = () => this.readSegments(files, fail, keys, onSegment, next)
      if (isThere && hasAll && !disk.limits.isDue(disk.manifest)) return read()
      disk.snapshots.readManifest(files, fail, (manifest, damaged) => {
        const goOn = () => {
          if (!damaged) lease.confirm()
          read()
        }
        if (isThere && (hasAll || reach(manifest) <= head)) {
          if (!damaged) disk.setManifest(manifest)
          return goOn()
        }
        disk.checkLife(files, fail, () => {
          if (damaged) disk.give([{ path: paths.manifests[0], seq: 0, bytes: damaged }], onSegment)
          this.catchUp(files, fail, manifest, onSegment, goOn)
        })
      })
    })
  }

  /**
   * What comes after the segment known last is gone: it was folded, or the data was cleared.
   * @param {IDBObjectStore} files
   * @param {Fail} fail
   * @param {import('./manifest.js').Manifest} manifest
   * @param {OnSegment} onSegment
   * @param {() => void} then
   */
  catchUp(files, fail, manifest, onSegment, then) {
    const { disk } = this
    if (disk.head > 0 && reach(manifest) <= disk.head) throw clearedError()
    if (disk.commits.isUnsureWithin(reach(manifest))) throw unknownEnd()
    disk.snapshots.readPieces(files, fail, manifest, onSegment, () => {
      disk.setManifest(manifest)
      disk.head = Math.max(disk.head, reach(manifest))
      then()
    })
  }

  /**
   * @param {IDBObjectStore} files
   * @param {Fail} fail
   * @param {IDBValidKey[]} keys
   * @param {OnSegment} onSegment
   * @param {(own: number | null) => void} next
   */
  readSegments(files, fail, keys, onSegment, next) {
    const { disk } = this
    const added = keys.filter((key) => disk.paths.seqOf(key) > disk.head)
    if (added.length === 0) return next(null)
    const records = files.getAll(IDBKeyRange.bound(added[0], added[added.length - 1]))
    onResult(records, fail, (found) => {
      const contents = found.map(bytesOf)
      const first = keys.indexOf(added[0])
      const take = () => {
        /** @type {number | null} */
        let own = null
        const others = []
        for (const [i, bytes] of contents.entries()) {
          const seq = disk.paths.seqOf(keys[first + i])
          if (!(seq > disk.head)) continue
          if (disk.commits.isUnsure(seq, bytes)) {
            // the engine must hear that it is durable before it hears of what came after it, and
            // not at all where this transaction fails: then it is read again
            own = seq
            break
          }
          disk.head = seq
          others.push({ path: disk.paths.segment(seq), seq, bytes })
          if (seq > reach(disk.manifest)) disk.limits.add(seq, bytes.length)
        }
        disk.give(others, onSegment)
        next(own)
      }
      // damaged, or all that a wipe left
      if (contents.some(({ length }) => length === 0)) disk.checkLife(files, fail, take)
      else take()
    })
  }
}
