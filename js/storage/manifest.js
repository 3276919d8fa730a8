// Owns the manifest: which snapshots stand for the beginning of the journal, as bytes and back. Knows
// neither where it is kept nor what a snapshot holds.
//
//   "somatic-sync manifest 1 <CRC-32C of the JSON, 8 hex digits>\n" and JSON

import { SyncError } from '../error.js'

/**
 * Stands for all segments up to `to`, on top of the snapshots before it.
 * @typedef {object} Snapshot
 * @property {number} to
 * @property {string} id names its pieces
 * @property {number} pieces
 * @property {number} rows
 * @property {number} bytes
 */

/**
 * Files of vectors that rows of the snapshots name. They outlive the snapshot they came with.
 * @typedef {object} VectorFiles
 * @property {string} id names them
 * @property {number} files
 * @property {number} vectors
 */

/**
 * @typedef {object} Manifest
 * @property {number} generation one more each time
 * @property {Snapshot[]} snapshots
 * @property {VectorFiles[]} vectors
 */

/** @type {Manifest} nothing was folded yet */
export const noManifest = { generation: 0, snapshots: [], vectors: [] }

const format = 1
const head = /^somatic-sync manifest (\d+) ([0-9a-f]{8})\n/

/** The segment up to which the manifest speaks. @param {Manifest} manifest */
export function reach({ snapshots }) {
  return snapshots.length === 0 ? 0 : snapshots[snapshots.length - 1].to
}

/** How many rows the snapshots hold, those that a later one replaces included. @param {Manifest} manifest */
export function rowsIn({ snapshots }) {
  return snapshots.reduce((sum, { rows }) => sum + rows, 0)
}

/** How many vectors are stored, those that no row names any more included. @param {Manifest} manifest */
export function vectorsIn({ vectors }) {
  return vectors.reduce((sum, each) => sum + each.vectors, 0)
}

/** @param {Manifest} manifest @returns {Uint8Array} */
export function encodeManifest(manifest) {
  const json = JSON.stringify(manifest)
  const sum = crc32c(new TextEncoder().encode(json)).toString(16).padStart(8, '0')
  return new TextEncoder().encode(`somatic-sync manifest ${format} ${sum}\n${json}`)
}

/**
 * @param {unknown} bytes
 * @returns {Manifest | null} null for what is no manifest or was changed
 * @throws {SyncError} "reload-needed" for one of a newer format
 */
export function decodeManifest(bytes) {
  if (!(bytes instanceof Uint8Array)) return null
  const text = new TextDecoder().decode(bytes)
  const found = head.exec(text)
  if (!found) return null
  const json = text.slice(found[0].length)
  if (crc32c(new TextEncoder().encode(json)) !== Number.parseInt(found[2], 16)) return null
  if (Number(found[1]) > format) {
    throw new SyncError('reload-needed', 'a newer version of the app wrote here: reload')
  }
  return { vectors: [], ...JSON.parse(json) }
}

/** Bit by bit: a manifest is small. @param {Uint8Array} bytes @returns {number} */
function crc32c(bytes) {
  let crc = ~0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  return ~crc >>> 0
}
