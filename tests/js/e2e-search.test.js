// The same rows, here and on a server with pgvector: the same answers in the same order. And who asks the
// server when the local copy is not complete.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { seeded, startWorld } from '../support/world.js'

/** @type {import('../support/world.js').World} */
let world
before(async () => {
  world = await startWorld()
})
after(() => world.stop())

const rows = 2000
const random = seeded(7)
const gaussian = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())

/** Clusters, so that thresholds cut through something. @param {number} n */
function vectorOf(n) {
  const center = centers[n % centers.length]
  return Array.from(center, (number) => Math.fround(number + 0.7 * gaussian()))
}
const centers = Array.from({ length: 20 }, () => Array.from({ length: 384 }, gaussian))

test('2,000 rows: what match_embeddings answers, thresholds and limits varied', async () => {
  const user = await world.newUser()
  const device = await world.device(user)
  await device.batch(() => {
    for (let n = 0; n < rows; n++) {
      const metadata = { model: 'BAAI/bge-small-en-v1.5', n, even: n % 2 === 0 }
      const row = { content: `passage ${n}`, metadata, embedding: vectorOf(n) }
      device.collection('embeddings').put(randomUUID(), row)
    }
  })
  await device.sync()
  assert.equal(device.status().pending, 0)

  let compared = 0
  for (let query = 0; query < 8; query++) {
    const vector = vectorOf(query)
    for (const [threshold, limit] of [
      [0.7, 5],
      [0.6, 50],
      [0, 10],
      [-1, 1000],
      [0.999, 5],
    ]) {
      const { data, error } = await user.client.rpc('match_embeddings', {
        query_embedding: vector,
        match_user_id: user.id,
        match_threshold: threshold,
        match_count: limit,
      })
      assert.equal(error, null)
      const local = await device.search(vector, { threshold, limit, source: 'local' })
      const onServer = await device.search(vector, { threshold, limit, source: 'server' })
      assertAlike(local, data)
      assertAlike(onServer, data)
      compared += data.length
    }
  }
  assert.ok(compared > 8 * 1000, `${compared} matches compared`)
  const where = { even: true, n: 8 }
  const options = { threshold: -1, limit: 5, where }
  for (const source of /** @type {const} */ (['local', 'server'])) {
    const found = await device.search(vectorOf(8), { ...options, source })
    assert.deepEqual(
      found.map(({ content }) => content),
      ['passage 8'],
    )
  }
})

test('from the server as from here: rows of other models are left out', async () => {
  const user = await world.newUser()
  const model = 'BAAI/bge-small-en-v1.5'
  const embedder = { model, dimensions: /** @type {const} */ (384), embed: async () => [] }
  const device = await world.device(user, { embedder })
  const vector = vectorOf(3)
  // the nearest are another model's, more than are asked for at first
  await device.batch(() => {
    for (let n = 0; n < 60; n++) {
      const metadata = n < 50 ? { model: 'another' } : n < 55 ? { model } : {}
      const embedding = n < 50 ? vector : vectorOf(3)
      const row = { content: `passage ${n}`, metadata, embedding }
      device.collection('embeddings').put(randomUUID(), row)
    }
  })
  await device.sync()
  const all = { threshold: -1, limit: 20 }
  for (const options of [all, { ...all, limit: 3 }, { threshold: 0.9999, limit: 5 }]) {
    const [local, onServer] = await Promise.all(
      /** @type {const} */ (['local', 'server']).map((source) =>
        device.search(vector, { ...options, source }),
      ),
    )
    assertAlike(onServer, local)
    assert.ok(onServer.every(({ metadata }) => metadata.model !== 'another'))
    assert.equal(onServer.length, options.threshold > 0 ? 0 : Math.min(10, options.limit))
  }
})

test('a device that has not pulled yet asks the server; offline it answers with what it has', async () => {
  const user = await world.newUser()
  const first = await world.device(user)
  const id = randomUUID()
  const vector = vectorOf(1)
  const row = { content: 'known elsewhere', metadata: {}, embedding: vector }
  await first.collection('embeddings').put(id, row)
  await first.sync()
  const fresh = await world.device(user)
  const [found] = await fresh.search(vector)
  assert.deepEqual([found.id, found.content, found.mode], [id, 'known elsewhere', 'vector'])
  assert.equal(fresh.collection('embeddings').size, 0)
  world.proxy.offline()
  try {
    assert.deepEqual(await fresh.search(vector), [])
    await assert.rejects(fresh.search(vector, { source: 'server' }), { code: 'offline' })
    assert.equal((await first.search(vector)).length, 1)
  } finally {
    world.proxy.offline(false)
  }
  await fresh.sync()
  const requests = world.proxy.counts.requests
  assert.equal((await fresh.search(vector)).length, 1)
  assert.equal(world.proxy.counts.requests, requests, 'complete: nobody is asked')
})

/**
 * The same rows in the same order, but where two similarities differ by less than floats can tell.
 * @param {import('../../js/search/search.js').Match[]} ours
 * @param {{ id: string, similarity: number }[]} theirs
 */
function assertAlike(ours, theirs) {
  assert.equal(ours.length, theirs.length)
  for (const [i, { id, similarity }] of ours.entries()) {
    assert.ok(Math.abs(similarity - theirs[i].similarity) < 1e-5)
    if (id === theirs[i].id) continue
    const there = theirs.find((each) => each.id === id)
    const atEdge = i === ours.length - 1 || there !== undefined
    assert.ok(atEdge, `${id} is not among theirs`)
    if (there) assert.ok(Math.abs(there.similarity - similarity) < 1e-5)
  }
}
