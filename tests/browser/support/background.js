// The test app (../fixture/app.js) on a site of its own, and its service worker seen from outside: firing syncs at
// it, stopping it, with no page of the site open. Knows nothing of what is synced.

import { fileURLToPath } from 'node:url'
import { call, until } from './chromium.js'
import { startSite } from './site.js'

/** @typedef {Awaited<ReturnType<import('./chromium.js').startChromium>>} Chromium */
/** @typedef {Awaited<ReturnType<typeof startApp>>} App */

/** @param {string} path from this folder */
const file = (path) => fileURLToPath(new URL(path, import.meta.url))

const html = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>app</title>
<script type="module" src="/app.js"></script></html>`

/**
 * @param {{ after(end: () => Promise<void>): unknown }} t
 * @param {Chromium} browser
 * @param {import('../../support/world.js').World} world
 */
export async function startApp(t, browser, world) {
  const site = await startSite(t, {
    entries: {
      'app.js': file('../fixture/app.js'),
      'app-worker.js': file('../fixture/app-worker.js'),
    },
    files: { 'app.html': html },
  })
  const settings = new URLSearchParams({ url: world.proxy.url, key: world.server.anonKey })
  const url = `${site.url}app.html?${settings}`
  return {
    site,
    url,

    /** A tab with somebody signed in and the worker in charge. @param {import('../../support/world.js').User} user @param {object} [options] of openSync() */
    async openTab(user, options) {
      const tab = await browser.openTab(url)
      await call(tab, 'signIn', { email: user.email, password: user.password })
      await call(tab, 'start', options)
      return tab
    },

    /** Nobody looks at the site any more. */
    pagesOpen: () =>
      browser.running.pages().filter((page) => page.url().startsWith(site.url)).length,

    worker: () => watchWorker(browser, site.url),
  }
}

/**
 * The service worker of a site, over a tab of another site.
 * @param {Chromium} browser
 * @param {string} siteUrl
 */
async function watchWorker(browser, siteUrl) {
  const page = await browser.running.newPage()
  const session = await browser.running.newCDPSession(page)
  /** @type {Map<string, string>} registration -> scope */
  const registrations = new Map()
  /** @type {Map<string, string>} version -> its running status */
  const versions = new Map()
  session.on('ServiceWorker.workerRegistrationUpdated', (told) => {
    for (const { registrationId, scopeURL } of told.registrations) {
      if (scopeURL.startsWith(siteUrl)) registrations.set(registrationId, scopeURL)
    }
  })
  session.on('ServiceWorker.workerVersionUpdated', (told) => {
    for (const { versionId, scriptURL, runningStatus } of told.versions) {
      if (scriptURL.startsWith(siteUrl)) versions.set(versionId, runningStatus)
    }
  })
  await session.send('ServiceWorker.enable')
  await until(() => registrations.size > 0 && versions.size > 0)
  const [registrationId] = registrations.keys()
  const { origin } = new URL(siteUrl)
  return {
    /** A one-off sync, whatever the network is like. @param {{ tag?: string, lastChance?: boolean }} [options] */
    async sync({ tag = 'somatic-sync', lastChance = false } = {}) {
      await session.send('ServiceWorker.dispatchSyncEvent', {
        ...{ origin, registrationId, tag, lastChance },
      })
    },

    isRunning: () => [...versions.values()].some((status) => status === 'running'),

    /** Whatever it is doing. Resolves when it does not run any more. */
    async stop() {
      for (const versionId of versions.keys()) {
        await session.send('ServiceWorker.stopWorker', { versionId })
      }
      await until(() => [...versions.values()].every((status) => status === 'stopped'))
    },

    async end() {
      await session.detach()
      await page.close()
    },
  }
}
