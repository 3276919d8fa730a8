// A disk that can be full, and clients of the compiled engine on it. Knows no store.

import { engines, openClient } from './open-client.js'

const { createModule } = engines[engines.length - 1]
const { add } = IDBObjectStore.prototype
/** @type {any[]} */
let open = []

/** Its failures, as codes, in `errors`. @param {Record<string, any>} [options] @returns {Promise<any>} */
export async function newClient(options) {
  /** @type {string[]} */
  const errors = []
  const onError = (/** @type {any} */ { code }) => errors.push(code)
  const client = await openClient({ storage: 'indexeddb', onError, ...options }, createModule)
  open.push(client)
  return Object.assign(client, { errors })
}

/** @param {number} [times] so many writes are refused */
export function fillDisk(times = Number.POSITIVE_INFINITY) {
  let refused = 0
  IDBObjectStore.prototype.add = () => {
    refused += 1
    if (refused >= times) makeRoom()
    throw new DOMException('full', 'QuotaExceededError')
  }
}

export function makeRoom() {
  IDBObjectStore.prototype.add = add
}

/** For afterEach. */
export async function closeClients() {
  makeRoom()
  for (const client of open) await client.close()
  open = []
}
