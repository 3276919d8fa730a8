// Owns what a service worker does at each of its events, and how long. Knows no client and no cache
// from inside; leaves every event that is not ours to the app.

import { errorInfo } from '../error.js'
import { pushMessage, syncTag } from './names.js'

/** Browsers end a worker 180 s after a sync event began, and 30 s after other events. */
const limitMs = { sync: 150_000, message: 25_000 }

/**
 * Listens from now on. To be called while the worker's script runs for the first time: a browser
 * does not wake it for a listener that came later.
 * @param {any} scope the worker's global object
 * @param {import('./runs.js').Runs} runs
 * @param {import('./module-cache.js').ModuleCache | null} modules null: there is nothing to keep
 */
export function listen(scope, runs, modules) {
  if (modules) {
    scope.addEventListener('install', (/** @type {any} */ event) => {
      event.waitUntil(modules.fill())
    })
    scope.addEventListener('activate', (/** @type {any} */ event) => {
      event.waitUntil(modules.removeOld())
    })
    scope.addEventListener('fetch', (/** @type {any} */ event) => {
      if (modules.owns(event.request.url)) event.respondWith(modules.answer())
    })
  }
  scope.addEventListener('sync', (/** @type {any} */ event) => {
    if (event.tag === syncTag) event.waitUntil(syncOnce(event.lastChance === true))
  })
  scope.addEventListener('periodicsync', (/** @type {any} */ event) => {
    if (event.tag === syncTag) event.waitUntil(runs.run({ limitMs: limitMs.sync }))
  })
  scope.addEventListener('message', (/** @type {any} */ event) => {
    if (event.data?.type === pushMessage) event.waitUntil(answer(event.ports?.[0]))
  })

  /**
   * A rejection tells the browser to try again, which it does a few times, later and later. Nothing
   * is gained by that while somebody has to sign in first.
   * @param {boolean} isLastChance
   */
  async function syncOnce(isLastChance) {
    const outcome = await runs.run({ limitMs: limitMs.sync, keepTrying: isLastChance })
    if ('report' in outcome || !outcome.mayPass) return
    if (isLastChance || outcome.error.code === 'aborted') await askAgain()
    throw outcome.error
  }

  /** @param {MessagePort | undefined} port */
  async function answer(port) {
    const outcome = await runs.run({ limitMs: limitMs.message })
    if (!('report' in outcome) && outcome.mayPass) await askAgain()
    port?.postMessage(
      'report' in outcome
        ? { ok: true, report: outcome.report }
        : { ok: false, error: errorInfo(outcome.error) },
    )
  }

  /** Some browsers refuse it to a worker without a page; the next page asks, too. */
  async function askAgain() {
    try {
      await scope.registration.sync?.register(syncTag)
    } catch {
      // as above
    }
  }
}
