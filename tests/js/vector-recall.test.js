// That the vector index finds the ten best, whichever way it searches: 0.999 of them at the least, in data of
// every shape, texts among them, after a fifth was replaced. 200,000 vectors are for the bench.

import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { lexicalEmbedder } from '../../js/search/embedders.js'
import { vectorsUrl } from '../../js/search/vectors-module.js'
import { recallOf } from '../support/recall.js'
import { allowRelaxedSimd } from '../support/relaxed-simd.js'
import { random, shapes, writerOf } from '../support/vectors.js'

allowRelaxedSimd()
const dimensions = 384
const builds = await Promise.all(
  [false, true].map((isRelaxed) => readFile(new URL(vectorsUrl(isRelaxed)))),
)

/** What this repository says in its documents, sentence by sentence. */
async function sentences() {
  const folder = new URL('../../docs/', import.meta.url)
  const names = (await readdir(folder)).filter((name) => name.endsWith('.md'))
  const files = names.map((name) => new URL(name, folder))
  const texts = await Promise.all(
    [...files, new URL('../../README.md', import.meta.url)].map((file) => readFile(file, 'utf8')),
  )
  return texts
    .join('\n')
    .split(/[.\n|;:]+/)
    .filter((sentence) => sentence.trim().split(/\s+/).length > 3)
}

/**
 * @param {number} count how many there will be
 * @param {() => number} next
 * @returns {Promise<import('../support/vectors.js').Writer>} the lexical embedder's own, of two sentences each, so
 *   that there are more texts than sentences
 */
async function lexicalWriter(count, next) {
  const all = await sentences()
  const pick = () => all[Math.floor(next() * all.length)]
  const texts = Array.from({ length: count }, () => `${pick()} ${pick()}`)
  const vectors = await lexicalEmbedder().embed(texts, 'passage')
  let written = 0
  return (out, at) => out.set(vectors[written++], at)
}

/**
 * What the bar allows is told from luck by many questions, where some answers are missed: up to 4 of 10,000 among texts.
 * Those of the documents change with each word of them.
 * @param {number} size @param {string} shape
 */
function queriesOf(size, shape) {
  if (size <= 10_000) return 100
  return shape === 'words' ? 500 : 25
}

for (const size of [1_000, 10_000, 100_000]) {
  for (const shape of shapes) {
    test(`recall of ${size} x ${shape}`, async (t) => {
      const wasm = builds[shapes.indexOf(shape) % 2]
      const queryCount = queriesOf(size, shape)
      const write =
        shape === 'words'
          ? await lexicalWriter(size * 1.2 + queryCount, random(size))
          : writerOf(shape, dimensions, random(size))
      const { missed, asked, way } = await recallOf({ size, write, queryCount, wasm })
      t.diagnostic(`by ${way}: ${missed} of ${asked} missed`)
      assert.ok(missed <= asked / 1000)
    })
  }
}
