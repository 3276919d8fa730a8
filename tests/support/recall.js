// How many of the ten best the vector index misses, held against a plain loop, after a fifth of what it
// had was removed and others were added.

import { VectorIndex } from '../../js/search/vector-index.js'
import { idOf, numberOf } from './ids.js'
import { writerOfShape } from './texts.js'
import { bestRows, normalize, random, scoreAll, vectorsOf } from './vectors.js'

const dimensions = 384
const best = 10

/**
 * @param {object} what
 * @param {number} what.size a multiple of 1,000
 * @param {typeof import('./texts.js').shapes[number]} what.shape
 * @param {BufferSource} [what.wasm]
 * @returns {Promise<{ missed: number, asked: number, way: string }>}
 */
export async function recallOf({ size, shape, wasm }) {
  const queryCount = queriesOf(size, shape)
  const write = await writerOfShape(shape, random(size), size * 1.2 + queryCount)
  const { index, vectors } = await churned(size, write, wasm)
  normalize(vectors, dimensions)
  const scores = new Float32Array(size)
  const queries = normalize(vectorsOf(queryCount, dimensions, write), dimensions)
  let missed = 0
  for (let at = 0; at < queries.length; at += dimensions) {
    const query = queries.subarray(at, at + dimensions)
    scoreAll(vectors, query, scores)
    const worst = scores[bestRows(scores, best)[best - 1]] - 1e-6 // others of its score are as good
    const found = index.search(query, { threshold: -1, limit: best })
    missed += best - found.filter(({ id }) => scores[numberOf(id)] >= worst).length
  }
  return { missed, asked: best * queryCount, way: index.lastPlan.way }
}

/**
 * What the bar allows is told from luck by many questions, where some answers are missed: up to 4 of 10,000 among texts,
 * and those of the documents change with each word of them.
 * @param {number} size @param {string} shape
 */
const queriesOf = (size, shape) => (size > 10_000 && shape === 'words' ? 500 : 100)

/** @param {number} size @param {import('./vectors.js').Writer} write @param {BufferSource} [wasm] */
async function churned(size, write, wasm) {
  const index = await VectorIndex.load({ dimensions, wasm })
  const vectors = vectorsOf(size, dimensions, write)
  const former = vectorsOf(size / 5, dimensions, write)
  const ids = Array.from({ length: size }, (_, i) => idOf(i))
  /** @param {number} from @param {number} to */
  const addRows = (from, to) =>
    index.addMany(ids.slice(from, to), vectors.subarray(from * dimensions, to * dimensions))
  // what will go lies among what stays
  for (let from = 0; from < size / 5; from += 100) {
    const gone = ids.slice(from, from + 100).map((_, i) => idOf(size + from + i))
    index.addMany(gone, former.subarray(from * dimensions, (from + 100) * dimensions))
    addRows(from * 4, (from + 100) * 4)
  }
  index.prepare()
  for (let i = 0; i < size / 5; i++) index.remove(idOf(size + i))
  addRows((size / 5) * 4, size)
  return { index, vectors }
}
