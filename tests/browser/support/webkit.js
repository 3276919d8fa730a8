// Debian's WebKitGTK in its MiniBrowser, driven by WebDriver through WebKitWebDriver, on a display of Xvfb. What
// an automated MiniBrowser stores is gone when it ends. Ends all it starts.

import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startGroup } from './process-group.js'

const patience = 90_000

/** @param {import('./other-browsers.js').Ending} t @returns {Promise<import('./other-browsers.js').OtherBrowser>} */
export async function startWebKit(t) {
  const home = await mkdtemp(join(tmpdir(), 'somatic-sync-webkit-'))
  const browser = new WebKit(home)
  t.after(async () => {
    await browser.end()
    await rm(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  })
  await browser.startAll()
  return browser
}

class WebKit {
  /** @param {string} home */
  constructor(home) {
    this.name = 'WebKit'
    this.home = home
    this.version = ''
    this.lastId = 0
    /** @type {ReturnType<typeof startGroup>[]} */
    this.groups = []
    this.first = ''
    /** One command at a time: a command is for the window that was switched to. */
    this.last = Promise.resolve()
  }

  async startAll() {
    const display = await this.startDisplay()
    const { home } = this
    const driver = spawn('WebKitWebDriver', ['-p', String(await freePort())], {
      detached: true,
      stdio: 'ignore',
      env: {
        ...process.env,
        ...{ DISPLAY: `:${display}`, HOME: home, XDG_CACHE_HOME: home, XDG_DATA_HOME: home },
        ...{ XDG_CONFIG_HOME: home, XDG_RUNTIME_DIR: home, LIBGL_ALWAYS_SOFTWARE: '1' },
        // everything in here is a test's own
        WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
      },
    })
    this.groups.push(startGroup(driver))
    this.url = `http://127.0.0.1:${driver.spawnargs[2]}`
    const binary = await miniBrowser()
    const options = { 'webkitgtk:browserOptions': { binary, args: ['--automation'] } }
    const session = await this.eventually(() =>
      this.command('POST', '/session', { capabilities: { alwaysMatch: options } }),
    )
    this.session = `/session/${session.sessionId}`
    this.version = session.capabilities.browserVersion
    this.first = await this.command('GET', `${this.session}/window`)
  }

  /** @returns {Promise<string>} its number */
  startDisplay() {
    const args = ['-displayfd', '3', '-screen', '0', '800x600x24', '-nolisten', 'tcp']
    const display = spawn('Xvfb', args, {
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    })
    this.groups.push(startGroup(display))
    return new Promise((resolve, reject) => {
      display.stdio[3]?.on('data', (/** @type {Buffer} */ data) => resolve(String(data).trim()))
      display.once('exit', () => reject(new Error('Xvfb did not start')))
    })
  }

  /** @param {string} method @param {string} path @param {object} [body] @returns {Promise<any>} */
  async command(method, path, body) {
    const init = {
      method,
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(patience),
    }
    const response = await fetch(this.url + path, init)
    const { value } = await response.json()
    if (!response.ok) throw new Error(`${path}: ${value?.error}: ${value?.message}`)
    return value
  }

  /** @template T @param {() => Promise<T>} work @returns {Promise<T>} */
  async eventually(work) {
    for (const end = Date.now() + patience; ; ) {
      try {
        return await work()
      } catch (error) {
        if (Date.now() > end) throw error
        await pause(200)
      }
    }
  }

  /** @template T @param {string} handle @param {() => Promise<T>} work @returns {Promise<T>} */
  inWindow(handle, work) {
    const result = this.last.then(async () => {
      await this.command('POST', `${this.session}/window`, { handle })
      return work()
    })
    this.last = result.then(
      () => {},
      () => {},
    )
    return result
  }

  /** @param {string} url */
  async openTab(url) {
    const { handle } = await this.inWindow(this.first, () =>
      this.command('POST', `${this.session}/window/new`, { type: 'tab' }),
    )
    await this.inWindow(handle, () => this.command('POST', `${this.session}/url`, { url }))
    /** @param {string} script @param {unknown[]} args */
    const run = (script, args) =>
      this.inWindow(handle, () =>
        this.command('POST', `${this.session}/execute/sync`, { script, args }),
      )
    /** @param {string} name @param {unknown} [argument] */
    const call = async (name, argument) => {
      const id = String(++this.lastId)
      await run(startCall, [id, name, argument === undefined ? '' : JSON.stringify(argument)])
      for (;;) {
        const answer = await run('return globalThis.calls[arguments[0]]', [id])
        if (answer?.error) throw new Error(`${name}: ${answer.error}`)
        if (answer) return JSON.parse(answer.result)
        await pause(20)
      }
    }
    const close = () =>
      this.inWindow(handle, () => this.command('DELETE', `${this.session}/window`))
    return { call, close }
  }

  /**
   * The tabs are closed in the middle of what they do. Killing a web process ends the automation session,
   * and with it the browser and all it stored.
   * @param {import('./other-browsers.js').OtherTab[]} tabs
   */
  async cutOff(tabs) {
    for (const tab of tabs) await tab.close()
    await this.inWindow(this.first, async () => {})
  }

  async end() {
    for (const group of this.groups.reverse()) await group.kill()
  }
}

const startCall = `
  const [id, name, json] = arguments
  globalThis.calls ??= {}
  const go = async () => {
    for (let i = 0; i < 600 && !globalThis.somatic; i++) await new Promise((then) => setTimeout(then, 50))
    return globalThis.somatic[name](json === '' ? undefined : JSON.parse(json))
  }
  go().then(
    (result) => { globalThis.calls[id] = { result: JSON.stringify(result ?? null) } },
    (error) => { globalThis.calls[id] = { error: String(error) } },
  )`

async function miniBrowser() {
  const [library] = (await readdir('/usr/lib')).filter((name) => name.endsWith('-linux-gnu'))
  const folder = join('/usr/lib', library, 'webkit2gtk-4.1')
  return join(folder, 'MiniBrowser')
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
      server.close(() => resolve(port))
    })
  })
}
