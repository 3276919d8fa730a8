// The vector index as JavaScript sees it, in both builds: against a naive search, what it takes as vectors,
// ids and facets, what it refuses, and that its memory may grow at any call.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { VectorIndex } from '../../js/search/vector-index.js'
import { vectorsUrl } from '../../js/search/vectors-module.js'
import { idOf } from '../support/ids.js'
import { allowRelaxedSimd } from '../support/relaxed-simd.js'
import { shapes, writerOfShape } from '../support/texts.js'
import { normalize, random, scoreAll, vectorsOf } from '../support/vectors.js'

allowRelaxedSimd()

const dimensions = 384
const [plain, relaxed] = await Promise.all(
  [false, true].map((isRelaxed) => readFile(new URL(vectorsUrl(isRelaxed)))),
)
const builds = /** @type {const} */ ({ plain, relaxed })

/** @param {number} i @param {number} [count] @returns {number[]} */
const unit = (i, count = 4) => Array.from({ length: count }, (_, each) => (each === i ? 1 : 0))

/** @param {object} more */
const load = (more = {}) => VectorIndex.load({ dimensions: 4, ...more })

const invalid = (/** @type {RegExp} */ message) => ({ code: 'invalid-value', message })

for (const [name, wasm] of Object.entries(builds)) {
  test(`${name}: the same results as a naive search`, async () => {
    for (const shape of shapes) {
      const next = random(7)
      const count = 1000
      const write = await writerOfShape(shape, next, count + 5)
      const vectors = vectorsOf(count, dimensions, write)
      const index = await VectorIndex.load({ wasm })
      const ids = Array.from({ length: count }, (_, i) => idOf(i))
      index.addMany(
        ids,
        vectors,
        ids.map((_, i) => ['all', `metadata.tenth=${i % 10}`]),
      )
      const queries = vectorsOf(5, dimensions, write)
      const normalized = normalize(vectors.slice(), dimensions)
      const scores = new Float32Array(count)
      for (let q = 0; q < 5; q++) {
        const query = queries.subarray(q * dimensions, (q + 1) * dimensions)
        scoreAll(normalized, normalize(query.slice(), dimensions), scores)
        for (const threshold of [-1, 0.2, 0.6]) {
          for (const limit of [0, 1, 10, 999, Infinity]) {
            for (const facets of [[], ['all'], ['metadata.tenth=3'], ['all', 'metadata.tenth=9']]) {
              const tenth = facets.at(-1)?.match(/\d/)?.[0]
              const passes = (/** @type {number} */ i) => !tenth || i % 10 === Number(tenth)
              const wanted = [...scores].filter((score, i) => score > threshold && passes(i))
              wanted.sort((a, b) => b - a)
              const found = index.search(query, { threshold, limit, facets })
              assert.equal(found.length, Math.min(wanted.length, limit))
              found.forEach(({ id, similarity }, i) => {
                assert.ok(
                  Math.abs(similarity - wanted[i]) < 1e-5,
                  `${similarity}, not ${wanted[i]}`,
                )
                assert.ok(passes(Number.parseInt(id.slice(24), 16)))
              })
            }
          }
        }
      }
    }
  })
}

test('default: 384 dimensions, more than 0.7, five', async () => {
  const index = await VectorIndex.load()
  assert.equal(index.dimensions, 384)
  const query = unit(0, 384)
  for (let i = 0; i < 9; i++) index.add(idOf(i), query.with(1, i / 5))
  const found = index.search(query)
  assert.deepEqual(
    found.map(({ id }) => id),
    [0, 1, 2, 3, 4].map(idOf),
  )
  assert.equal(index.search(query, { limit: 99 }).length, 6)
})

test('ids are UUIDs in any case; replacing, removing, asking', async () => {
  const index = await load()
  const id = 'ABCDEF01-2345-6789-abcd-ef0123456789'
  index.add(id, unit(0), ['a=1'])
  assert.ok(index.has(id.toLowerCase()))
  assert.deepEqual(index.search(unit(0)), [{ id: id.toLowerCase(), similarity: 1 }])
  index.add(id.toLowerCase(), unit(1), ['a=2'])
  assert.equal(index.size, 1)
  assert.deepEqual(index.vector(id), Float32Array.from(unit(1)))
  assert.equal(index.search(unit(1), { facets: ['a=1'] }).length, 0)
  assert.equal(index.search(unit(1), { facets: ['a=2'] }).length, 1)
  assert.equal(index.remove(id), true)
  assert.equal(index.remove(id), false)
  assert.equal(index.vector(id), undefined)
  assert.equal(index.has(id), false)
  assert.deepEqual(index.search(unit(1)), [])
})

test('equal similarities: by id', async () => {
  const index = await load()
  const ids = Array.from({ length: 50 }, () => randomUUID())
  for (const id of ids) index.add(id, [1, 2, 3, 4])
  const found = index.search([2, 4, 6, 8], { limit: 20 }).map(({ id }) => id)
  assert.deepEqual(found, ids.sort().slice(0, 20))
})

test('a vector may be plain, doubles, integers, or part of a larger buffer', async () => {
  const index = await load()
  const large = Float32Array.of(9, 9, 9, 0, 2, 0, 0, 9, 9)
  const vectors = [
    [0, 2, 0, 0],
    Float64Array.of(0, 2, 0, 0),
    Int8Array.of(0, 2, 0, 0),
    large.subarray(3, 7),
    { length: 4, 0: 0, 1: 2, 2: 0, 3: 0 },
  ]
  for (const vector of vectors) {
    index.add(idOf(1), vector)
    assert.deepEqual(index.vector(idOf(1)), Float32Array.from(unit(1)))
    assert.equal(index.search(vector).length, 1)
  }
  index.addMany([idOf(2), idOf(3)], new Float32Array(large.buffer, 4, 8))
  assert.ok(Math.abs(Number(index.vector(idOf(3))?.[3]) - Math.SQRT1_2) < 1e-6)
})

test('what vector() gives is a copy', async () => {
  const index = await load()
  index.add(idOf(1), unit(0))
  index.vector(idOf(1))?.fill(7)
  assert.equal(index.search(unit(0))[0].similarity, 1)
})

test('its memory may grow in the middle of any call', async () => {
  const index = await load({ dimensions: 64 })
  const vector = new Float32Array(64).fill(1)
  for (let i = 0; i < 3000; i++) {
    index.add(idOf(i), vector.with(0, i), [
      `own=${i}`,
      'all',
      ...Array.from({ length: i % 60 }, String),
    ])
    assert.ok(index.has(idOf(i)))
  }
  assert.equal(index.search(vector, { threshold: -1, limit: Infinity }).length, 3000)
  assert.equal(index.search(vector, { threshold: -1, facets: ['own=2999'] })[0].id, idOf(2999))
  // its own memory as an argument, which the call detaches
  const own = index.vector(idOf(5))
  assert.ok(own)
  for (let i = 3000; i < 9000; i++) index.add(idOf(i), own)
  assert.equal(index.size, 9000)
})

test('what is no vector is refused, and changes nothing', async () => {
  const index = await load()
  index.add(idOf(1), unit(0))
  /** @type {[any, RegExp][]} */
  const cases = [
    [[0, 0, 0, 0], /is zero/],
    [[1e-60, 0, 0, 0], /is zero/],
    [[1, Number.NaN, 0, 0], /not finite/],
    [[1, Infinity, 0, 0], /not finite/],
    [[1e300, 0, 0, 0], /not finite/],
    [[1, '2', 0, 0], /not finite/],
    [[1, null, 0, 0], /not finite/],
    [{ length: 4, 0: 1 }, /not finite/],
    [[1, 2, 3], /has 3 numbers, not 4/],
    [Float32Array.of(1, 2, 3, 4, 5), /has 5 numbers, not 4/],
    [[], /has 0 numbers/],
    [null, /has no numbers/],
    [7, /has no numbers/],
  ]
  for (const [vector, message] of cases) {
    assert.throws(() => index.add(idOf(1), vector), invalid(message))
    assert.throws(() => index.search(vector), invalid(message))
  }
  assert.equal(index.search(unit(0)).length, 1)
})

test('what is no id, facet, threshold, limit or length is refused', async () => {
  const index = await load()
  /** @type {any[]} */
  const ids = [
    '',
    'x',
    idOf(1).replace('-', '0'),
    `${idOf(1)}0`,
    idOf(1).replace('4', 'ä'),
    5,
    null,
  ]
  for (const id of ids) {
    assert.throws(() => index.add(id, unit(0)), invalid(/is not a UUID/))
    assert.throws(() => index.has(id), invalid(/is not a UUID/))
  }
  assert.throws(() => index.add(idOf(1), unit(0), /** @type {any} */ ([5])), invalid(/facet/))
  for (const limit of /** @type {any[]} */ ([-1, 1.5, Number.NaN, '5', null])) {
    assert.throws(() => index.search(unit(0), { limit }), invalid(/limit/))
  }
  for (const threshold of /** @type {any[]} */ ([Number.NaN, '0.5', null])) {
    assert.throws(() => index.search(unit(0), { threshold }), invalid(/threshold/))
  }
  for (const wrong of /** @type {any[]} */ ([0, -1, 1.5, 5000, '384'])) {
    await assert.rejects(VectorIndex.load({ dimensions: wrong }), invalid(/dimensions/))
  }
  const two = [idOf(1), idOf(2)]
  assert.throws(() => index.addMany(two, new Float32Array(7)), invalid(/2 times 4/))
  assert.throws(
    () => index.addMany(two, new Float32Array(8).fill(1), [[]]),
    invalid(/list of facets/),
  )
  assert.throws(() => index.addMany(two, Float32Array.of(1, 1, 1, 1, 0, 0, 0, 0)), invalid(/zero/))
  assert.equal(index.size, 1)
})

test('a file that is missing or damaged is said so', async () => {
  const missing = new URL('missing.wasm', vectorsUrl(false))
  for (const wasm of [missing, String(missing), new Uint8Array(4)]) {
    await assert.rejects(VectorIndex.load({ wasm }), { code: 'invariant' })
  }
  for (const wasm of [vectorsUrl(false), await WebAssembly.compile(plain)]) {
    assert.equal((await VectorIndex.load({ wasm })).size, 0)
  }
})
