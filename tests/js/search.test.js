// search() and context() on the device, offline: by meaning and by words, over what is in memory and what
// is on the disk only.

import 'fake-indexeddb/auto'
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { afterEach, test } from 'node:test'
import { stateOf } from '../../js/client.js'
import { SyncError } from '../../js/error.js'
import { lexicalEmbedder } from '../../js/search/embedders.js'
import { Search } from '../../js/search/search.js'
import { agreeableServer } from '../support/agreeable-server.js'
import { engines, newDatabase, openClient, until } from '../support/open-client.js'
import { storedFiles } from '../support/stored-files.js'

const { model, embed } = lexicalEmbedder()
/** Embeds nothing by itself. */
const forQueries = { model, dimensions: /** @type {const} */ (384), embed }

/** @type {any[]} */
let clients = []
afterEach(async () => {
  for (const client of clients) await client.close()
  clients = []
})

const texts = [
  'Cold shower in the morning, felt awake',
  'Slept badly and woke up tired',
  'A walk in the forest calmed me down',
  'Urge to scroll the phone late at night',
  'Woke up tired again after a short night',
]

for (const { name: engine, createModule } of engines.slice(1)) {
  /** @param {object} [options] */
  const openReal = async (options) => {
    const client = await openClient(options, createModule)
    clients.push(client)
    return client
  }

  /** @param {any} client @param {Record<string, unknown>} [metadata] @returns {Promise<string[]>} ids */
  async function fill(client, metadata) {
    const vectors = await embed(texts, 'passage')
    const ids = texts.map(() => randomUUID())
    await client.batch(() => {
      for (const [i, content] of texts.entries()) {
        const row = { content, embedding: vectors[i], metadata: { model, n: i, ...metadata } }
        client.collection('embeddings').put(ids[i], row)
      }
    })
    return ids
  }

  /** A database whose vectors are on the disk only. */
  async function folded() {
    const database = newDatabase()
    const fetch = agreeableServer()
    const writer = await openReal({ database, fetch, foldAfter: 3 })
    const ids = await fill(writer)
    await writer.sync()
    await until(async () => {
      await writer.collection('theme').put('self', { theme: `${Math.random()}` })
      return writer.collection('embeddings').get(ids[0]) && isFolded(writer, database)
    }, 5000)
    await writer.close()
    return { database, fetch, ids }
  }

  test(`${engine}: by a text, best first; what changes is found`, async () => {
    const client = await openReal({ embedder: forQueries })
    const ids = await fill(client)
    const found = await client.search('tired after waking up', { threshold: 0.1 })
    assert.equal(found[0].mode, 'vector')
    assert.deepEqual(
      new Set(found.slice(0, 2).map((/** @type {any} */ { id }) => id)),
      new Set([ids[1], ids[4]]),
    )
    assert.equal(found[0].collection, 'embeddings')
    assert.equal(found[0].key, found[0].id)
    assert.ok(found[0].similarity > found[1].similarity)
    await client.collection('embeddings').remove(found[0].id)
    const [next] = await client.search('tired after waking up', { threshold: 0.1 })
    assert.equal(next.id, found[1].id)
    assert.deepEqual(await client.search('tired', { limit: 0 }), [])
    assert.deepEqual(await client.search('tired', { threshold: 0.9999 }), [])
  })

  test(`${engine}: by a vector, as numbers, typed, or a part of a larger buffer`, async () => {
    const client = await openReal()
    const ids = await fill(client)
    const [vector] = await embed([texts[2]], 'passage')
    const padded = new Float32Array(400)
    padded.set(Float32Array.from(vector), 16)
    for (const query of [vector, Array.from(vector), padded.subarray(16)]) {
      const [best] = await client.search(query)
      assert.equal(best.id, ids[2])
      assert.ok(best.similarity > 0.9999)
    }
    for (const bad of [[1, 2], new Array(384).fill(0), new Array(384).fill(Number.NaN)]) {
      await assert.rejects(client.search(bad), { code: 'invalid-value' })
    }
  })

  test(`${engine}: where, and rows of other models`, async () => {
    const client = await openReal({ embedder: forQueries })
    const ids = await fill(client, { category: 'journal', nested: { deep: true } })
    await fill(client, { model: 'another' })
    const of = async (/** @type {object} */ where) =>
      (await client.search('tired', { threshold: -1, limit: 20, where })).map(
        (/** @type {any} */ { id }) => id,
      )
    assert.deepEqual(new Set(await of({})), new Set(ids))
    assert.deepEqual(await of({ n: 3 }), [ids[3]])
    assert.deepEqual(await of({ 'metadata.n': 3, nested: { deep: true } }), [ids[3]])
    assert.deepEqual(await of({ n: 3, category: 'chat' }), [])
    assert.deepEqual(await of({ n: '3' }), [], 'a text is no number')
    await assert.rejects(of({ n: [1] }), { code: 'invalid-value' })
  })

  test(`${engine}: what was folded is read from the disk, once`, async () => {
    const { database, fetch, ids } = await folded()
    const client = await openReal({ database, fetch, embedder: forQueries })
    assert.equal(client.collection('embeddings').get(ids[1]).embedding, undefined)
    const found = await client.search('tired after waking up', { threshold: 0.1 })
    assert.deepEqual(
      new Set(found.slice(0, 2).map((/** @type {any} */ { id }) => id)),
      new Set([ids[1], ids[4]]),
    )
    await client.loadVectors()
    assert.equal(client.collection('embeddings').get(ids[1]).embedding.length, 384)
  })

  test(`${engine}: who searches while the disk is read waits for it; a failed reading is done again`, async () => {
    const { database, fetch, ids } = await folded()
    const client = await openReal({ database, fetch, embedder: forQueries })
    /** @type {any} */
    const { vectors } = stateOf(client).parts.core ?? {}
    const read = vectors.read.bind(vectors)
    const all = { threshold: -1, limit: 10 }
    let readings = 0
    vectors.read = (/** @type {any} */ onFile) => {
      readings += 1
      if (readings === 1) return Promise.reject(new SyncError('storage-lost', 'for a moment'))
      return read(onFile)
    }
    await assert.rejects(client.search('tired', all), { code: 'storage-lost' })
    const index = await indexOf(client)
    assert.equal(index.missing, ids.length)
    const both = await Promise.all([client.search('tired', all), client.search('tired', all)])
    for (const found of both) assert.equal(found.length, ids.length)
    assert.deepEqual([readings, index.missing], [2, 0])
  })

  test(`${engine}: a vector that is nowhere is missing until its row is gone or has another`, async () => {
    const { database, fetch, ids } = await folded()
    const client = await openReal({ database, fetch, embedder: forQueries })
    /** @type {any} */
    const { vectors } = stateOf(client).parts.core ?? {}
    let readings = 0
    vectors.read = async () => {
      readings += 1
    }
    assert.deepEqual(await client.search('tired', { threshold: -1 }), [])
    assert.deepEqual(await client.search('tired', { threshold: -1 }), [])
    const index = await indexOf(client)
    assert.deepEqual([readings, index.missing], [1, ids.length], 'not read again for each search')
    await client.collection('embeddings').remove(ids[0])
    const [embedding] = await embed(['something else'], 'passage')
    await client.collection('embeddings').patch(ids[1], { embedding })
    assert.equal((await client.search('tired', { threshold: -1 })).length, 1)
    assert.equal(index.missing, ids.length - 2)
  })

  test(`${engine}: without a vector by words, and it says so`, async () => {
    const offline = { ...forQueries, embed: () => Promise.reject(new TypeError('offline')) }
    for (const embedder of [undefined, offline]) {
      const client = await openReal({ embedder })
      await fill(client)
      const id = randomUUID()
      const log = { category: 'journal', content: 'So tired today', metadata: { mood: 'low' } }
      await client.collection('logs').put(id, log)
      const found = await client.search('tired', { limit: 10 })
      assert.equal(found.length, 3)
      assert.ok(found.every((/** @type {any} */ { mode }) => mode === 'keyword'))
      assert.equal(found[0].similarity, 1)
      const [own] = await client.search('tired', { where: { mood: 'low' } })
      assert.deepEqual([own.collection, own.key, own.content], ['logs', id, 'So tired today'])
      await client.collection('logs').patch(id, { content: 'Rested' })
      assert.equal((await client.search('tired', { limit: 10 })).length, 2)
      assert.equal((await client.search('rested')).length, 1)
    }
  })

  test(`${engine}: an embedder that does not answer in time: by words, and by meaning the next time`, async () => {
    const client = await openReal()
    await fill(client)
    /** @type {((vectors: ArrayLike<number>[]) => void)[]} */
    const answers = []
    const slow = { ...forQueries, embed: () => new Promise((resolve) => answers.push(resolve)) }
    const search = new Search(stateOf(client), /** @type {any} */ (slow), 5)
    const options = { threshold: 0.1 }
    const found = await search.search('tired', options)
    assert.ok(found.length > 0 && found.every(({ mode }) => mode === 'keyword'))
    const { matches } = await search.context('cold')
    assert.ok(matches.length > 0 && matches.every(({ mode }) => mode === 'keyword'))
    answers[0](await embed(['tired'], 'query'))
    await until(() => search.queries.has('tired'))
    const later = await search.search('tired', options)
    assert.ok(later.length > 0 && later.every(({ mode }) => mode === 'vector'))
    assert.equal(answers.length, 2, 'each text was asked for once')
    await search.stop()
  })

  test(`${engine}: context: each thing once, from both searches, within its room`, async () => {
    const client = await openReal({ embedder: forQueries })
    await fill(client)
    const logs = client.collection('logs')
    const [older, newer, chat] = [1, 2, 3].map(() => String(randomUUID()))
    const at = (/** @type {number} */ day) => new Date(Date.UTC(2026, 9, day)).toISOString()
    await logs.put(older, { category: 'journal', content: 'Tired, and cold.', createdAt: at(1) })
    await logs.put(newer, { category: 'journal', content: 'tired and cold', createdAt: at(9) })
    await logs.put(chat, { category: 'chat', content: 'Why am I so tired?', createdAt: at(5) })
    const { text, matches } = await client.context('tired')
    const keys = matches.map((/** @type {any} */ { key }) => key)
    assert.equal(keys.filter((/** @type {string} */ key) => [older, newer].includes(key)).length, 1)
    assert.ok(keys.includes(chat))
    assert.ok(matches.some((/** @type {any} */ { mode }) => mode === 'vector'))
    for (const match of matches) assert.ok(text.includes(match.content))
    assert.match(text, /\[2026-10-05\] Why am I so tired\?/)

    const short = await client.context('tired', { maxChars: 60 })
    assert.ok(short.text.length <= 60 && short.matches.length >= 1)
    const only = await client.context('tired', {
      categories: ['chat'],
      since: Date.UTC(2026, 9, 2),
    })
    assert.deepEqual(
      only.matches.map((/** @type {any} */ { key }) => key),
      [chat],
    )
    assert.equal((await client.context('tired', { limit: 2 })).matches.length, 2)
    assert.deepEqual(await client.context('zebra', { categories: ['none'] }), {
      ...{ text: '', matches: [] },
    })
  })

  test(`${engine}: bad options, and a client that is closed`, async () => {
    const client = await openReal()
    for (const options of [{ limit: -1 }, { limit: 1.5 }, { threshold: 'x' }, { source: 'moon' }]) {
      await assert.rejects(client.search('a', options), { code: 'invalid-value' })
    }
    await assert.rejects(client.search(undefined), { code: 'invalid-value' })
    await assert.rejects(client.context([1]), { code: 'invalid-value' })
    await client.close()
    await assert.rejects(client.search('a'), { code: 'closed' })
  })
}

/** @param {any} client one that has searched @returns {Promise<any>} */
const indexOf = async (client) => (await stateOf(client).search()).semantic

/** @param {any} client @param {string} database */
async function isFolded({ userId }, database) {
  const files = await storedFiles(`/${database}/${userId}`)
  return [...files.keys()].some((path) => path.startsWith('vectors/'))
}
