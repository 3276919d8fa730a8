// Owns finding texts by their words: BM25 over what collections hold, kept up to date. The index itself
// is MiniSearch's.

import MiniSearch from 'minisearch'
import { following } from './following.js'

/** @typedef {{ columns: string[], textOf: (...values: any[]) => string }} Texts textOf: '' for none */

/** @typedef {{ collection: string, key: string, score: number }} KeywordMatch score: above 0, 1 for the best */

export class KeywordIndex {
  /**
   * @param {import('../client-state.js').ClientState} state
   * @param {Record<string, Texts>} texts by collection
   */
  constructor(state, texts) {
    this.state = state
    this.index = new MiniSearch({
      fields: ['text'],
      searchOptions: {
        prefix: (term) => term.length > 3,
        fuzzy: (term) => (term.length > 5 ? 0.2 : 0),
      },
    })
    this.parts = Object.entries(texts).flatMap(([name, each]) => {
      const rows = state.rows.get(name)
      return rows ? [following(rows, (keys) => this.take(name, each, keys))] : []
    })
  }

  async current() {
    for (const part of this.parts) await part.current()
  }

  /** @param {string} name @param {Texts} texts @param {string[]} keys */
  take(name, { columns, textOf }, keys) {
    const rows = this.state.query({ raw: columns, collection: name, keys }) ?? []
    for (const [i, key] of keys.entries()) {
      const id = `${name}/${key}`
      const text = rows[i] ? textOf(...rows[i]) : ''
      if (this.index.has(id)) this.index.discard(id)
      if (text) this.index.add({ id, text })
    }
  }

  /**
   * @param {string} query
   * @param {number} limit
   * @param {(collection: string, key: string) => boolean} accepts
   * @returns {KeywordMatch[]} best first, ties by key
   */
  search(query, limit, accepts) {
    const found = this.index.search(query, {
      filter: ({ id }) => accepts(...placeOf(id)),
    })
    found.sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1))
    const best = found[0]?.score ?? 1
    return found.slice(0, limit).map(({ id, score }) => {
      const [collection, key] = placeOf(id)
      return { collection, key, score: score / best }
    })
  }

  stop() {
    for (const part of this.parts) part.stop()
  }
}

/** @param {string} id @returns {[collection: string, key: string]} */
function placeOf(id) {
  const at = id.indexOf('/')
  return [id.slice(0, at), id.slice(at + 1)]
}
