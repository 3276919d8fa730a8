// Disks for tests, each as a context of its own would have it, all closed again after each test. What is written
// is text. Knows no engine.

import { IndexedDbDisk } from '../../js/storage/disk.js'
import { fakeFs } from './fake-fs.js'
import { newDatabase } from './open-client.js'

/** @type {IndexedDbDisk[]} */
let disks = []

/** @param {string} name of the database @param {object} [options] of the disk */
export function openDisk(name, options = {}) {
  const disk = new IndexedDbDisk({ name, module: fakeFs(), ...options })
  disks.push(disk)
  return disk
}

/** For afterEach. */
export function closeDisks() {
  for (const disk of disks) disk.database.drop()
  disks = []
}

export const newName = () => `/${newDatabase()}/user`

/** @param {string} text */
export const bytes = (text) => new TextEncoder().encode(text)
/** @param {Uint8Array} contents */
export const text = (contents) => new TextDecoder().decode(contents)
export const nothing = new Uint8Array(0)

/** What a snapshot without vectors says of them. */
export const noVectors = {
  nextVectors: () => nothing,
  namedVectors: () => 0,
  vectorsStillNamed: () => nothing,
}
