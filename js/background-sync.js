// Owns registerBackgroundSync() of the public API. The work is background/page.js's.

import { registerIn } from './background/page.js'
import { SyncClient, stateOf } from './client.js'
import { SyncError } from './error.js'

/**
 * Registers the app's service worker (which calls startBackgroundSync of "somatic-sync/service-worker")
 * and asks for a background sync whenever work is pending, until the client is closed. Where there is
 * no Background Sync, the worker is told when the page starts, hides or comes back online.
 * @param {import('./client.js').SyncClient<any>} client
 * @param {string | URL} workerUrl of a module worker; its folder is the scope
 * @returns {Promise<void>} rejects with a SyncError where service workers are missing or the worker
 *   cannot be installed; the page then still syncs by itself
 */
export async function registerBackgroundSync(client, workerUrl) {
  if (!(client instanceof SyncClient)) {
    throw new SyncError('invalid-value', 'registerBackgroundSync: the first argument is no client')
  }
  await registerIn(globalThis, client, workerUrl, () => stateOf(client).parts.core?.refresh())
}
