// Owns the one use we make of Emscripten's IDBFS: mounting a user's database and populating it at
// start. Writes nothing, and leaves nothing in the module's memory, nor the mount: FS.syncfs(false) on it
// would delete everything that is not in memory.

import { within } from '../within.js'

/**
 * The parts of the Emscripten module that deal with files.
 * @typedef {object} FileModule
 * @property {any} FS
 * @property {any} IDBFS
 */

/**
 * What IDBFS read. Each file is taken out of MEMFS when it was used: the database keeps it, memory
 * need not.
 * @typedef {object} MountedFiles
 * @property {(path: string) => boolean} has
 * @property {(path: string) => Uint8Array | undefined} get
 * @property {(path: string) => Uint8Array} take
 * @property {(folder: string) => string[]} list paths, in order
 * @property {() => void} clear takes them all out, and the mount away
 */

/**
 * @param {FileModule} module
 * @param {string} mountpoint also the name of the database
 * @param {number} timeoutMs
 * @returns {Promise<MountedFiles>} rejects with whatever IDBFS says
 */
export async function takeMountedFiles({ FS, IDBFS }, mountpoint, timeoutMs) {
  FS.mkdirTree(mountpoint)
  FS.mount(IDBFS, {}, mountpoint)
  const populated = new Promise((resolve, reject) => {
    FS.syncfs(true, (/** @type {unknown} */ error) => (error ? reject(error) : resolve(null)))
  })
  try {
    await within(timeoutMs, populated, () => new Error('IDBFS did not answer'))
  } catch (error) {
    FS.unmount(mountpoint)
    throw error
  } finally {
    // IDBFS keeps its connection for ever and would block whoever wants to delete the database.
    IDBFS.dbs[mountpoint]?.close()
    delete IDBFS.dbs[mountpoint]
  }
  return filesBelow(FS, mountpoint)
}

/** @param {any} FS @param {string} mountpoint @returns {MountedFiles} */
function filesBelow(FS, mountpoint) {
  /** @param {string} path */
  const has = (path) => FS.analyzePath(path).exists
  /** @param {string} folder @returns {string[]} */
  const list = (folder) =>
    has(folder)
      ? FS.readdir(folder)
          .filter((/** @type {string} */ name) => name !== '.' && name !== '..')
          .sort()
          .map((/** @type {string} */ name) => `${folder}/${name}`)
      : []
  return {
    has,
    list,
    get: (path) => (has(path) ? FS.readFile(path) : undefined),
    take(path) {
      const bytes = FS.readFile(path)
      FS.unlink(path)
      return bytes
    },
    clear() {
      for (const path of list(mountpoint)) {
        if (!FS.isDir(FS.stat(path).mode)) FS.unlink(path)
        else for (const file of list(path)) FS.unlink(file)
      }
      FS.unmount(mountpoint)
    },
  }
}
