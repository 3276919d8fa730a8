// Owns the journal of one user in IndexedDB: numbered segment files, and the snapshots that stand for
// its beginning, in the database, version and record format of Emscripten's IDBFS. Knows nothing of
// what is in a segment.
//
// FS.syncfs(false) is never called: it rolls back and deletes what other tabs wrote. Instead a commit
// is ONE readwrite transaction (commits.js, reader.js), so that IndexedDB's own order of transactions is the lock:
//
//   same database as ever? own newest segment still there,
//   and no snapshot that reaches further? --no--> folded meanwhile: its snapshots
//     | yes                             \----> or cleared: "storage-lost"
//   segments of other contexts after it --> the engine, inside the transaction
//     |
//   put the next segment --oncomplete--> acknowledged
//
// A context with a lease (lease.js) leaves the first two steps out.

import { SyncError } from '../error.js'
import { Commits } from './commits.js'
import { clearedError, Database, onResult, storageError, unknownEnd } from './database.js'
import { FoldLimits } from './fold-limits.js'
import { Lease } from './lease.js'
import { decodeManifest, noManifest, reach, rowsIn } from './manifest.js'
import { takeMountedFiles } from './mount.js'
import { pathsOf } from './paths.js'
import { Reader } from './reader.js'
import { begin as beginEmpty, putFile, store, upgrade, version } from './records.js'
import { Snapshots } from './snapshots.js'

/**
 * @typedef {(seq: number, bytes: Uint8Array, isMore: boolean) => boolean | void} OnSegment isMore: what comes
 *   after it is given next, within the same task. False: it is damaged
 */

/**
 * What the engine needs of a disk.
 * @typedef {object} Disk
 * @property {'durable' | 'memory'} kind
 * @property {(onSegment: OnSegment) => Promise<void>} load gives everything stored, in order: the
 *   pieces of the snapshots, then the segments after them
 * @property {(segment: () => Uint8Array, onSegment: OnSegment) => Promise<number>} commit makes
 *   `segment()` durable and gives its sequence number; before it asks for the bytes it gives the
 *   segments other contexts added. Rejects with a SyncError, having changed nothing unless it says so
 * @property {(onSegment: OnSegment) => Promise<void>} refresh gives segments other contexts added
 * @property {() => boolean} isFoldDue the journal became long
 * @property {() => boolean} isFoldOverdue it must not get longer, whoever is writing
 * @property {(rows: { all: number, changed: number }) => boolean} wantsWhole the next snapshot should
 *   replace those before it
 * @property {(source: import('./snapshots.js').SnapshotSource) => Promise<boolean>} fold puts a
 *   snapshot in the place of the segments it stands for; false: it did not come to that
 * @property {(onFile: (bytes: Uint8Array) => Promise<boolean | void> | boolean | void) => Promise<void>} readVectors gives every
 *   stored file of vectors; false: it is damaged
 * @property {(onSegment: OnSegment, check: () => void) => Promise<void>} wipe forgets everything,
 *   unless `check` throws, which is asked when everything that others added was given
 * @property {() => void} rest the context is put away, or of no use any more: nobody need wait for it
 * @property {() => void} wake it is back
 * @property {() => Promise<void>} close
 */

/**
 * @typedef {object} DiskOptions
 * @property {string} name of the database, and so the mount point of IDBFS: "/<prefix>/<user>"
 * @property {import('./mount.js').FileModule} module
 * @property {'relaxed' | 'strict'} [durability]
 * @property {number} [foldAfter] segments
 * @property {number} [timeoutMs] how long a callback may take before it counts as lost
 * @property {LockManager} [locks] default: the browser's
 */

/** @implements {Disk} */
export class IndexedDbDisk {
  /** @param {DiskOptions} options */
  constructor({ name, module, durability = 'relaxed', foldAfter, timeoutMs = 15_000, locks }) {
    /** @type {'durable'} */
    this.kind = 'durable'
    this.name = name
    this.paths = pathsOf(name)
    this.module = module
    this.durability = durability
    this.timeoutMs = timeoutMs
    /** sequence number of the newest segment the engine knows */
    this.head = 0
    this.manifest = noManifest
    /** @type {Set<string>} files that the engine could not read */
    this.damaged = new Set()
    this.limits = new FoldLimits(foldAfter)
    this.database = new Database({
      ...{ name, version, timeoutMs },
      upgrade: (db, transaction) => upgrade(db, transaction, this.paths),
    })
    this.snapshots = new Snapshots(this)
    this.lease = new Lease(name, locks)
    /** @type {string | null} names the database from its making on; null: nothing was read yet */
    this.life = null
    /** @type {IDBDatabase | null} the connection on which that was looked up last */
    this.checked = null
    /** @type {Promise<unknown>} one transaction after the other, also across reopening */
    this.last = Promise.resolve()
    /** how many are under way or wait for their turn */
    this.inLine = 0
    this.commits = new Commits(this)
    this.reader = new Reader(this)
  }

  /** @param {OnSegment} onSegment */
  async load(onSegment) {
    try {
      await this.database.open()
      const files = await takeMountedFiles(this.module, this.name, this.timeoutMs)
      try {
        this.takeFiles(files, onSegment)
      } finally {
        files.clear()
      }
    } catch (error) {
      // One record that IDBFS cannot read fails its whole populate. Read directly below, where a
      // damaged record is only itself damaged.
      if (error instanceof SyncError) throw error
    }
    await this.refresh(onSegment)
  }

  /** @param {OnSegment} onSegment */
  refresh(onSegment) {
    return this.inTurn(async () => {
      await this.transaction('readonly', (files, fail, begin) => {
        begin(() => this.reader.readNew(files, fail, onSegment, () => {}))
        return () => {}
      })
      this.renewLease()
    })
  }

  /** @param {() => Uint8Array} segment @param {OnSegment} onSegment @returns {Promise<number>} */
  commit(segment, onSegment) {
    return this.inTurn(() => this.commits.commit(segment, onSegment))
      .catch((error) => {
        throw this.commits.unsure?.isLate ? unknownEnd(error) : error
      })
      .finally(() => this.commits.forget())
  }

  isFoldDue() {
    return this.damaged.size > 0 || this.limits.isDue(this.manifest)
  }

  isFoldOverdue() {
    return this.limits.isOverdue(this.manifest)
  }

  /** @param {{ all: number, changed: number }} rows */
  wantsWhole({ all, changed }) {
    const isFirst = this.manifest.snapshots.length === 0
    return (
      isFirst || this.damaged.size > 0 || this.limits.isWaste(rowsIn(this.manifest) + changed, all)
    )
  }

  /** @param {import('./snapshots.js').SnapshotSource} source */
  fold(source) {
    return this.snapshots.fold(source)
  }

  /** @param {(bytes: Uint8Array) => Promise<boolean | void> | boolean | void} onFile */
  readVectors(onFile) {
    return this.snapshots.readVectors(onFile)
  }

  /**
   * Forgets everything, for all contexts at once. One that is still open finds its segments gone.
   * @param {OnSegment} onSegment is given what other contexts added
   * @param {() => void} check asked after that; throws to keep everything
   */
  wipe(onSegment, check) {
    const work = (
      /** @type {IDBObjectStore} */ files,
      /** @type {import('./records.js').Fail} */ fail,
    ) =>
      this.reader.readNew(files, fail, onSegment, () => {
        check()
        this.snapshots.readManifest(files, fail, ({ generation }) => {
          onResult(files.getAllKeys(this.paths.segmentsFrom(0)), fail, (keys) => {
            files.clear()
            beginEmpty(files, this.paths)
            // Whoever holds a lease must not find the number free that follows the last one it knows.
            for (const key of keys) putFile(files, fail, String(key), new Uint8Array(0))
            // Neither number is used again: whoever was here before must not take what comes for what
            // was, and whoever is folding what was must not install it.
            this.snapshots.skipTo(files, fail, { to: this.head + 1, generation: generation + 1 })
          })
        })
      })
    const wiped = this.inTurn(() =>
      this.transaction('readwrite', (files, fail, begin) => {
        begin(() => work(files, fail))
        return () => {}
      }),
    )
    return wiped.then(() => {
      this.lease.release()
      return this.snapshots.deleteFolded(this.head + 1)
    })
  }

  rest() {
    this.lease.suspend()
    if (!this.commits.isAlone) this.lease.release()
  }

  wake() {
    this.lease.resume()
  }

  async close() {
    await this.last.catch(() => {})
    this.lease.release()
    this.database.drop()
  }

  /** For a context that writes: from here on no segment after the snapshots it knows is deleted. */
  takeLease() {
    return this.lease.ask(reach(this.manifest))
  }

  /** What is folded can go once no context's lease begins before it. */
  async renewLease() {
    if (this.lease.held) await this.takeLease()
  }

  /**
   * Runs after what came before; before it returns if there is nothing, so not from within such work.
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  inTurn(work) {
    const isFirst = this.inLine === 0
    this.inLine += 1
    const result = isFirst ? this.attempt(work) : this.last.then(() => this.attempt(work))
    this.last = result
      // It may never write again: nobody need wait for it. If it does, it looks first.
      .catch(() => this.lease.release())
      .finally(() => {
        this.inLine -= 1
      })
    return result
  }

  /**
   * A lost connection is made again, and the work done again, once.
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  async attempt(work) {
    this.database.mayCreate = this.life === null
    try {
      return await work()
    } catch (error) {
      const known = storageError(error)
      if (known.code !== 'storage-lost') throw known
      this.database.drop()
      return await work().catch((again) => {
        throw storageError(again)
      })
    }
  }

  /**
   * One transaction. What `begin` is given runs once it is sure that this still is the database it
   * was at first: a stale tab must not write into another one of the same name.
   * @template T
   * @param {IDBTransactionMode} mode
   * @param {(files: IDBObjectStore, fail: import('./records.js').Fail,
   *   begin: (work: () => void) => void) => () => T} work
   * @returns {Promise<T>}
   */
  transaction(mode, work) {
    const options = mode === 'readonly' ? {} : { durability: this.durability }
    return this.database.transaction(store, mode, options, (files, fail) =>
      work(files, fail, (begin) => {
        const { db } = files.transaction
        if (db === this.checked) return begin()
        this.checkLife(files, fail, () => {
          this.checked = db
          begin()
        })
      }),
    )
  }

  /** @param {IDBObjectStore} files @param {import('./records.js').Fail} fail @param {() => void} then */
  checkLife(files, fail, then) {
    onResult(files.get(this.paths.life), fail, (record) => {
      const life = String(record?.contents)
      if (this.life !== null && this.life !== life) throw clearedError()
      this.life = life
      then()
    })
  }

  /**
   * What comes after each other, in one task: the engine lays its own writes on the last of it.
   * @param {{ path: string, seq: number, bytes: Uint8Array }[]} stored
   * @param {OnSegment} onSegment
   */
  give(stored, onSegment) {
    for (const [i, { path, seq, bytes }] of stored.entries()) {
      if (onSegment(seq, bytes, i < stored.length - 1) === false) this.damaged.add(path)
    }
  }

  /**
   * What IDBFS found, if it is all there: another context may have folded while it was reading.
   * @param {import('./mount.js').MountedFiles} files
   * @param {OnSegment} onSegment
   */
  takeFiles(files, onSegment) {
    const { paths } = this
    const stored = paths.manifests.map((path) => files.get(path))
    const manifest = decodeManifest(stored[0]) ?? decodeManifest(stored[1])
    if (!manifest && stored[0]) return
    const { snapshots } = manifest ?? noManifest
    const pieces = snapshots.flatMap(({ id, to, pieces: count }) =>
      Array.from({ length: count }, (_, n) => ({ seq: to, path: paths.piece(id, n) })),
    )
    const base = reach(manifest ?? noManifest)
    const isWhole = base === 0 || files.has(paths.segment(base))
    if (!isWhole || !pieces.every(({ path }) => files.has(path))) return
    const segments = files
      .list(paths.journal)
      .map((path) => ({ seq: paths.seqOf(path), path }))
      .filter(({ seq }) => seq > base)
    // damaged, or wiped while IDBFS was reading
    if (segments.some(({ path }) => files.get(path)?.length === 0)) return
    // What is given here must be of the database that is looked at next.
    this.life = String(files.get(paths.life))
    for (const { seq, path } of pieces)
      this.give([{ path, seq, bytes: files.take(path) }], onSegment)
    this.setManifest(manifest ?? noManifest)
    this.head = base
    for (const { seq, path } of segments) {
      const bytes = files.take(path)
      this.head = seq
      this.give([{ path, seq, bytes }], onSegment)
      this.limits.add(seq, bytes.length)
    }
  }

  /** @param {import('./manifest.js').Manifest} manifest */
  setManifest(manifest) {
    this.manifest = manifest
    this.limits.forget(reach(manifest))
  }
}
