// Debian's WebKitGTK (in ./webkit-browser.js), driven by WebDriver through WebKitWebDriver, on a display of Xvfb.
// With a profile of its own, that a test may kill and start again. Ends all it starts.

import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { spawnGroup } from './process-group.js'

const patience = 90_000

/** @param {string} path from this folder */
const file = (path) => fileURLToPath(new URL(path, import.meta.url))

/** @param {import('./other-browsers.js').Ending} t @returns {Promise<import('./other-browsers.js').OtherBrowser>} */
export async function startWebKit(t) {
  const profile = await mkdtemp(join(tmpdir(), 'somatic-sync-webkit-'))
  const browser = new WebKit(profile)
  t.after(async () => {
    await browser.kill()
    await browser.display?.kill()
    await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  })
  await browser.startDisplay()
  await browser.start()
  return browser
}

class WebKit {
  /** @param {string} profile */
  constructor(profile) {
    this.name = 'WebKit'
    this.profile = profile
    this.version = ''
    /** @type {ReturnType<typeof spawnGroup> | null} */
    this.display = null
    this.displayName = ''
    /** @type {ReturnType<typeof spawnGroup> | null} WebKitWebDriver and the browser that it starts */
    this.group = null
    this.url = ''
    this.first = '' // window: it shows nothing
    this.lastId = 0
    /** @type {Promise<unknown>} one command at a time: a command is for the window that was switched to */
    this.last = Promise.resolve()
  }

  async startDisplay() {
    execFileSync('bash', [file('../../../scripts/browsers.sh'), 'webkit'])
    const args = ['-displayfd', '3', '-screen', '0', '800x600x24', '-nolisten', 'tcp']
    const display = spawnGroup('Xvfb', args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
    this.display = display
    /** @type {string} */
    const number = await new Promise((resolve, reject) => {
      display.main.stdio[3]?.once('data', (data) => resolve(String(data).trim()))
      display.main.once('error', reject)
      display.main.once('exit', () => reject(new Error('Xvfb does not start')))
    })
    this.displayName = `:${number}`
  }

  /** Starts it, or starts it again with the profile it had. */
  async start() {
    const { profile } = this
    const port = await freePort()
    const group = spawnGroup('WebKitWebDriver', [`--port=${port}`], {
      stdio: 'ignore',
      env: {
        ...process.env,
        ...{ DISPLAY: this.displayName, GDK_BACKEND: 'x11', HOME: profile },
        ...{ XDG_CACHE_HOME: profile, XDG_CONFIG_HOME: profile, XDG_DATA_HOME: profile },
        // there may be no GPU, no bus and no namespaces; all that is shown here is a test's own
        ...{ LIBGL_ALWAYS_SOFTWARE: '1', NO_AT_BRIDGE: '1', GTK_A11Y: 'none' },
        WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
      },
    })
    this.group = group
    this.url = `http://127.0.0.1:${port}`
    await this.listening(group.main)
    const capabilities = {
      // dies with its driver, which would leave it alive
      'webkitgtk:browserOptions': {
        binary: 'setpriv',
        args: ['--pdeathsig', 'KILL', 'gjs', '-m', file('webkit-browser.js'), profile],
      },
    }
    const { sessionId, capabilities: got } = await this.command('POST', '/session', {
      capabilities: { alwaysMatch: capabilities },
    })
    this.session = `/session/${sessionId}`
    this.version = got.browserVersion
    this.first = await this.command('GET', `${this.session}/window`)
  }

  /** @param {import('node:child_process').ChildProcess} driver */
  async listening(driver) {
    for (const end = Date.now() + patience; ; await pause(50)) {
      try {
        return await this.command('GET', '/status')
      } catch (error) {
        if (driver.exitCode !== null || driver.signalCode !== null || Date.now() > end)
          throw new Error('WebKitWebDriver does not start', { cause: error })
      }
    }
  }

  /** @param {string} method @param {string} path @param {object} [body] @returns {Promise<any>} */
  async command(method, path, body) {
    const response = await fetch(this.url + path, {
      method,
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(patience),
    })
    const { value } = await response.json()
    if (!response.ok) throw new Error(`${path}: ${value?.error}: ${value?.message}`)
    return value
  }

  /** @param {string} url */
  async openTab(url) {
    const { session } = this
    /** @template T @param {() => Promise<T>} work @returns {Promise<T>} */
    const inTurn = (work) => {
      const result = this.last.then(work)
      this.last = result.catch(() => {})
      return result
    }
    const { handle } = await inTurn(async () => {
      // whatever tab was switched to may be closed by now
      await this.command('POST', `${session}/window`, { handle: this.first })
      return this.command('POST', `${session}/window/new`, { type: 'window' })
    })
    /** @param {string} method @param {string} path @param {object} [body] */
    const inWindow = (method, path, body) =>
      inTurn(async () => {
        await this.command('POST', `${session}/window`, { handle })
        return this.command(method, `${session}${path}`, body)
      })
    /** @param {string} script @param {unknown[]} args */
    const run = (script, args) => inWindow('POST', '/execute/sync', { script, args })
    await inWindow('POST', '/url', { url })
    return {
      /** Started, then asked for: WebDriver would let no other tab do anything meanwhile. @param {string} name @param {unknown} [argument] */
      call: async (name, argument) => {
        const id = String(++this.lastId)
        await run(startCall, [id, name, argument === undefined ? '' : JSON.stringify(argument)])
        for (; ; await pause(20)) {
          const answer = await run(takeAnswer, [id])
          if (answer?.error) throw new Error(`${name}: ${answer.error}`)
          if (answer) return JSON.parse(answer.result)
        }
      },
      close: () => inWindow('DELETE', '/window'),
    }
  }

  async crash() {
    await this.kill()
    await this.start()
  }

  /** SIGKILL: its driver, the browser, its network process and its web processes. */
  async kill() {
    await this.group?.kill()
    this.group = null
  }
}

const startCall = `
  const [id, name, json] = arguments
  globalThis.calls ??= {}
  const work = async () => {
    for (let i = 0; i < 600 && !globalThis.somatic; i++) await new Promise((then) => setTimeout(then, 50))
    return globalThis.somatic[name](json === '' ? undefined : JSON.parse(json))
  }
  work().then(
    (result) => { globalThis.calls[id] = { result: JSON.stringify(result ?? null) } },
    (error) => { globalThis.calls[id] = { error: String(error) } },
  )`

const takeAnswer = `
  const [id] = arguments
  const answer = globalThis.calls[id] ?? null
  delete globalThis.calls[id]
  return answer`

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
      server.close(() => resolve(port))
    })
  })
}
