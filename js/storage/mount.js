// Owns the one use we make of Emscripten's IDBFS: mounting a user's database and populating it at
// start. Writes nothing, and leaves nothing in the module's memory.

import { within } from '../within.js'

/**
 * The parts of the Emscripten module that deal with files.
 * @typedef {object} FileModule
 * @property {any} FS
 * @property {any} IDBFS
 */

/**
 * Every journal segment IDBFS finds, in order. Each is taken out of MEMFS as it is given: the
 * database keeps it, memory need not.
 * @param {FileModule} module
 * @param {string} mountpoint also the name of the database
 * @param {number} timeoutMs
 * @returns {Promise<Iterable<{ seq: number, bytes: Uint8Array }>>} rejects with whatever IDBFS says
 */
export async function takeMountedFiles({ FS, IDBFS }, mountpoint, timeoutMs) {
  FS.mkdirTree(mountpoint)
  FS.mount(IDBFS, {}, mountpoint)
  const populated = new Promise((resolve, reject) => {
    FS.syncfs(true, (/** @type {unknown} */ error) => (error ? reject(error) : resolve(null)))
  })
  try {
    await within(timeoutMs, populated, () => new Error('IDBFS did not answer'))
  } finally {
    // IDBFS keeps its connection for ever and would block whoever wants to delete the database.
    IDBFS.dbs[mountpoint]?.close()
    delete IDBFS.dbs[mountpoint]
  }
  return takeFiles(FS, `${mountpoint}/journal`)
}

/** @param {any} FS @param {string} folder */
function* takeFiles(FS, folder) {
  if (!FS.analyzePath(folder).exists) return
  const names = FS.readdir(folder).filter((/** @type {string} */ name) => /^\d{12}$/.test(name))
  for (const name of names.sort()) {
    const path = `${folder}/${name}`
    const bytes = FS.readFile(path)
    FS.unlink(path)
    yield { seq: Number(name), bytes }
  }
}
