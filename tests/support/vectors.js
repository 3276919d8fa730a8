// Vectors for tests and benches of the index: of several shapes, from a seed. And the naive search that
// the index is held against. Imports nothing, so that pages may use it too.

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
 * @typedef {'uniform' | 'clustered' | 'near-duplicates' | 'words'} Shape
 */

/** @type {Shape[]} */
export const shapes = ['uniform', 'clustered', 'near-duplicates', 'words']

/**
 * @param {Shape} shape "words": texts as hashed words and trigrams
 * @param {number} dimensions
 * @param {() => number} next
 * @returns {Writer}
 */
export function writerOf(shape, dimensions, next) {
  if (shape === 'uniform') return (out, at) => noise(out, at, dimensions, 1, next)
  if (shape === 'words') return wordsWriter(dimensions, next, generated(next))
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

/**
 * @param {number} dimensions
 * @param {() => number} next
 * @param {string[]} sentences
 * @returns {Writer} of two sentences each, so that there are more texts than sentences
 */
function wordsWriter(dimensions, next, sentences) {
  const pick = () => sentences[Math.floor(next() * sentences.length)]
  return (out, at) => hashWords(`${pick()} ${pick()}`, out, at, dimensions)
}

/**
 * @param {string} text
 * @param {Float32Array} out
 * @param {number} at
 * @param {number} dimensions
 */
export function hashWords(text, out, at, dimensions) {
  out.fill(0, at, at + dimensions)
  /** @param {string} token @param {number} weight */
  const add = (token, weight) => {
    let hash = 2166136261
    for (let i = 0; i < token.length; i++) hash = Math.imul(hash ^ token.charCodeAt(i), 16777619)
    hash = Math.imul(hash ^ (hash >>> 15), 2246822507)
    out[at + ((hash >>> 1) % dimensions)] += hash < 0 ? weight : -weight
  }
  for (const word of text.toLowerCase().match(/[a-z0-9]+/g) ?? ['nothing']) {
    add(word, 1)
    const padded = `^${word}$`
    for (let i = 0; i + 3 <= padded.length; i++) add(padded.slice(i, i + 3), 0.3)
  }
}

const subjects =
  'I|my body|the morning|this week|the meeting|my father|the old pattern|silence|work|a walk'
const verbs = 'felt|noticed|released|held|avoided|remembered|needed|lost|found|carried|watched'
const objects =
  'tension in the shoulders|anger without a name|an urge to check the phone|calm after the kata|' +
  'a tight chest before speaking|joy about small things|shame from years ago|tiredness at noon|grief|' +
  'heat in the belly|a clear no|a soft yes|breath going deep|the same argument again|fear of rest'
const ends =
  'before breakfast|after the call|all day|for a moment|again|while walking|at night|outside'

/** @param {() => number} next */
function generated(next) {
  const lists = [subjects, verbs, objects, ends].map((list) => list.split('|'))
  const sentence = () => lists.map((list) => list[Math.floor(next() * list.length)]).join(' ')
  return Array.from({ length: 5000 }, sentence)
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
