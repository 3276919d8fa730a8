// The demo's month holds what it is said to hold: every kind of the app's data, as much as a month makes of it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { monthOf } from '../../demo/month.js'
import { synced } from '../support/world.js'

test('a month of every collection', () => {
  const month = monthOf({ person: 'ada', seed: 1 })
  /** @type {Record<string, number>} */
  const counts = {}
  for (const { collection, fields } of month) {
    const kind = collection === 'logs' ? fields?.category : collection
    counts[kind] = (counts[kind] ?? 0) + 1
  }
  assert.deepEqual(counts, {
    ...{ chat: 500, journal: 60, sovereign: 200, feedback: 30 },
    ...{ progress: 1, achievements: 20, path: 1, health: 30, attunements: 30 },
    ...{ cosmic: 30, astrology: 1, embeddings: 100 },
  })
  assert.deepEqual([...new Set(month.map(({ collection }) => collection))].sort(), synced.sort())
  const path = month.find(({ collection }) => collection === 'path')?.fields
  assert.equal(path?.oejtsAnswers.length, 60)
  assert.ok(path?.humanDesignChart && path.katas.length > 0)
  const keys = month.map(({ collection, key }) => `${collection}/${key}`)
  assert.equal(new Set(keys).size, keys.length)
})
