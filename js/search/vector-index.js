// Owns the vector index as JavaScript sees it: ids, vectors and facets on their way into the module and
// out of it, and what is wrong with them. Knows nothing of rows, models or texts.

import { SyncError } from '../error.js'
import { hashFacet } from './facet-hash.js'
import { readUuid, writeUuid } from './uuid.js'
import { loadVectors } from './vectors-module.js'

/** @typedef {import('./vectors-module.js').VectorExports} VectorExports */

/** @typedef {{ id: string, similarity: number }} VectorMatch `id` in lower case */

/**
 * @typedef {object} VectorSearchOptions
 * @property {number} [threshold] only what is strictly more similar; default 0.7
 * @property {number} [limit] at most so many; default 5; Infinity: all
 * @property {readonly string[]} [facets] only what carries all of these; default none
 */

const dimensionsMax = 4096
const limitMax = 0xffffffff

/** Way in wasm/vectors/planner.hpp. */
const ways = ['exact', 'int8', 'bits']

/** Refusal in wasm/vectors/vector_index.hpp. */
const refusals = [
  '',
  'has a number that is not finite',
  'is zero, and so similar to nothing',
  'finds no memory',
]
const noMemory = 3

/**
 * Vectors of one length by UUID, found by cosine similarity: as match_embeddings does, strictly above the
 * threshold, best first, ties by id. They are kept with length 1.
 */
export class VectorIndex {
  /** @type {VectorExports} */
  #module
  #dimensions
  /** @type {number} */
  #idPlace
  /** @type {number} */
  #vectorPlace
  #facetPlace = 0
  #facetRoom = -1

  // Views of the module's memory, which are detached when it grows: taken by #views(), before each use
  // that follows a call. Nothing that may run code of the caller comes between.
  #bytes = new Uint8Array(0)
  #floats = new Float32Array(0)
  #words = new Uint32Array(0)

  /**
   * @param {{ dimensions?: number, wasm?: import('./vectors-module.js').Wasm }} [options] `wasm`: where
   *   vectors.wasm or vectors-relaxed.wasm is, or its bytes; default the package's own file
   * @returns {Promise<VectorIndex>} empty
   */
  static async load({ dimensions = 384, wasm } = {}) {
    if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > dimensionsMax) {
      throw invalid(`a vector has 1 to ${dimensionsMax} dimensions, not ${dimensions}`)
    }
    return new VectorIndex(await loadVectors(wasm), dimensions)
  }

  /** @param {VectorExports} module a new one @param {number} dimensions */
  constructor(module, dimensions) {
    this.#module = module
    this.#dimensions = dimensions
    if (!module.create(dimensions)) throw outOfMemory('the index')
    this.#idPlace = module.stagedId() >>> 0
    this.#vectorPlace = module.stagedVector() >>> 0
  }

  get dimensions() {
    return this.#dimensions
  }

  get size() {
    return this.#module.size() >>> 0
  }

  /**
   * Replaces what the id stood for.
   * @param {string} id a UUID
   * @param {ArrayLike<number>} vector any length but 0
   * @param {readonly string[]} [facets] such as "metadata.model=bge"
   */
  add(id, vector, facets = []) {
    // Before anything is staged: it may run code of the caller's.
    this.#insert(id, this.#checked(vector, 'the vector'), facets)
  }

  /**
   * As add() for each; much faster than as many calls. Stops at the first that is refused: those before it
   * are in.
   * @param {readonly string[]} ids
   * @param {Float32Array} vectors one after the other
   * @param {readonly (readonly string[])[]} [facets] of each; default none
   */
  addMany(ids, vectors, facets) {
    if (!(vectors instanceof Float32Array) || vectors.length !== ids.length * this.#dimensions) {
      const wanted = `a Float32Array of ${ids.length} times ${this.#dimensions} numbers`
      throw invalid(`the vectors are not ${wanted}`)
    }
    if (facets && facets.length !== ids.length)
      throw invalid('there is not one list of facets an id')
    for (let i = 0; i < ids.length; i++) {
      const from = i * this.#dimensions
      const own = vectors.subarray(from, from + this.#dimensions)
      this.#insert(ids[i], own, facets ? facets[i] : none)
    }
  }

  /** @param {string} id @returns {boolean} whether it was in */
  remove(id) {
    this.#stageId(id)
    return this.#module.remove() !== 0
  }

  /** @param {string} id */
  has(id) {
    this.#stageId(id)
    return this.#module.has() !== 0
  }

  /** @param {string} id @returns {Float32Array | undefined} a copy, of length 1 */
  vector(id) {
    this.#stageId(id)
    const place = this.#module.vector() >>> 0
    if (place === 0) return undefined
    this.#views()
    return this.#floats.slice(place / 4, place / 4 + this.#dimensions)
  }

  /**
   * @param {ArrayLike<number>} query any length but 0
   * @param {VectorSearchOptions} [options]
   * @returns {VectorMatch[]} best first
   */
  search(query, { threshold = 0.7, limit = 5, facets = none } = {}) {
    if (typeof threshold !== 'number' || Number.isNaN(threshold)) {
      throw invalid(`the threshold is a number, not ${String(threshold)}`)
    }
    if (limit !== Infinity && !(Number.isInteger(limit) && limit >= 0)) {
      throw invalid(`the limit is a whole number from 0, not ${String(limit)}`)
    }
    const numbers = this.#checked(query, 'the query')
    this.#stageFacets(facets)
    this.#stageVector(numbers)
    const refusal = this.#module.search(threshold, Math.min(limit, limitMax), facets.length)
    if (refusal !== 0) throw refused('the query', refusal)
    return this.#matches()
  }

  /**
   * What the first search would do after many vectors have come: remakes the shortest codes, which takes
   * about a microsecond a vector. For quiet moments; never needed.
   */
  prepare() {
    this.#module.prepare()
  }

  /**
   * Which way the last search took, and how many of the shortest codes it looked behind; for tests and
   * benches.
   * @internal
   */
  get lastPlan() {
    return { way: ways[this.#module.way()], nearest: this.#module.nearest() >>> 0 }
  }

  #matches() {
    const count = this.#module.foundCount() >>> 0
    const ids = this.#module.foundIds() >>> 0
    const scores = (this.#module.foundScores() >>> 0) / 4
    this.#views()
    /** @type {VectorMatch[]} */
    const matches = []
    for (let i = 0; i < count; i++) {
      matches.push({
        id: readUuid(this.#bytes, ids + 16 * i),
        similarity: this.#floats[scores + i],
      })
    }
    return matches
  }

  /** @param {string} id @param {Float32Array | Float64Array} numbers @param {readonly string[]} facets */
  #insert(id, numbers, facets) {
    this.#stageFacets(facets)
    this.#stageId(id)
    this.#stageVector(numbers)
    const refusal = this.#module.add(facets.length)
    if (refusal !== 0) throw refused(`the vector of ${id}`, refusal)
  }

  #views() {
    const { buffer } = this.#module.memory
    if (this.#bytes.buffer === buffer) return
    this.#bytes = new Uint8Array(buffer)
    this.#floats = new Float32Array(buffer)
    this.#words = new Uint32Array(buffer)
  }

  /** @param {ArrayLike<number>} vector @param {string} what */
  #checked(vector, what) {
    const length = vector?.length
    if (length !== this.#dimensions) {
      throw invalid(`${what} has ${length ?? 'no'} numbers, not ${this.#dimensions}`)
    }
    if (vector instanceof Float32Array || vector instanceof Float64Array) return vector
    const numbers = Float64Array.from(vector, (value) => (typeof value === 'number' ? value : NaN))
    // Between call and copy it may have changed its mind.
    if (numbers.length !== this.#dimensions) throw invalid(`${what} changed its length`)
    return numbers
  }

  /** @param {string} id */
  #stageId(id) {
    this.#views()
    if (!writeUuid(id, this.#bytes, this.#idPlace)) throw invalid(`${String(id)} is not a UUID`)
  }

  /** @param {Float32Array | Float64Array} numbers */
  #stageVector(numbers) {
    this.#views()
    this.#floats.set(numbers, this.#vectorPlace / 4)
  }

  /** @param {readonly string[]} facets */
  #stageFacets(facets) {
    if (facets.length > this.#facetRoom) {
      this.#facetPlace = this.#module.stagedFacets(facets.length) >>> 0
      if (this.#facetPlace === 0 && facets.length > 0) throw outOfMemory('a list of facets')
      this.#facetRoom = facets.length
    }
    this.#views()
    for (let i = 0; i < facets.length; i++) {
      if (typeof facets[i] !== 'string') throw invalid(`a facet is a text, not ${facets[i]}`)
      hashFacet(facets[i], this.#words, this.#facetPlace / 4 + 2 * i)
    }
  }
}

/** @type {readonly string[]} */
const none = Object.freeze([])

/** @param {string} message */
const invalid = (message) => new SyncError('invalid-value', message)

/** @param {string} what */
const outOfMemory = (what) => new SyncError('too-large', `${what} ${refusals[noMemory]}`)

/** @param {string} what @param {number} refusal */
const refused = (what, refusal) =>
  refusal === noMemory ? outOfMemory(what) : invalid(`${what} ${refusals[refusal]}`)
