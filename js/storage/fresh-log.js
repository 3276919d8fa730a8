// Owns that Chromium writes to a new log before we write. Its LevelDB goes on at the end of the log that its last run
// left, also after a record that a crash cut in half. At the next start but one that half is damage in the middle, and
// Chromium answers damage by making every database of the origin anew. Deleting a database makes it begin a new log.
//
//   a crash in mid-write     log: ######### ###-      the half record was acknowledged to nobody
//   next start, as it is     log: ######### ###- ####   the start after it: all is gone
//   next start, with this    log: ######### ###-  |  new log: ####

import { within } from '../within.js'

/** Of a database that is there for a moment, and of the lock around it. */
const name = 'somatic-sync:fresh-log'

/** A tab that was frozen in the middle of it must not hold up the others. */
const patienceMs = 1_000

/** @type {Promise<unknown> | null} */
let begun = null

/** To be awaited before a database is opened; never rejects. Once in a context, in Chromium only: a few ms. */
export function freshLog() {
  begun ??= within(patienceMs, begin(), () => null).catch(forgetLog)
  return begun
}

/** A connection was lost: the process that writes may have crashed, and left half a record. */
export function forgetLog() {
  begun = null
}

async function begin() {
  /** @type {any} */
  const { userAgentData, locks } = globalThis.navigator ?? {}
  const brands = /** @type {{ brand: string }[]} */ (userAgentData?.brands ?? [])
  if (!brands.some(({ brand }) => brand === 'Chromium')) return
  // whoever is not the first waits for the one who is
  await locks.request(name, { ifAvailable: true }, (/** @type {Lock | null} */ lock) =>
    lock ? makeAndDelete() : locks.request(name, () => {}),
  )
}

async function makeAndDelete() {
  const made = await done(indexedDB.open(name))
  made.close()
  await done(indexedDB.deleteDatabase(name))
}

/** @param {IDBOpenDBRequest} request @returns {Promise<IDBDatabase>} */
function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
    // a tab that is frozen has it open: deleted later
    request.onblocked = () => reject(new Error('it is open elsewhere'))
  })
}
