// Owns the package entry "./zustand": stores of an app kept equal to collections. Imports no store library: a zustand
// store is known by its shape.

import { StoreSync } from './stores/store-sync.js'

export { seedMappings } from './stores/seed-mappings.js'

/**
 * @template State
 * @typedef {import('./stores/store-sync.js').StoreApiLike<State>} StoreApiLike
 */
/**
 * @template State
 * @typedef {import('./stores/store-sync.js').StoreMapping<State>} StoreMapping
 */

/**
 * Keeps a store and a collection equal, both ways. A counter's change is added; what the store merely shows is never
 * written. Stops by itself when the client is closed or its user is gone; the store is reset for another user.
 * @template State
 * @param {StoreApiLike<State>} store
 * @param {import('./client.js').SyncClient<any>} client
 * @param {StoreMapping<State>} mapping
 * @returns {(() => void) & { hydrated: Promise<void> }} stops it, writing what was just typed; `hydrated` resolves when
 *   the store shows the rows
 * @throws {import('./error.js').SyncError} "unknown-collection"
 */
export function syncStore(store, client, mapping) {
  const sync = new StoreSync(/** @type {StoreApiLike<any>} */ (store), client, mapping)
  sync.start()
  return Object.assign(() => sync.stop(), { hydrated: sync.hydrated })
}
