// Owns the copy of module.wasm in Cache Storage, kept so that page and worker start offline. A copy is
// known by the hash of its bytes: what is not of this build is neither kept nor given.

import { messageOf, SyncError } from '../error.js'
import { isMarked } from './names.js'

/**
 * @typedef {object} ModuleCacheOptions
 * @property {CacheStorage} caches
 * @property {typeof fetch} fetch
 * @property {string} scope of the worker's registration: others of the origin keep their own copy
 * @property {string} url of module.wasm
 * @property {string} buildId the first digits of its SHA-256
 * @property {(error: SyncError) => void} report
 */

export class ModuleCache {
  /** @param {ModuleCacheOptions} options */
  constructor(options) {
    this.options = options
    this.family = `somatic-sync module of ${options.scope} `
    this.name = this.family + options.buildId
  }

  /**
   * At install: rejects when the right file cannot be had. The browser then keeps the worker it has
   * and tries again, as with any file a worker needs for an offline start.
   */
  async fill() {
    await this.bytes()
  }

  /** At activate: copies of other builds are for nobody any more. */
  async removeOld() {
    const { caches } = this.options
    const names = await caches.keys()
    const old = names.filter((name) => name.startsWith(this.family) && name !== this.name)
    await Promise.all(old.map((name) => caches.delete(name)))
  }

  /** @param {string} url @returns {boolean} the request is for the module of this very build */
  owns(url) {
    return isMarked(url, this.options.buildId)
  }

  /** @returns {Promise<Response>} what a page gets; never another build's module */
  async answer() {
    try {
      return new Response(await this.bytes(), { headers: { 'content-type': 'application/wasm' } })
    } catch (error) {
      return new Response(messageOf(error), { status: 503 })
    }
  }

  /** @returns {Promise<ArrayBuffer>} the copy, made from the network when there is none */
  async bytes() {
    const { url } = this.options
    const cache = await this.open()
    const kept = await (await cache?.match(url))?.arrayBuffer()
    if (kept && (await this.fits(kept))) return kept
    const bytes = await this.download()
    try {
      await cache?.put(url, new Response(bytes))
    } catch (error) {
      // a full disk costs the offline start, not the sync
      this.options.report(new SyncError('quota', noRoom(error), error))
    }
    return bytes
  }

  async open() {
    try {
      return await this.options.caches.open(this.name)
    } catch (error) {
      this.options.report(new SyncError('storage-lost', noRoom(error), error))
      return null
    }
  }

  /** @returns {Promise<ArrayBuffer>} */
  async download() {
    const { fetch, url } = this.options
    let response
    try {
      // An address without a hash may still be answered with the file of an older version.
      response = await fetch(url, { cache: 'no-cache' })
    } catch (error) {
      throw new SyncError('offline', `module.wasm cannot be fetched: ${messageOf(error)}`, error)
    }
    if (!response.ok) throw notHere(url, `status ${response.status}`)
    const bytes = await response.arrayBuffer()
    if (!(await this.fits(bytes))) throw notHere(url, 'it is not the one of this version')
    return bytes
  }

  /** @param {ArrayBuffer} bytes */
  async fits(bytes) {
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
    const digits = Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')
    return digits.startsWith(this.options.buildId)
  }
}

/** @param {string} url @param {string} why */
function notHere(url, why) {
  return new SyncError('invariant', `module.wasm of this version is not at ${url}: ${why}`)
}

/** @param {unknown} error */
function noRoom(error) {
  return `module.wasm could not be kept for an offline start: ${messageOf(error)}`
}
