// Made up vectors for tests and benches of the index, of several shapes, from a seed. And the naive search that
// the index is held against. Imports nothing, so that pages may use it too; those of texts are texts.js'.

/** mulberry32: numbers from 0 to below 1. @param {number} seed */
export function random(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Of a normal distribution, nearly. @param {() => number} next */
const normal = (next) => (next() + next() + next() + next() - 2) * 1.7

/**
 * @typedef {(out: Float32Array, at: number) => void} Writer writes the next vector
 * @typedef {'uniform' | 'clustered' | 'near-duplicates'} Shape
 */

/**
 * @param {Shape} shape
 * @param {number} dimensions
 * @param {() => number} next
 * @returns {Writer}
 */
export function writerOf(shape, dimensions, next) {
  if (shape === 'uniform') return (out, at) => noise(out, at, dimensions, 1, next)
  const spread = shape === 'clustered' ? 0.7 : 0.02
  const centres = Array.from({ length: 200 }, () => {
    const centre = new Float32Array(dimensions)
    noise(centre, 0, dimensions, 1, next)
    return centre
  })
  return (out, at) => {
    noise(out, at, dimensions, spread, next)
    const centre = centres[Math.floor(next() * centres.length)]
    for (let i = 0; i < dimensions; i++) out[at + i] += centre[i]
  }
}

/**
 * @param {Float32Array} out
 * @param {number} at
 * @param {number} dimensions
 * @param {number} size
 * @param {() => number} next
 */
function noise(out, at, dimensions, size, next) {
  for (let i = 0; i < dimensions; i++) out[at + i] = size * normal(next)
}

/** @param {number} count @param {number} dimensions @param {Writer} write */
export function vectorsOf(count, dimensions, write) {
  const vectors = new Float32Array(count * dimensions)
  for (let i = 0; i < count; i++) write(vectors, i * dimensions)
  return vectors
}

/** @param {Float32Array} vectors each made to length 1, in place @param {number} dimensions */
export function normalize(vectors, dimensions) {
  for (let at = 0; at < vectors.length; at += dimensions) {
    let squares = 0
    for (let i = at; i < at + dimensions; i++) squares += vectors[i] * vectors[i]
    const factor = 1 / Math.sqrt(squares)
    for (let i = at; i < at + dimensions; i++) vectors[i] *= factor
  }
  return vectors
}

/**
 * The plain loop: cosine similarity of the query with every vector.
 * @param {Float32Array} vectors of length 1
 * @param {Float32Array} query of length 1
 * @param {Float32Array} scores
 */
export function scoreAll(vectors, query, scores) {
  const dimensions = query.length
  for (let row = 0, at = 0; at < vectors.length; row++, at += dimensions) {
    let sum = 0
    for (let i = 0; i < dimensions; i++) sum += vectors[at + i] * query[i]
    scores[row] = sum
  }
}

/**
 * The rows of the best scores, best first, smaller rows first.
 * @param {Float32Array} scores
 * @param {number} limit
 */
export function bestRows(scores, limit) {
  /** @type {number[]} */
  const best = []
  for (let row = 0; row < scores.length; row++) {
    if (best.length === limit && scores[row] <= scores[best[limit - 1]]) continue
    let place = best.length
    while (place > 0 && scores[best[place - 1]] < scores[row]) place--
    best.splice(place, 0, row)
    if (best.length > limit) best.pop()
  }
  return best
}
