// Owns the journal of one user in IndexedDB: numbered segment files in the database, version and
// record format of Emscripten's IDBFS. Knows nothing of what is in a segment.
//
// FS.syncfs(false) is never called: it rolls back and deletes what other tabs wrote. Instead a commit
// is ONE readwrite transaction, so that IndexedDB's own order of transactions is the lock:
//
//   own newest segment still there? --no--> cleared: "storage-lost", nothing is written
//     | yes
//   segments of other contexts after it --> the engine, inside the transaction
//     |
//   put the next segment --oncomplete--> acknowledged

import { SyncError } from '../error.js'
import { clearedError, Database, onResult, storageError } from './database.js'
import { takeMountedFiles } from './mount.js'

/** IDBFS's own; never another, or stock IDBFS could not read the files any more. */
const version = 21
const store = 'FILE_DATA'
const modeOfFile = 0o100666
const modeOfFolder = 0o40777
const lastSeq = 999_999_999_999

/** @typedef {(seq: number, bytes: Uint8Array) => void} OnSegment */

/**
 * What the engine needs of a disk.
 * @typedef {object} Disk
 * @property {'durable' | 'memory'} kind
 * @property {(onSegment: OnSegment) => Promise<void>} load gives every stored segment, in order
 * @property {(segment: () => Uint8Array, onSegment: OnSegment) => Promise<number>} commit makes
 *   `segment()` durable and gives its sequence number; before it asks for the bytes it gives the
 *   segments other contexts added. Rejects with a SyncError, having changed nothing
 * @property {(onSegment: OnSegment) => Promise<void>} refresh gives segments other contexts added
 * @property {() => Promise<void>} close
 */

/**
 * @typedef {object} DiskOptions
 * @property {string} name of the database, and so the mount point of IDBFS: "/<prefix>/<user>"
 * @property {import('./mount.js').FileModule} module
 * @property {'relaxed' | 'strict'} [durability]
 * @property {number} [timeoutMs] how long a callback may take before it counts as lost
 */

/** @implements {Disk} */
export class IndexedDbDisk {
  /** @param {DiskOptions} options */
  constructor({ name, module, durability = 'relaxed', timeoutMs = 15_000 }) {
    /** @type {'durable'} */
    this.kind = 'durable'
    this.name = name
    this.module = module
    this.durability = durability
    this.timeoutMs = timeoutMs
    /** sequence number of the newest segment the engine knows */
    this.head = 0
    this.database = new Database({ name, version, upgrade, timeoutMs })
    /** @type {Promise<unknown>} one transaction after the other, also across reopening */
    this.last = Promise.resolve()
    /** @type {{ seq: number, bytes: Uint8Array } | null} a commit whose end was never heard of */
    this.unsure = null
  }

  /** @param {OnSegment} onSegment */
  async load(onSegment) {
    try {
      await this.database.open()
      const files = await takeMountedFiles(this.module, this.name, this.timeoutMs)
      for (const { seq, bytes } of files) {
        this.head = seq
        onSegment(seq, bytes)
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
    return this.inTurn(() =>
      this.database.transaction(store, 'readonly', {}, (files, fail) => {
        this.readNew(files, fail, onSegment, () => {})
        return () => {}
      }),
    )
  }

  /** @param {() => Uint8Array} segment @param {OnSegment} onSegment @returns {Promise<number>} */
  commit(segment, onSegment) {
    return this.inTurn(() => this.commitOnce(segment, onSegment)).finally(() => {
      this.unsure = null
    })
  }

  async close() {
    await this.last.catch(() => {})
    this.database.drop()
  }

  /**
   * Runs after what came before. A lost connection is made again, and the work done again, once.
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  inTurn(work) {
    const result = this.last.then(async () => {
      this.database.mayCreate = this.head === 0
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
    })
    this.last = result.catch(() => {})
    return result
  }

  /** @param {() => Uint8Array} segment @param {OnSegment} onSegment @returns {Promise<number>} */
  async commitOnce(segment, onSegment) {
    const options = { durability: this.durability }
    const seq = await this.database.transaction(store, 'readwrite', options, (files, fail) => {
      let written = 0
      this.readNew(files, fail, onSegment, (own) => {
        written = own ?? this.put(files, fail, segment())
      })
      return () => written
    })
    this.head = Math.max(this.head, seq)
    return seq
  }

  /** @param {IDBObjectStore} files @param {(error: unknown) => void} fail @param {Uint8Array} bytes */
  put(files, fail, bytes) {
    const seq = this.head + 1
    const timestamp = new Date()
    // IndexedDB clones the whole buffer under a view
    const contents = bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice()
    this.unsure = { seq, bytes: contents }
    if (seq === 1) {
      // stock IDBFS populates a file only below a folder that has a record
      files.put({ timestamp, mode: modeOfFolder }, `${this.name}/journal`)
    }
    const request = files.put({ timestamp, mode: modeOfFile, contents }, this.path(seq))
    onResult(request, fail, () => {})
    return seq
  }

  /**
   * Gives the segments after the head to the engine, then goes on in the same transaction. `own` is
   * the number of a commit of ours whose acknowledgement was lost, found stored after all.
   * @param {IDBObjectStore} files
   * @param {(error: unknown) => void} fail
   * @param {OnSegment} onSegment
   * @param {(own: number | null) => void} next
   */
  readNew(files, fail, onSegment, next) {
    const range = IDBKeyRange.bound(this.path(this.head), this.path(lastSeq))
    onResult(files.getAllKeys(range), fail, (keys) => {
      if (this.head > 0 && keys[0] !== this.path(this.head)) throw clearedError()
      const added = keys.filter((key) => this.seqOf(key) > this.head)
      if (added.length === 0) return next(null)
      const records = files.getAll(IDBKeyRange.bound(added[0], added[added.length - 1]))
      onResult(records, fail, (contents) => {
        /** @type {number | null} */
        let own = null
        const first = keys.indexOf(added[0])
        for (let i = 0; i < contents.length; i++) {
          const seq = this.seqOf(keys[first + i])
          if (!(seq > this.head)) continue
          // a record that is not a file gives no bytes: the engine reports it as damaged
          const bytes = contents[i]?.contents instanceof Uint8Array ? contents[i].contents : empty
          this.head = seq
          if (this.isUnsure(seq, bytes)) own = seq
          else onSegment(seq, bytes)
        }
        next(own)
      })
    })
  }

  /** @param {number} seq @param {Uint8Array} bytes */
  isUnsure(seq, bytes) {
    return (
      this.unsure?.seq === seq &&
      this.unsure.bytes.length === bytes.length &&
      this.unsure.bytes.every((byte, i) => byte === bytes[i])
    )
  }

  /** @param {number} seq */
  path(seq) {
    return `${this.name}/journal/${String(seq).padStart(12, '0')}`
  }

  /** @param {IDBValidKey} key @returns {number} NaN for a file that is no segment */
  seqOf(key) {
    const name = String(key).slice(this.name.length + '/journal/'.length)
    return /^\d{12}$/.test(name) ? Number(name) : Number.NaN
  }
}

/** Nothing survives it; for `storage: 'memory'` and where there is no IndexedDB. @implements {Disk} */
export class MemoryDisk {
  constructor() {
    /** @type {'memory'} */
    this.kind = 'memory'
    this.head = 0
  }

  async load() {}
  async refresh() {}

  /** @param {() => Uint8Array} _segment */
  async commit(_segment) {
    return ++this.head
  }

  async close() {}
}

const empty = new Uint8Array(0)

/** As IDBFS makes it. @param {IDBDatabase} db @param {IDBTransaction} transaction */
function upgrade(db, transaction) {
  const files = db.objectStoreNames.contains(store)
    ? transaction.objectStore(store)
    : db.createObjectStore(store)
  if (!files.indexNames.contains('timestamp')) {
    files.createIndex('timestamp', 'timestamp', { unique: false })
  }
}
