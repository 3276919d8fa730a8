// Debian's Firefox, driven by WebDriver BiDi, which it speaks by itself: no driver in between. With a profile of
// its own, that a test may kill and start again. Ends all it starts.

import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
// @ts-expect-error ws ships no types
import { WebSocket } from 'ws'
import { spawnGroup } from './process-group.js'

const patience = 90_000

/** What a first start would do besides. */
const preferences = {
  'app.update.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.reportingpolicy.firstRun': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  // asks nobody whether a site may keep what it stores
  'dom.storageManager.prompt.testing': true,
}

/** @param {import('./other-browsers.js').Ending} t @returns {Promise<import('./other-browsers.js').OtherBrowser>} */
export async function startFirefox(t) {
  const profile = await mkdtemp(join(tmpdir(), 'somatic-sync-firefox-'))
  const lines = Object.entries(preferences).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`,
  )
  await writeFile(join(profile, 'user.js'), lines.join('\n'))
  const browser = new Firefox(profile)
  t.after(async () => {
    await browser.kill()
    await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  })
  await browser.start()
  return browser
}

class Firefox {
  /** @param {string} profile */
  constructor(profile) {
    this.name = 'Firefox'
    this.profile = profile
    /** @type {ReturnType<typeof spawnGroup> | null} */
    this.group = null
    this.lastId = 0
    /** @type {Map<number, { resolve: (result: any) => void, reject: (error: Error) => void }>} */
    this.waiting = new Map()
    this.version = ''
  }

  async start() {
    const args = ['--headless', '--no-remote', '--remote-debugging-port', '0']
    const group = spawnGroup(executable(), [...args, '--profile', this.profile, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.group = group
    const url = await lineOf(group.main, /WebDriver BiDi listening on (ws:\S+)/)
    this.socket = new WebSocket(`${url}/session`)
    this.socket.on('message', (/** @type {Buffer} */ data) => this.hear(JSON.parse(String(data))))
    this.socket.on('error', () => {})
    await once(this.socket, 'open')
    const { capabilities } = await this.send('session.new', { capabilities: {} })
    this.version = capabilities.browserVersion
  }

  /** @param {any} message */
  hear({ id, type, result, error, message }) {
    const waiting = this.waiting.get(id)
    this.waiting.delete(id)
    if (type === 'error') waiting?.reject(new Error(`${error}: ${message}`))
    else waiting?.resolve(result)
  }

  /** @param {string} method @param {object} params @returns {Promise<any>} */
  send(method, params) {
    const id = ++this.lastId
    const answer = new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${method} is not answered`)), patience)
      const done = (/** @type {(value: any) => void} */ settle) => (/** @type {any} */ value) => {
        clearTimeout(timer)
        settle(value)
      }
      this.waiting.set(id, { resolve: done(resolve), reject: done(reject) })
    })
    this.socket?.send(JSON.stringify({ id, method, params }))
    return answer
  }

  /** @param {string} url */
  async openTab(url) {
    const { context } = await this.send('browsingContext.create', { type: 'tab' })
    await this.send('browsingContext.navigate', { context, url, wait: 'complete' })
    /** @param {string} name @param {unknown} [argument] */
    const call = async (name, argument) => {
      const { type, result, exceptionDetails } = await this.send('script.callFunction', {
        functionDeclaration: `async (name, json) => {
          for (let i = 0; i < 600 && !globalThis.somatic; i++) await new Promise((go) => setTimeout(go, 50))
          return JSON.stringify(await globalThis.somatic[name](json === '' ? undefined : JSON.parse(json)) ?? null)
        }`,
        arguments: [name, argument === undefined ? '' : JSON.stringify(argument)].map((value) => ({
          type: 'string',
          value,
        })),
        target: { context },
        awaitPromise: true,
      })
      if (type === 'exception') throw new Error(`${name}: ${exceptionDetails.text}`)
      return JSON.parse(result.value)
    }
    const close = () => this.send('browsingContext.close', { context })
    return { call, close }
  }

  async crash() {
    await this.kill()
    await this.start()
  }

  async kill() {
    this.socket?.terminate()
    for (const { reject } of this.waiting.values()) reject(new Error('the browser was killed'))
    this.waiting.clear()
    await this.group?.kill()
    this.group = null
  }
}

/** @param {import('node:child_process').ChildProcess} main @param {RegExp} pattern @returns {Promise<string>} its group */
function lineOf(main, pattern) {
  return new Promise((resolve, reject) => {
    let told = ''
    const timer = setTimeout(() => reject(new Error(`it did not start: ${told}`)), patience)
    main.stderr?.setEncoding('utf8').on('data', (text) => {
      told += text
      const found = pattern.exec(told)
      if (!found) return
      clearTimeout(timer)
      resolve(found[1])
    })
    main.once('exit', () => reject(new Error(`it ended: ${told}`)))
  })
}

/** @type {string | undefined} */
let path
/** Installs it when it is missing. */
function executable() {
  const script = fileURLToPath(new URL('../../../scripts/browsers.sh', import.meta.url))
  path ??= execFileSync('bash', [script, 'firefox'], { encoding: 'utf8' }).trim()
  return path
}
