// Owns what a record looks like in Emscripten's IDBFS, and the empty database that holds them. Knows
// nothing of what is in a file.

import { onResult } from './database.js'

/** IDBFS's own; never others, or stock IDBFS could not read the files any more. */
export const version = 21
export const store = 'FILE_DATA'
const modeOfFile = 0o100666
const modeOfFolder = 0o40777

/** @typedef {(error: unknown) => void} Fail gives the transaction up */

/**
 * One that is not there yet: fails with a ConstraintError if it is.
 * @param {IDBObjectStore} files
 * @param {Fail} fail
 * @param {string} path
 * @param {Uint8Array} contents
 */
export function addFile(files, fail, path, contents) {
  onResult(files.add(fileOf(contents), path), fail, () => {})
}

/**
 * @param {IDBObjectStore} files
 * @param {Fail} fail
 * @param {string} path
 * @param {Uint8Array} contents
 */
export function putFile(files, fail, path, contents) {
  onResult(files.put(fileOf(contents), path), fail, () => {})
}

/**
 * A file that IDBFS does not see: it finds files by their timestamp, and reads all that it finds.
 * @param {IDBObjectStore} files
 * @param {Fail} fail
 * @param {string} path
 * @param {Uint8Array} contents
 */
export function putHiddenFile(files, fail, path, contents) {
  const record = { mode: modeOfFile, contents: ownBytes(contents) }
  onResult(files.put(record, path), fail, () => {})
}

/** @param {Uint8Array} contents */
function fileOf(contents) {
  return { timestamp: new Date(), mode: modeOfFile, contents: ownBytes(contents) }
}

/** IndexedDB clones the whole buffer under a view. @param {Uint8Array} bytes */
export function ownBytes(bytes) {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice()
}

/** A record that is not a file gives no bytes: the engine reports it as damaged. @param {any} record */
export function bytesOf(record) {
  return record?.contents instanceof Uint8Array ? record.contents : new Uint8Array(0)
}

/**
 * What is missing of the database. Stock IDBFS populates a file only below a folder that has a record.
 * @param {IDBDatabase} db
 * @param {IDBTransaction} transaction
 * @param {{ folders: string[], life: string }} paths
 */
export function upgrade(db, transaction, paths) {
  const isNew = !db.objectStoreNames.contains(store)
  const files = isNew ? db.createObjectStore(store) : transaction.objectStore(store)
  if (!files.indexNames.contains('timestamp')) {
    files.createIndex('timestamp', 'timestamp', { unique: false })
  }
  if (isNew) begin(files, paths)
}

/**
 * What a database without data holds.
 * @param {IDBObjectStore} files
 * @param {{ folders: string[], life: string }} paths
 */
export function begin(files, { folders, life }) {
  for (const folder of folders) files.put({ timestamp: new Date(), mode: modeOfFolder }, folder)
  files.put(fileOf(crypto.getRandomValues(new Uint8Array(16))), life)
}
