// Owns which embeddings have lost their source row while nobody looked: deleted just before the app was closed, or by a
// tombstone that the service worker pulled. Removes nothing.
//
// A row that is not there may be on its way: a page can bring an embedding before its row, and removing the embedding
// would travel to all devices. So a row counts as gone when a pull that was completed later has not brought it.

/** @typedef {import('../client-state.js').ClientState} ClientState */

export class Orphans {
  /** @param {ClientState} state */
  constructor(state) {
    this.state = state
    /** @type {Map<string, number | null>} source row, as "logs/key" -> the last complete pull when it was missed */
    this.missed = new Map()
  }

  /** There are embeddings of it. @param {string} collection @param {string} key */
  look(collection, key) {
    const place = `${collection}/${key}`
    // another device's never comes here
    const isLocal = this.state.parts.schema.collections[collection]?.localOnly === true
    if (isLocal || !isMissing(this.state, collection, key)) this.missed.delete(place)
    else if (!this.missed.has(place)) this.missed.set(place, this.lastPull())
  }

  /** A pull was completed since one of them was missed. */
  isDue() {
    if (this.missed.size === 0) return false
    const now = this.lastPull()
    return [...this.missed.values()].some((at) => at !== now)
  }

  /** @returns {string[]} source rows that are gone for good; each once */
  take() {
    if (this.state.refusal()) return []
    const now = this.lastPull()
    return [...this.missed].flatMap(([place, at]) => {
      if (at === now) return []
      this.missed.delete(place)
      return isMissing(this.state, ...sourceAt(place)) ? [place] : []
    })
  }

  lastPull() {
    return this.state.status.get().lastSyncedAt
  }
}

/** @param {string} place as "logs/key" @returns {[collection: string, key: string]} */
export function sourceAt(place) {
  const at = place.indexOf('/')
  return [place.slice(0, at), place.slice(at + 1)]
}

/**
 * Whether the row is not there; false when its collection is not known.
 * @param {ClientState} state
 * @param {unknown} collection
 * @param {unknown} key
 */
export function isMissing({ rows }, collection, key) {
  const source = typeof collection === 'string' ? rows.get(collection) : undefined
  return source !== undefined && typeof key === 'string' && source.get(key) === undefined
}
