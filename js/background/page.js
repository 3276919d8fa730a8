// Owns the page's part of background sync: registering the worker, and asking for a sync whenever
// work is pending and the page might not get to send it. Knows no core; pushes nothing itself.
//
//   pending --page hidden, offline or failing--> ask now
//      |
//      +--still pending after 2 s--> ask     more became pending since --at most every 10 s--> ask

import { messageOf, SyncError } from '../error.js'
import { pushMessage, syncTag } from './names.js'

/** A healthy page sends by itself within this time; a worker woken for each write sends it twice. */
const settlingMs = 2_000
const askAgainMs = 10_000
/** How often periodic sync may come, where the browser grants it. */
const periodMs = 12 * 3_600_000

/** @typedef {import('../client.js').SyncClient<any>} Client */

/**
 * What of the page's global object is used.
 * @typedef {object} Page
 * @property {any} [navigator]
 * @property {any} [document]
 * @property {(event: string, listener: () => void) => void} [addEventListener]
 * @property {(event: string, listener: () => void) => void} [removeEventListener]
 */

/**
 * registerBackgroundSync() of the public API, with the page handed in.
 * @param {Page} page
 * @param {Client} client
 * @param {string | URL} workerUrl
 * @param {() => void} onPushed the worker has sent something: the client may look
 * @returns {Promise<void>}
 * @throws {SyncError}
 */
export async function registerIn(page, client, workerUrl, onPushed) {
  const workers = page.navigator?.serviceWorker
  if (!workers) {
    const why = 'this browser, this window or this address (https is needed) has no service workers'
    throw new SyncError('invariant', `no background sync: ${why}`)
  }
  let registration
  try {
    registration = await workers.register(workerUrl, { type: 'module' })
    await activated(registration)
  } catch (error) {
    const code = page.navigator.onLine === false ? 'offline' : 'invariant'
    const text = `the service worker ${workerUrl} cannot be registered: ${messageOf(error)}`
    throw new SyncError(code, text, error)
  }
  if (client.status().state === 'closed') return
  new Asking(page, client, registration, onPushed).start()
  askForPeriodic(page, registration)
}

/** Resolves when there is a worker that hears events. @param {any} registration */
function activated(registration) {
  const coming = registration.installing ?? registration.waiting
  if (registration.active || !coming) return null
  return new Promise((resolve, reject) => {
    const look = () => {
      if (coming.state === 'activated' || registration.active) resolve(null)
      else if (coming.state === 'redundant') {
        reject(new Error('its installation failed (is module.wasm where it should be?)'))
      } else return
      coming.removeEventListener('statechange', look)
    }
    coming.addEventListener('statechange', look)
    look()
  })
}

class Asking {
  /** @param {Page} page @param {Client} client @param {any} registration @param {() => void} onPushed */
  constructor(page, client, registration, onPushed) {
    this.page = page
    this.client = client
    this.registration = registration
    this.onPushed = onPushed
    this.hasSync = typeof registration.sync?.register === 'function'
    /** since the page was hidden last */
    this.hasSentHidden = false
    /** how much was pending when we asked; 0: there was nothing since */
    this.askedFor = 0
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined
    /** @type {(() => void)[]} */
    this.undo = []
  }

  start() {
    const { page } = this
    this.listen(page.document, 'visibilitychange', () => {
      this.hasSentHidden = false
      if (this.isHidden() && this.pending() > 0) this.ask()
    })
    this.listen(page, 'online', () => {
      if (!this.hasSync && this.pending() > 0) this.ask()
    })
    this.undo.push(this.client.subscribe(() => this.look()))
    if (this.pending() > 0) this.ask()
  }

  /** @param {any} target @param {string} event @param {() => void} listener */
  listen(target, event, listener) {
    if (!target?.addEventListener) return
    target.addEventListener(event, listener)
    this.undo.push(() => target.removeEventListener(event, listener))
  }

  look() {
    const { state, pending } = this.client.status()
    if (state === 'closed') return this.stop()
    if (!this.hasSync) return // a message that comes now is forgotten with the worker
    this.askedFor = Math.min(this.askedFor, pending)
    if (pending === 0) return this.wait(null)
    if (pending <= this.askedFor) return
    const isFirst = this.askedFor === 0
    const isUrgent = state === 'offline' || state === 'error' || this.isOffline() || this.isHidden()
    if (isFirst && isUrgent) this.ask()
    else this.wait(isFirst ? settlingMs : askAgainMs)
  }

  /** Asks after a while if there is still something; a wait under way stays. @param {number | null} ms */
  wait(ms) {
    if (ms === null) {
      clearTimeout(this.timer)
      this.timer = undefined
    } else {
      this.timer ??= setTimeout(() => {
        this.timer = undefined
        if (this.pending() > 0) this.ask()
      }, ms)
    }
  }

  ask() {
    this.wait(null)
    this.askedFor = this.pending()
    if (!this.hasSync) return this.send()
    this.sendWhenHidden()
    this.registration.sync.register(syncTag).catch(() => {
      // refused for good (the user's setting, a private window): as where it does not exist
      this.hasSync = false
      this.send()
    })
  }

  /**
   * Of a tab that is being closed the browser takes a message always, the registration only if it is done before the
   * tab is gone. One that is only hidden goes on by itself: it sends no second one.
   */
  sendWhenHidden() {
    if (!this.isHidden() || this.hasSentHidden) return
    this.hasSentHidden = true
    this.send()
  }

  /** The worker outlives a page that goes away by some seconds. */
  send() {
    const { active } = this.registration
    if (!active) return
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      this.onPushed()
    }
    active.postMessage({ type: pushMessage }, [port2])
  }

  pending() {
    return this.client.status().pending
  }

  isHidden() {
    return this.page.document?.visibilityState === 'hidden'
  }

  isOffline() {
    return this.page.navigator?.onLine === false
  }

  stop() {
    this.wait(null)
    for (const step of this.undo.splice(0)) step()
  }
}

/** Granted to installed apps only; everywhere else nothing is missing. @param {Page} page @param {any} registration */
async function askForPeriodic(page, registration) {
  try {
    const name = 'periodic-background-sync'
    const permission = await page.navigator.permissions?.query({ name })
    if (permission?.state !== 'granted') return
    await registration.periodicSync?.register(syncTag, { minInterval: periodMs })
  } catch {
    // this browser does not know it
  }
}
