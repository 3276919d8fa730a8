// Owns the snapshots of one journal on the disk: written piece by piece, each in a transaction of its
// own, and installed by the last one, which also removes what they stand for. Knows no row.
//
//   piece, piece, piece --> still the manifest of the beginning? --no--> own pieces go, nothing happened
//                             | yes
//                           manifest, one generation on; folded segments and older pieces go
//
// Killed anywhere before the last transaction: pieces that no manifest names; the next one to install
// removes them.

import { onResult } from './database.js'
import { decodeManifest, encodeManifest, noManifest, reach } from './manifest.js'
import { bytesOf, putFile } from './records.js'

/**
 * @typedef {object} SnapshotSource
 * @property {number} to stands for all segments up to this one
 * @property {boolean} isWhole else on top of the snapshots there are
 * @property {number} rows
 * @property {() => Uint8Array} nextPiece empty when there is none left; throws to give up
 */

/** @typedef {import('./manifest.js').Manifest} Manifest */
/** @typedef {import('./records.js').Fail} Fail */

export class Snapshots {
  /** @param {import('./disk.js').IndexedDbDisk} disk */
  constructor(disk) {
    this.disk = disk
  }

  /** @param {SnapshotSource} source @returns {Promise<boolean>} */
  async fold({ to, isWhole, rows, nextPiece }) {
    const { disk } = this
    const before = disk.manifest
    const isNews = isWhole ? to >= reach(before) : to > reach(before)
    if (!isNews) return false
    const id = disk.paths.snapshotId(to, randomHex())
    let [pieces, bytes] = [0, 0]
    for (let piece = nextPiece(); piece.length > 0; piece = nextPiece()) {
      const path = disk.paths.piece(id, pieces)
      await disk.transaction('readwrite', (files, fail, begin) => {
        begin(() => putFile(files, fail, path, piece))
        return () => {}
      })
      pieces += 1
      bytes += piece.length
    }
    const snapshot = { to, id, pieces, rows, bytes }
    return this.install(before, snapshot, isWhole)
  }

  /**
   * @param {Manifest} before
   * @param {import('./manifest.js').Snapshot} snapshot
   * @param {boolean} isWhole
   * @returns {Promise<boolean>}
   */
  async install(before, snapshot, isWhole) {
    const { disk } = this
    const { paths } = disk
    const setAside = [...disk.damaged]
    /** @type {Manifest} */
    const manifest = {
      generation: before.generation + 1,
      snapshots: isWhole ? [snapshot] : [...before.snapshots, snapshot],
    }
    const isFirst = await disk.transaction('readwrite', (files, fail, begin) => {
      let isInstalled = false
      const own = paths.piecesOf(snapshot.id)
      begin(() =>
        this.readManifest(files, fail, (found) => {
          onResult(files.count(own), fail, (count) => {
            if (found.generation !== before.generation || count !== snapshot.pieces) {
              files.delete(own)
              disk.setManifest(found)
              return
            }
            isInstalled = true
            for (const path of setAside) keepAside(files, fail, path, paths.setAside(path))
            this.putManifest(files, fail, manifest)
            // The last one stays: contexts tell by it that they are up to date.
            files.delete(paths.segmentsBefore(snapshot.to))
            this.deletePieces(files, fail, manifest)
          })
        }),
      )
      return () => isInstalled
    })
    if (!isFirst) return false
    for (const path of setAside) disk.damaged.delete(path)
    disk.setManifest(manifest)
    return true
  }

  /** An empty snapshot: the journal goes on after this number. @param {IDBObjectStore} files @param {Fail} fail @param {number} to */
  skipTo(files, fail, to) {
    const { manifest, paths } = this.disk
    const empty = { to, id: paths.snapshotId(to, randomHex()), pieces: 0, rows: 0, bytes: 0 }
    this.putManifest(files, fail, { generation: manifest.generation + 1, snapshots: [empty] })
    putFile(files, fail, paths.segment(to), new Uint8Array(0)) // stands there as any last one does
  }

  /** @param {IDBObjectStore} files @param {Fail} fail @param {Manifest} manifest */
  putManifest(files, fail, manifest) {
    const bytes = encodeManifest(manifest)
    for (const path of this.disk.paths.manifests) putFile(files, fail, path, bytes)
  }

  /** All pieces that the manifest does not name. @param {IDBObjectStore} files @param {Fail} fail @param {Manifest} manifest */
  deletePieces(files, fail, { snapshots }) {
    const { paths } = this.disk
    const ids = new Set(snapshots.map(({ id }) => id))
    onResult(files.getAllKeys(paths.allPieces), fail, (keys) => {
      for (const key of keys) if (!ids.has(paths.idOf(key))) files.delete(key)
    })
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
        for (let n = 0; n < pieces; n++) {
          disk.give(disk.paths.piece(id, n), to, bytesOf(records[n]), onSegment)
        }
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

function randomHex() {
  const [random] = crypto.getRandomValues(new Uint32Array(1))
  return random.toString(16).padStart(8, '0')
}
