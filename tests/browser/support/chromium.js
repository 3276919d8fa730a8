// A real Chromium with a profile of its own, that a test may kill in whole or in part and start again.
// Driven by Playwright over CDP, but started here: killing needs the processes, and Playwright's own
// switches would turn off what we test (the back/forward cache, throttling). Ends all it starts.

import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { spawnGroup } from './process-group.js'

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('playwright-core').Worker} Worker */
/** @typedef {Page | Worker} Context whatever runs scripts: a page, its worker, the service worker */
/** @typedef {{ after(end: () => Promise<void>): unknown }} Ending a test, or { after } of node:test for a whole file */

const switches = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
  ...['--disable-breakpad', '--password-store=basic', '--remote-debugging-port=0'],
]

const patience = 60_000

/** Ends with the test. @param {Ending} t @param {string[]} [more] switches */
export async function startChromium(t, more = []) {
  const profile = await mkdtemp(join(tmpdir(), 'somatic-sync-chromium-'))
  const browser = new Chromium(profile, more)
  t.after(async () => {
    await browser.kill()
    await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  })
  await browser.start()
  return browser
}

class Chromium {
  /** @param {string} profile @param {string[]} more */
  constructor(profile, more) {
    this.profile = profile
    this.more = more
    /** @type {string[]} errors that any console showed, and exceptions nobody caught */
    this.problems = []
    /** @type {ReturnType<typeof spawnGroup> | null} */
    this.group = null
    /** @type {import('playwright-core').CDPSession | null} of the page whose quota is not its own */
    this.quota = null
  }

  /** Starts it, or starts it again with the profile it had. */
  async start() {
    const connection = await this.connect()
    this.connection = connection
    /** Playwright's browser context: cookies, offline, service workers */
    this.context = connection.contexts()[0]
    this.context.setDefaultTimeout(patience)
    this.cdp = await connection.newBrowserCDPSession()
    this.context.on('console', (message) => {
      if (message.type() === 'error')
        this.problems.push(`${message.location().url}: ${message.text()}`)
    })
    this.context.on('weberror', (error) => this.problems.push(String(error.error())))
  }

  /** Now and then one that was just started never answers its debugger: then another one is. */
  async connect() {
    for (let tries = 1; ; tries++) {
      const args = [...switches, ...this.more, `--user-data-dir=${this.profile}`, 'about:blank']
      this.group = spawnGroup(executable(), args, { stdio: ['ignore', 'ignore', 'pipe'] })
      try {
        const endpoint = await endpointOf(this.group.main)
        return await chromium.connectOverCDP(endpoint, { timeout: patience / 2 })
      } catch (error) {
        await this.kill()
        if (tries === 3) throw error
      }
    }
  }

  /** SIGKILL, as by a crash: nothing gets a chance to finish. Waits until every process is gone. */
  async kill() {
    const { group } = this
    this.group = null
    this.quota = null
    if (!group) return
    group.main.kill('SIGKILL')
    // its children notice by themselves; whoever has not after a second is made to
    for (let i = 0; i < 20 && group.isAlive(); i++) await pause(50)
    await group.kill()
    await this.connection?.close()
  }

  /** Closes it as its user would. */
  async quit() {
    if (!this.group) return
    const exit = once(this.group.main, 'exit')
    await this.cdp?.send('Browser.close').catch(() => {})
    await Promise.race([exit, pause(20_000, null, { ref: false })])
    await this.kill()
  }

  async restart() {
    await this.quit()
    await this.start()
  }

  /** A tab of its own renderer, with the page's script run. @param {string} url */
  async openTab(url) {
    const page = await this.running.newPage()
    await page.goto(url)
    await ready(() => page)
    return page
  }

  /** @param {Page} page */
  async reload(page) {
    await page.reload()
    await ready(() => page)
  }

  /** The dedicated worker of a page. @param {Page} page */
  async startWorker(page) {
    const started = page.waitForEvent('worker')
    await call(page, 'startWorker')
    const worker = await started
    await ready(() => worker)
    return worker
  }

  /** The service worker of a page's origin; it controls the page from now on. @param {Page} page */
  async startServiceWorker(page) {
    await call(page, 'startServiceWorker')
    const { origin } = new URL(page.url())
    const ours = () =>
      this.running.serviceWorkers().findLast((worker) => worker.url().startsWith(`${origin}/`))
    // one that has just ended may still be among them, and another one come instead of it
    return ready(ours, `the service worker of ${origin}`)
  }

  /**
   * Stops the service worker of a page's origin, whatever it is doing. What was asked of it and is not
   * answered yet never will be. startServiceWorker() starts it again.
   * @param {Page} page
   */
  async stopServiceWorker(page) {
    const { origin } = new URL(page.url())
    const session = await this.running.newCDPSession(page)
    /** @type {Map<string, string>} version -> its running status */
    const versions = new Map()
    session.on('ServiceWorker.workerVersionUpdated', (told) => {
      for (const { versionId, scriptURL, runningStatus } of told.versions) {
        if (scriptURL.startsWith(`${origin}/`)) versions.set(versionId, runningStatus)
      }
    })
    const isStopped = () => [...versions.values()].every((status) => status === 'stopped')
    await session.send('ServiceWorker.enable')
    await until(() => versions.size > 0)
    for (const versionId of versions.keys())
      await session.send('ServiceWorker.stopWorker', { versionId })
    await until(isStopped)
    await session.detach()
  }

  /**
   * The process of a page's renderer: whoever reports a mark that is made in the page.
   * @param {Page} page
   * @returns {Promise<number>}
   */
  async rendererOf(page) {
    const session = await this.running.newCDPSession(page)
    const mark = `mark-${Math.random()}`
    /** @type {any[]} */
    const events = []
    session.on('Tracing.dataCollected', ({ value }) => events.push(...value))
    const complete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve))
    const traceConfig = { includedCategories: ['blink.user_timing'], excludedCategories: ['*'] }
    await session.send('Tracing.start', { traceConfig, transferMode: 'ReportEvents' })
    await page.evaluate((name) => performance.mark(name), mark)
    await session.send('Tracing.end')
    await complete
    await session.detach()
    return events.find(({ name }) => name === mark).pid
  }

  /**
   * SIGKILL to the renderer of a tab, its dedicated worker with it; waits until the browser has noticed.
   * @param {Page} page
   * @param {number} [pid] if rendererOf() was asked before: it takes a while
   */
  async killTab(page, pid) {
    const renderer = pid ?? (await this.rendererOf(page))
    const crashed = page.waitForEvent('crash')
    process.kill(renderer, 'SIGKILL')
    await crashed
    await page.close()
  }

  /** @param {boolean} isOffline */
  async setOffline(isOffline) {
    await this.running.setOffline(isOffline)
  }

  /** Of a page's origin, as the browser's settings do it. @param {Page} page */
  async clearSiteData(page) {
    const session = await this.running.newCDPSession(page)
    const { origin } = new URL(page.url())
    await session.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' })
    await session.detach()
  }

  /**
   * How much room a page's origin has, as long as the page lives.
   * @param {Page} page
   * @param {number | null} bytes null: as much as ever
   */
  async setQuota(page, bytes) {
    // stays open: the browser forgets the quota with it
    this.quota ??= await this.running.newCDPSession(page)
    const { origin } = new URL(page.url())
    await this.quota.send('Storage.overrideQuotaForOrigin', {
      origin,
      ...(bytes === null ? {} : { quotaSize: bytes }),
    })
    if (bytes !== null) return
    await this.quota.detach()
    this.quota = null
  }

  get running() {
    if (!this.context || !this.group) throw new Error('the browser is not running')
    return this.context
  }
}

/**
 * Calls a function of `somatic` (../fixture/context.js) in a context.
 * @param {Context} context
 * @param {string} name
 * @param {unknown} [argument] what JSON can hold
 * @returns {Promise<any>}
 */
export function call(context, name, argument) {
  const work = (/** @type {{ name: string, argument: unknown }} */ { name, argument }) =>
    /** @type {any} */ (globalThis).somatic[name](argument)
  return /** @type {Page} */ (context).evaluate(work, { name, argument })
}

/**
 * One whose script has run: a worker is announced before that.
 * @template {Context} T
 * @param {() => T | undefined} find
 * @param {string} [what]
 * @returns {Promise<T>}
 */
async function ready(find, what = find()?.url()) {
  const look = () => 'somatic' in globalThis
  let last = ''
  for (const end = Date.now() + patience; Date.now() < end; await pause(10)) {
    const context = find()
    try {
      if (context && (await /** @type {Page} */ (context).evaluate(look))) return context
    } catch (error) {
      last = String(error) // a service worker that was stopped, until it runs again
    }
  }
  throw new Error(`${what}: its script did not run. ${last}`)
}

/** @param {() => unknown} holds */
export async function until(holds, ms = patience) {
  for (const end = Date.now() + ms; !(await holds()); await pause(10)) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms in vain for ${holds}`)
  }
}

/** Where it listens: it says so itself. @param {import('node:child_process').ChildProcess} browser */
function endpointOf(browser) {
  return new Promise((resolve, reject) => {
    let said = ''
    const timer = setTimeout(() => browser.kill('SIGKILL'), patience)
    // read to the end of its life: a full pipe would stop it
    browser.stderr?.on('data', (chunk) => {
      said = (said + chunk).slice(-10_000)
      const found = /listening on (ws:\S+)/.exec(said)
      if (!found) return
      clearTimeout(timer)
      resolve(found[1])
    })
    browser.once('error', reject)
    browser.once('exit', () => {
      clearTimeout(timer)
      reject(new Error(`Chromium does not start:\n${said}`))
    })
  })
}

/** @type {string | undefined} */
let path
/** Installs it when it is missing. */
function executable() {
  const script = fileURLToPath(new URL('../../../scripts/chromium.sh', import.meta.url))
  path ??= execFileSync('bash', [script], { encoding: 'utf8' }).trim()
  return path
}
