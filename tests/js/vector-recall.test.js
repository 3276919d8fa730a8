// That the vector index finds the ten best, whichever way it searches: 0.999 of them at the least, in data of
// every shape, texts among them, after a fifth was replaced. 200,000 vectors are for the bench.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { vectorsUrl } from '../../js/search/vectors-module.js'
import { recallOf } from '../support/recall.js'
import { allowRelaxedSimd } from '../support/relaxed-simd.js'
import { shapes } from '../support/texts.js'

allowRelaxedSimd()
const builds = await Promise.all(
  [false, true].map((isRelaxed) => readFile(new URL(vectorsUrl(isRelaxed)))),
)

for (const size of [1_000, 10_000, 100_000]) {
  for (const shape of shapes) {
    test(`recall of ${size} x ${shape}`, async (t) => {
      const wasm = builds[shapes.indexOf(shape) % 2]
      const { missed, asked, way } = await recallOf({ size, shape, wasm })
      t.diagnostic(`by ${way}: ${missed} of ${asked} missed`)
      assert.ok(missed <= asked / 1000)
    })
  }
}
