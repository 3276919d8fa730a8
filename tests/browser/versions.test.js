// Two builds of the package on one database, in two tabs of a real Chromium: the newer one writes what the
// older can read for as long as it is there, and its own format from then on. The older one, back again,
// reads what it can, writes nothing and says so.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { call, startChromium, until } from './support/chromium.js'
import { startSite } from './support/site.js'

const browser = await startChromium({ after })
const ids = [1, 2, 3].map((n) => `00000000-0000-4000-8000-00000000000${n}`)

/** @param {number} n */
const passage = (n) => ({
  ...{ content: `passage ${n}`, metadata: {} },
  embedding: Array.from({ length: 384 }, (_, i) => (i === n ? 1 : 0)),
})

test('an older and a newer build side by side', async (t) => {
  const site = await startSite(t)
  const [older, newer] = [await browser.openTab(site.url), await browser.openTab(site.url)]
  const often = { foldAfter: 10 }
  await call(older, 'open', { ...often, knownFormat: 1 })
  await call(newer, 'open', often)
  await call(newer, 'put', ['embeddings', ids[0], passage(1)])
  await call(older, 'put', ['embeddings', ids[1], passage(2)])
  for (let step = 1; step <= 30; step++) await call(newer, 'step', { writer: 1, step })
  await until(async () => (await call(newer, 'manifest')).snapshots.length > 0)
  await call(older, 'step', { writer: 2, step: 1 })
  for (const tab of [older, newer]) {
    assert.equal((await call(tab, 'status')).storage, 'durable')
    assert.equal((await call(tab, 'get', ['embeddings', ids[0]])).embedding[1], 1)
    assert.equal((await call(tab, 'get', ['embeddings', ids[1]])).embedding[2], 1)
  }
  assert.deepEqual((await call(newer, 'manifest')).vectors, [], 'nothing the older cannot read')

  await older.close()
  const alone = await browser.openTab(site.url)
  await call(alone, 'open', often)
  await call(alone, 'put', ['embeddings', ids[2], passage(3)])
  for (let step = 31; step <= 60; step++) await call(alone, 'step', { writer: 1, step })
  await until(async () => (await call(alone, 'manifest')).vectors.length > 0)

  const back = await browser.openTab(site.url)
  await call(back, 'open', { ...often, knownFormat: 1 })
  assert.equal((await call(back, 'status')).storage, 'read-only')
  const refusal = await call(back, 'outcome', ['step', { writer: 3, step: 1 }])
  assert.equal(refusal.code, 'reload-needed')
  await call(alone, 'step', { writer: 1, step: 61 })
  const { writers, torn } = await call(alone, 'seen')
  assert.deepEqual(torn, [])
  assert.deepEqual([writers[1].own, writers[2].own, writers[3]], [61, 1, undefined])
})
