// Owns search() and context() of the public API: by meaning where there is a vector for the question, by
// words where there is none, here or on the server. Knows no index from the inside.

import { SyncError } from '../error.js'
import { within } from '../within.js'
import { facetsWanted, matches } from './facets.js'
import { fused } from './fusion.js'
import { KeywordIndex } from './keyword-index.js'
import { isMissing } from './orphans.js'
import { SemanticIndex } from './semantic-index.js'

/**
 * @typedef {object} SearchOptions
 * @property {number} [threshold] cosine similarity, strictly greater, as match_embeddings; default 0.7.
 *   Not for an answer by keywords
 * @property {number} [limit] default 5
 * @property {Record<string, unknown>} [where] equality on metadata paths
 * @property {'local' | 'server' | 'auto'} [source] auto (default): local; the server only when online
 *   and the local copy is incomplete
 */

/**
 * A match_embeddings row, and where it came from.
 * @typedef {object} Match
 * @property {string} id
 * @property {string} content
 * @property {Record<string, unknown>} metadata
 * @property {number} similarity by keywords: 1 for the best, less for the others
 * @property {'vector' | 'keyword'} mode
 * @property {string} [collection] of the row that the text was taken from
 * @property {string} [key]
 */

/**
 * @typedef {object} ContextOptions
 * @property {number} [maxChars] default 4000
 * @property {number} [limit] default 8
 * @property {string[]} [categories] of logs
 * @property {number} [since] milliseconds since 1970
 */

/** Rows that an older app wrote name no model: it had one only. */
export const formerModel = 'BAAI/bge-small-en-v1.5'
/** match_embeddings answers no more. */
const serverMost = 1000
const queriesKept = 100
/** What is put before the model should be about the question, no more. */
const contextThreshold = 0.3
const candidates = 50
/** Who searches waits no longer: an answer by words now is better than one by meaning after half a minute. */
const queryMs = 5000

export class Search {
  /**
   * @param {import('../client-state.js').ClientState} state
   * @param {import('./embedders.js').Embedder | undefined} embedder
   * @param {number} [embedMs] for tests: after which the embedder is not waited for
   */
  constructor(state, embedder, embedMs = queryMs) {
    this.state = state
    this.embedder = embedder
    this.embedMs = embedMs
    const { collections } = state.parts.schema
    const holdsVectors = Object.entries(collections).find(([, { fields }]) =>
      Object.values(fields).some(({ type }) => type === 'vector'),
    )
    if (!holdsVectors) throw new SyncError('invalid-value', 'no collection has a vector field')
    this.name = holdsVectors[0]
    /** @type {Promise<SemanticIndex> | null} */
    this.semantic = null
    /** @type {KeywordIndex | null} */
    this.keywords = null
    /** @type {Map<string, ArrayLike<number>>} the vectors of the last questions */
    this.queries = new Map()
  }

  /**
   * @param {ArrayLike<number> | string} query
   * @param {SearchOptions} [options]
   * @returns {Promise<Match[]>}
   */
  async search(query, options = {}) {
    const { threshold = 0.7, limit = 5, where = {}, source = 'auto' } = checked(query, options)
    const vector = typeof query === 'string' ? await this.vectorOf(query) : query
    if (!vector) return this.byKeywords(String(query), limit, facetsWanted(where))
    const wanted = { threshold, limit, facets: facetsWanted(where) }
    if (source === 'server') return this.onServer(vector, wanted)
    const index = await this.index()
    if (source === 'auto' && this.isIncomplete(index)) {
      const answer = await this.onServer(vector, wanted).catch(() => null)
      if (answer) return answer
    }
    return this.local(index, vector, wanted)
  }

  /**
   * @param {string} query
   * @param {ContextOptions} [options]
   * @returns {Promise<{ text: string, matches: Match[] }>}
   */
  async context(query, { maxChars = 4000, limit = 8, categories, since = 0 } = {}) {
    if (typeof query !== 'string') throw new SyncError('invalid-value', 'context() needs a text')
    const vector = await this.vectorOf(query)
    const index = vector && (await this.index())
    const wanted = { threshold: contextThreshold, limit: candidates, facets: [] }
    const byMeaning = vector && index ? this.local(index, vector, wanted) : []
    const byWords = await this.byKeywords(query, candidates, [])
    return fused({
      ...{ lists: [byMeaning, byWords], maxChars, limit },
      rowOf: (collection, key) => this.row(collection, key),
      accepts: (row) =>
        (!categories || categories.includes(row.category)) &&
        (Date.parse(row.createdAt ?? '') || 0) >= since,
    })
  }

  /** Null: there is no embedder, or it does not answer in time. @param {string} text */
  async vectorOf(text) {
    const kept = this.queries.get(text)
    if (kept || !this.embedder) return kept ?? null
    try {
      return await within(this.embedMs, this.embedded(text, this.embedder), noAnswer)
    } catch {
      return null
    }
  }

  /** Kept for the next time, also when nobody waits any more. @param {string} text @param {import('./embedders.js').Embedder} embedder */
  async embedded(text, embedder) {
    const [vector] = await embedder.embed([text], 'query')
    this.queries.set(text, vector)
    if (this.queries.size > queriesKept) {
      this.queries.delete(/** @type {string} */ (this.queries.keys().next().value))
    }
    return vector
  }

  /** The index, with all that was written before the call. */
  async index() {
    this.semantic ??= SemanticIndex.load(this.state, this.name)
    this.semantic.catch(() => {
      this.semantic = null // a file that could not be fetched may be there the next time
    })
    const index = await this.semantic
    await index.current()
    return index
  }

  /** @param {SemanticIndex} index */
  isIncomplete(index) {
    const { state } = this
    const { lastSyncedAt } = state.status.get()
    const isOnline = globalThis.navigator?.onLine !== false
    return isOnline && (lastSyncedAt === null || index.missing > 0)
  }

  /**
   * @param {SemanticIndex} semantic
   * @param {ArrayLike<number>} vector
   * @param {{ threshold: number, limit: number, facets: string[] }} wanted
   * @returns {Match[]}
   */
  local({ index }, vector, { threshold, limit, facets }) {
    if (limit === 0) return []
    const model = this.embedder?.model
    const ofModel =
      model && model !== formerModel ? [...facets, `model=${JSON.stringify(model)}`] : facets
    // those of other models are left out below: a row of the former model may not name it
    const isMixed = model === formerModel
    for (let ask = isMixed ? limit * 2 : limit; ; ask *= 4) {
      const found = index.search(vector, { threshold, limit: ask, facets: ofModel })
      const own = found.flatMap(({ id, similarity }) => {
        const row = this.row(this.name, id)
        const isOther = isMixed && isOfOther(row?.metadata, model)
        return row && !isOther && this.isHere(row) ? [this.match(row, similarity, 'vector')] : []
      })
      if (own.length >= limit || found.length < ask) return own.slice(0, limit)
    }
  }

  /**
   * @param {ArrayLike<number>} vector
   * @param {{ threshold: number, limit: number, facets: string[] }} wanted
   * @returns {Promise<Match[]>}
   */
  async onServer(vector, { threshold, limit, facets }) {
    const { rpc, userId } = this.state.parts
    if (!rpc) throw new SyncError('signed-out', 'nobody is signed in')
    const model = this.embedder?.model
    // as local(): a row of the former model may not name it
    const isMixed = model === formerModel
    const first = isMixed ? limit * 2 : limit
    for (let ask = facets.length > 0 ? serverMost : first; ; ask *= 4) {
      const count = Math.min(serverMost, Math.max(1, ask))
      const rows = await rpc('match_embeddings', {
        query_embedding: `[${Array.from(vector).join(',')}]`,
        match_user_id: userId,
        match_threshold: threshold,
        match_count: count,
        ...(model && !isMixed ? { match_model: model } : {}),
      })
      const own = rows.filter(
        (/** @type {any} */ { metadata }) =>
          matches(metadata, facets) && !(isMixed && isOfOther(metadata, model)),
      )
      if (own.length >= limit || rows.length < count || count === serverMost) {
        return own
          .slice(0, limit)
          .map((/** @type {any} */ row) => this.match(row, row.similarity, 'vector'))
      }
    }
  }

  /**
   * @param {string} query
   * @param {number} limit
   * @param {string[]} facets
   * @returns {Promise<Match[]>}
   */
  async byKeywords(query, limit, facets) {
    const columns = ['content', 'metadata']
    this.keywords ??= new KeywordIndex(this.state, {
      // what was made of a row is found by that row
      [this.name]: {
        columns,
        textOf: (text, metadata) => (metadata?.sourceKey ? '' : (text ?? '')),
      },
      logs: {
        columns,
        textOf: (text, metadata) => [text, metadata?.insights].filter(Boolean).join('\n'),
      },
    })
    await this.keywords.current()
    const accepts = (/** @type {string} */ collection, /** @type {string} */ key) => {
      const row = this.row(collection, key)
      return row !== undefined && matches(row.metadata, facets)
    }
    return this.keywords.search(query, limit, accepts).map(({ collection, key, score }) => ({
      ...this.match(this.row(collection, key), score, 'keyword'),
      ...{ collection, key },
    }))
  }

  /** The row too that its text was taken from, where it names one. @param {any} row */
  isHere({ metadata }) {
    return !isMissing(this.state, metadata?.sourceCollection, metadata?.sourceKey)
  }

  /** @param {string} collection @param {string} key @returns {any} */
  row(collection, key) {
    return this.state.rows.get(collection)?.get(key)
  }

  /** @param {any} row @param {number} similarity @param {'vector' | 'keyword'} mode @returns {Match} */
  match({ id, content, metadata }, similarity, mode) {
    const { sourceCollection, sourceKey } = metadata ?? {}
    const isKnown = typeof sourceCollection === 'string' && typeof sourceKey === 'string'
    const place = isKnown
      ? { collection: sourceCollection, key: sourceKey }
      : { collection: this.name, key: id }
    return { id, content, metadata: metadata ?? {}, similarity, mode, ...place }
  }

  async stop() {
    this.keywords?.stop()
    const semantic = await this.semantic?.catch(() => null)
    semantic?.stop()
  }
}

const noAnswer = () => new SyncError('offline', 'the embedder does not answer')

/** @param {any} metadata @param {string} model */
function isOfOther(metadata, model) {
  return (metadata?.model ?? formerModel) !== model
}

/** @param {ArrayLike<number> | string} query @param {SearchOptions} options */
function checked(query, options) {
  /** @param {boolean} holds @param {string} text */
  const check = (holds, text) => {
    if (!holds) throw new SyncError('invalid-value', `search: ${text}`)
  }
  const isQuery = typeof query === 'string' || typeof query?.length === 'number'
  check(isQuery, 'the query must be a text or a vector')
  const { threshold, limit, source } = options
  const isThreshold = threshold === undefined || Number.isFinite(threshold)
  check(isThreshold, 'threshold must be a number')
  const isLimit = limit === undefined || (Number.isInteger(limit) && limit >= 0)
  check(isLimit, 'limit must be a whole number')
  check([undefined, 'local', 'server', 'auto'].includes(source), 'source is local, server or auto')
  return options
}
