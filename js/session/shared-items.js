// Owns what supabase-js stores, one copy for all contexts of the origin: in IndexedDB, with what older
// builds left in localStorage taken over. Knows no request.

import { openItems } from '../storage/items.js'
import { removed, stored, takenOver } from './kept-session.js'

/** @typedef {import('./kept-session.js').Kept} Kept */
/** @typedef {(kept: Kept | undefined) => Kept | null | undefined} Rule null: remove; undefined: leave */

export class SharedItems {
  /** @param {string} prefix of the database @param {() => number} now */
  constructor(prefix, now) {
    this.items = openItems(prefix)
    this.now = now
  }

  /** @param {string} key @returns {Promise<Kept | undefined>} */
  async read(key) {
    if (localItem(key) === null) return this.items.read(key)
    await this.change(key, (kept) => kept)
    return this.items.read(key)
  }

  /** @param {string} key @param {string} value */
  async store(key, value) {
    await this.change(key, (kept) => stored(kept, value, this.now()))
  }

  /** @param {string} key */
  async remove(key) {
    await this.change(key, removed)
  }

  /**
   * What is in localStorage comes first: an old tab may have refreshed the token there. It is deleted
   * only once it is safe here, so that a kill in between leaves it in both places, never in none; and
   * only if the old tab has not written again.
   * @param {string} key
   * @param {Rule} rule
   */
  async change(key, rule) {
    const local = localItem(key)
    const changed = await this.items.change(key, (/** @type {Kept | undefined} */ kept) => {
      const taken = local === null ? undefined : takenOver(kept, local)
      const next = rule(taken ?? kept)
      return next === undefined ? taken : next
    })
    if (local !== null && localItem(key) === local) localStorage.removeItem(key)
    return changed
  }
}

/** @param {string} key @returns {string | null} null also in workers, and where the user forbids it */
function localItem(key) {
  try {
    return globalThis.localStorage?.getItem(key) ?? null
  } catch {
    return null
  }
}
