// Owns the package's entry for service workers: what "./service-worker" exports. Loads no page code;
// no top-level await, no import(), no XMLHttpRequest, which a service worker does not have.

import { ModuleCache } from './background/module-cache.js'
import { Runs } from './background/runs.js'
import { listen } from './background/worker.js'
import { buildId, createBareModule, wasmUrl } from './core-module.js'
import { asSyncError, errorInfo } from './error.js'
import { open } from './open.js'

/**
 * Call once, at the top level of a module service worker. From then on the worker pushes and pulls
 * at one-off and periodic background syncs and when a page asks, with no page open if need be; and it
 * keeps module.wasm, so that pages and worker start offline. Other events and requests are left to
 * the app's own listeners.
 * @template {import('./schema.js').Schema} [S=import('./somatic-schema.js').SomaticSchema]
 * @param {Omit<import('./open.js').OpenOptions<S>, 'realtime'>} options as for openSync() in the
 *   page: the same url, database and schema. A worker has no localStorage: let `auth` read a session
 *   that page and worker share
 */
export function startBackgroundSync(options) {
  /** @type {any} */
  const scope = globalThis
  /** @param {unknown} error */
  const report = (error) => {
    try {
      options.onError?.(errorInfo(asSyncError(error, 'invariant')))
    } catch {
      // the place for failures failed
    }
  }
  const { wasm = wasmUrl() } = options
  const modules =
    typeof wasm === 'string' || wasm instanceof URL
      ? new ModuleCache({
          ...{ caches: scope.caches, fetch: (...args) => fetch(...args), report, buildId },
          ...{ scope: scope.registration.scope, url: new URL(wasm, scope.location.href).href },
        })
      : null

  /** @type {Promise<WebAssembly.Module> | null} compiled once in the life of the worker */
  let compiled = null
  async function compile() {
    const bytes = modules ? await modules.bytes() : /** @type {BufferSource} */ (wasm)
    return WebAssembly.compile(bytes)
  }

  const runs = new Runs(async () => {
    try {
      compiled ??= compile()
      const module = await compiled.catch((error) => {
        compiled = null
        throw error
      })
      // Embeddings and insights are made by pages: they are modules of their own, and import() is not allowed here.
      const left = { embedder: undefined, insights: false }
      /** @type {any} */
      const own = { ...options, ...left, autoSync: false, wasm: module }
      return await open(own, createBareModule)
    } catch (error) {
      report(error)
      throw error
    }
  })
  listen(scope, runs, modules)
}
