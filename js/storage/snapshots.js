// Owns the snapshots of one journal on the disk: written piece by piece, each in a transaction of its
// own, and installed by the last one; then what they stand for is removed. Knows no row.
//
// Vectors are files beside it that stay when a later snapshot takes its place, until most are stale.
//
//   piece, piece, piece --> still the manifest of the beginning? --no--> own pieces go, nothing happened
//                             | yes
//                           manifest, one generation on; older pieces go
//                             |
//                           segments that no context's lease keeps go
//
// Killed anywhere before the last transaction: pieces that no manifest names; the next one to install
// removes them.

import { onResult } from './database.js'
import { decodeManifest, encodeManifest, noManifest, reach, vectorsIn } from './manifest.js'
import { bytesOf, putFile, putHiddenFile } from './records.js'

/**
 * @typedef {object} SnapshotSource
 * @property {number} to stands for all segments up to this one
 * @property {boolean} isWhole else on top of the snapshots there are
 * @property {number} rows
 * @property {() => Uint8Array} nextPiece empty when there is none left; throws to give up
 * @property {() => Uint8Array} nextVectors after the pieces: a file of vectors that no snapshot holds
 *   yet; empty when there is none left
 * @property {() => number} namedVectors how many vectors the rows name
 * @property {(file: Uint8Array) => Uint8Array} vectorsStillNamed what of an older file they name
 */

/** @typedef {import('./manifest.js').Manifest} Manifest */
/** @typedef {import('./records.js').Fail} Fail */

export class Snapshots {
  /** @param {import('./disk.js').IndexedDbDisk} disk */
  constructor(disk) {
    this.disk = disk
  }

  /** @param {SnapshotSource} source @returns {Promise<boolean>} */
  async fold(source) {
    const { disk } = this
    const { to, isWhole, rows } = source
    const before = await this.currentManifest()
    if (before.generation !== disk.manifest.generation) {
      // another context has done it: there may be nothing left to do
      disk.setManifest(before)
      return false
    }
    const isNews = isWhole ? to >= reach(before) : to > reach(before)
    if (!isNews) return false
    const id = disk.paths.snapshotId(to, randomHex())
    let [pieces, bytes] = [0, 0]
    for (let piece = source.nextPiece(); piece.length > 0; piece = source.nextPiece()) {
      const path = disk.paths.piece(id, pieces)
      await this.write((files, fail) => putFile(files, fail, path, piece))
      pieces += 1
      bytes += piece.length
    }
    const vectors = await this.foldVectors(source, id, before)
    const snapshot = { to, id, pieces, rows, bytes }
    return this.install(before, {
      generation: before.generation + 1,
      snapshots: isWhole ? [snapshot] : [...before.snapshots, snapshot],
      vectors,
    })
  }

  /**
   * @param {SnapshotSource} source
   * @param {string} id
   * @param {Manifest} before
   * @returns {Promise<import('./manifest.js').VectorFiles[]>} what the manifest then names
   */
  async foldVectors(source, id, before) {
    const { disk } = this
    const own = { id, files: 0, vectors: 0 }
    /** @param {Uint8Array} file */
    const add = async (file) => {
      if (file.length === 0) return
      const path = disk.paths.vectorFile(id, own.files)
      await this.write((files, fail) => putHiddenFile(files, fail, path, file))
      own.files += 1
      own.vectors += vectorsOf(file)
    }
    for (let file = source.nextVectors(); file.length > 0; file = source.nextVectors()) {
      await add(file)
    }
    const stored = vectorsIn(before) + own.vectors
    const isStale = disk.limits.isWaste(stored, source.namedVectors()) || disk.damaged.size > 0
    const isRewritten = source.isWhole && isStale
    if (isRewritten) {
      for (const path of this.vectorFilesIn(before)) {
        await add(source.vectorsStillNamed((await this.read(path)) ?? new Uint8Array(0)))
      }
    }
    return [...(isRewritten ? [] : before.vectors), ...(own.files > 0 ? [own] : [])]
  }

  /**
   * @param {Manifest} before
   * @param {Manifest} manifest its last snapshot is the new one
   * @returns {Promise<boolean>}
   */
  async install(before, manifest) {
    const { disk } = this
    const { paths } = disk
    const snapshot = manifest.snapshots[manifest.snapshots.length - 1]
    const vectorFiles = manifest.vectors.find(({ id }) => id === snapshot.id)?.files ?? 0
    const setAside = [...disk.damaged]
    const isFirst = await disk.transaction('readwrite', (files, fail, begin) => {
      let isInstalled = false
      const ownPieces = paths.piecesOf(snapshot.id)
      const ownVectors = paths.vectorFilesOf(snapshot.id)
      /** @param {Manifest} found @param {boolean} isComplete */
      const decide = (found, isComplete) => {
        if (found.generation !== before.generation || !isComplete) {
          files.delete(ownPieces)
          files.delete(ownVectors)
          disk.setManifest(found)
          return
        }
        isInstalled = true
        for (const path of setAside) keepAside(files, fail, path, paths.setAside(path))
        this.putManifest(files, fail, manifest)
        this.deleteOthers(files, fail, manifest)
      }
      begin(() =>
        this.readManifest(files, fail, (found) => {
          onResult(files.count(ownPieces), fail, (pieces) => {
            onResult(files.count(ownVectors), fail, (vectors) => {
              decide(found, pieces === snapshot.pieces && vectors === vectorFiles)
            })
          })
        }),
      )
      return () => isInstalled
    })
    if (!isFirst) return false
    for (const path of setAside) disk.damaged.delete(path)
    disk.setManifest(manifest)
    await this.deleteFolded(snapshot.to)
    return true
  }

  /**
   * The segments that a snapshot stands for, and on which no context relies any more; what stays goes with the next
   * snapshot. The last one stays always: contexts tell by it that they are up to date.
   * @param {number} to
   */
  async deleteFolded(to) {
    const { disk } = this
    try {
      await disk.renewLease()
      const end = Math.min(to, await disk.lease.lowest())
      await this.write((files) => files.delete(disk.paths.segmentsBefore(end)))
    } catch {
      // they are in nobody's way
    }
  }

  /**
   * Gives every stored file of vectors, one at a time. A snapshot that is installed meanwhile may take
   * one away: then all begins again.
   * @param {(bytes: Uint8Array) => Promise<boolean | void> | boolean | void} onFile
   */
  async readVectors(onFile) {
    const { disk } = this
    const given = new Set()
    for (let isWhole = false; !isWhole; ) {
      isWhole = true
      for (const path of this.vectorFilesIn(await this.currentManifest())) {
        if (given.has(path)) continue
        const file = await this.read(path)
        if (!file) {
          const isStillNamed = this.vectorFilesIn(await this.currentManifest()).includes(path)
          if (isStillNamed) disk.damaged.add(path)
          else isWhole = false
          if (!isWhole) break
          continue
        }
        given.add(path)
        if ((await onFile(file)) === false) disk.damaged.add(path)
      }
    }
  }

  /** @returns {Promise<Manifest>} */
  currentManifest() {
    return this.disk.transaction('readonly', (files, fail, begin) => {
      let manifest = noManifest
      begin(() =>
        this.readManifest(files, fail, (found) => {
          manifest = found
        }),
      )
      return () => manifest
    })
  }

  /** @param {Manifest} manifest @returns {string[]} */
  vectorFilesIn({ vectors }) {
    return vectors.flatMap(({ id, files }) =>
      Array.from({ length: files }, (_, n) => this.disk.paths.vectorFile(id, n)),
    )
  }

  /** In a transaction of its own. @param {string} path @returns {Promise<Uint8Array | null>} */
  read(path) {
    return this.disk.transaction('readonly', (files, fail, begin) => {
      /** @type {Uint8Array | null} */
      let bytes = null
      begin(() =>
        onResult(files.get(path), fail, (record) => {
          if (record) bytes = bytesOf(record)
        }),
      )
      return () => bytes
    })
  }

  /** In a transaction of its own. @param {(files: IDBObjectStore, fail: Fail) => void} put */
  write(put) {
    return this.disk.transaction('readwrite', (files, fail, begin) => {
      begin(() => put(files, fail))
      return () => {}
    })
  }

  /**
   * An empty snapshot: the journal goes on after this number.
   * @param {IDBObjectStore} files
   * @param {Fail} fail
   * @param {{ to: number, generation: number }} numbers
   */
  skipTo(files, fail, { to, generation }) {
    const { paths } = this.disk
    const empty = { to, id: paths.snapshotId(to, randomHex()), pieces: 0, rows: 0, bytes: 0 }
    this.putManifest(files, fail, { generation, snapshots: [empty], vectors: [] })
    putFile(files, fail, paths.segment(to), new Uint8Array(0)) // stands there as any last one does
  }

  /** @param {IDBObjectStore} files @param {Fail} fail @param {Manifest} manifest */
  putManifest(files, fail, manifest) {
    const bytes = encodeManifest(manifest)
    for (const path of this.disk.paths.manifests) putFile(files, fail, path, bytes)
  }

  /** All pieces and vectors that the manifest does not name. @param {IDBObjectStore} files @param {Fail} fail @param {Manifest} manifest */
  deleteOthers(files, fail, { snapshots, vectors }) {
    const { paths } = this.disk
    /** @param {IDBKeyRange} range @param {{ id: string }[]} named */
    const deleteUnnamed = (range, named) => {
      const ids = new Set(named.map(({ id }) => id))
      onResult(files.getAllKeys(range), fail, (keys) => {
        for (const key of keys) if (!ids.has(paths.idOf(key))) files.delete(key)
      })
    }
    deleteUnnamed(paths.allPieces, snapshots)
    deleteUnnamed(paths.allVectorFiles, vectors)
  }

  /**
   * @param {IDBObjectStore} files
   * @param {Fail} fail
   * @param {(manifest: Manifest, damaged?: Uint8Array) => void} then damaged: there is one, and
   *   neither of its copies can be read
   */
  readManifest(files, fail, then) {
    const [path, copy] = this.disk.paths.manifests
    onResult(files.get(path), fail, (record) => {
      const manifest = decodeManifest(record?.contents)
      if (manifest) return then(manifest)
      onResult(files.get(copy), fail, (other) => {
        const second = decodeManifest(other?.contents)
        if (second) then(second)
        else then(noManifest, record || other ? bytesOf(record) : undefined)
      })
    })
  }

  /**
   * Gives the pieces of the snapshots that reach further than the engine does.
   * @param {IDBObjectStore} files
   * @param {Fail} fail
   * @param {Manifest} manifest
   * @param {import('./disk.js').OnSegment} onSegment
   * @param {() => void} then
   */
  readPieces(files, fail, { snapshots }, onSegment, then) {
    const { disk } = this
    const missing = snapshots.filter(({ to }) => to > disk.head)
    const readNext = () => {
      const snapshot = missing.shift()
      if (!snapshot) return then()
      const { id, to, pieces } = snapshot
      onResult(files.getAll(disk.paths.piecesOf(id)), fail, (records) => {
        const stored = Array.from({ length: pieces }, (_, n) => ({
          path: disk.paths.piece(id, n),
          seq: to,
          bytes: bytesOf(records[n]),
        }))
        disk.give(stored, onSegment)
        readNext()
      })
    }
    readNext()
  }
}

/** Out of the way, and kept. @param {IDBObjectStore} files @param {Fail} fail @param {string} path @param {string} aside */
function keepAside(files, fail, path, aside) {
  onResult(files.get(path), fail, (record) => {
    if (record) putFile(files, fail, aside, bytesOf(record))
  })
}

/** The second number after the header. @param {Uint8Array} file */
function vectorsOf(file) {
  return new DataView(file.buffer, file.byteOffset).getUint32(20, true)
}

function randomHex() {
  const [random] = crypto.getRandomValues(new Uint32Array(1))
  return random.toString(16).padStart(8, '0')
}
