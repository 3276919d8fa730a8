// What `npm run bench -- storage` measures, on fewer rows: no figure may be three times its bar. A ratio to a
// peer in the same page at the same time, so that a slow machine is slow for both.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { measure } from '../../bench/storage.js'

test('durable writes cost at most three times what the bars allow', async (t) => {
  const amounts = { written: 3_000, sizes: [1_000, 10_000] }
  const figures = await measure(amounts, { rounds: 3, say: () => {} })
  for (const { name, ratio, bar } of figures) {
    t.diagnostic(`${name}: ${ratio.toFixed(2)} of the peer, bar ${bar}`)
  }
  assert.equal(figures.length, 1 + 2 * 3 + 2)
  for (const { name, ratio, bar } of figures) assert.ok(ratio <= 3 * bar, `${name}: ${ratio}`)
})
