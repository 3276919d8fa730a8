// Disks for tests, each as a context of its own would have it, and tabs that hang, all ended again after each test.
// What is written is text. Knows no engine.

import { IndexedDbDisk } from '../../js/storage/disk.js'
import { fakeFs, result } from './fake-fs.js'
import { newDatabase } from './open-client.js'

/** @type {IndexedDbDisk[]} */
let disks = []
/** @type {(() => Promise<void>)[]} */
let hanging = []

/** @param {string} name of the database @param {object} [options] of the disk */
export function openDisk(name, options = {}) {
  const disk = new IndexedDbDisk({ name, module: fakeFs(), ...options })
  disks.push(disk)
  return disk
}

/** For afterEach. */
export function closeDisks() {
  for (const goOn of hanging) goOn()
  hanging = []
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

/**
 * A tab that does not get out of a transaction.
 * @param {string} name of the database
 * @returns {Promise<() => Promise<void>>} lets it go on; resolves when it is out
 */
export async function hangingTab(name) {
  const db = await result(indexedDB.open(name))
  let isHanging = true
  const transaction = db.transaction('FILE_DATA', 'readwrite')
  const over = new Promise((resolve) => {
    transaction.oncomplete = resolve
  })
  const goOn = () => {
    if (isHanging) transaction.objectStore('FILE_DATA').count().onsuccess = goOn
  }
  goOn()
  const end = async () => {
    isHanging = false
    await over
    db.close()
  }
  hanging.push(end)
  return end
}
