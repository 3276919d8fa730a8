// Embeddings are made in the background: each text once, none forgotten, whoever is killed; changed texts
// anew, and the old ones go.

import 'fake-indexeddb/auto'
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { afterEach, test } from 'node:test'
import { stateOf } from '../../js/client.js'
import { SyncError } from '../../js/error.js'
import { lexicalEmbedder } from '../../js/search/embedders.js'
import { EmbeddingMaker } from '../../js/search/embedding-maker.js'
import { agreeableServer } from '../support/agreeable-server.js'
import { engines, newDatabase, openClient, until } from '../support/open-client.js'

/** @type {any[]} */
let clients = []
afterEach(async () => {
  for (const client of clients) await client.close()
  clients = []
})

/** A lexical embedder that counts, and may fail. @param {{ model?: string, fails?: (texts: string[]) => unknown }} [options] */
function countingEmbedder({ model = 'lexical-hash-384', fails = () => null } = {}) {
  const { embed } = lexicalEmbedder()
  /** @type {string[]} */
  const embedded = []
  return {
    ...{ model, embedded, dimensions: /** @type {const} */ (384) },
    /** @param {string[]} texts @param {'query' | 'passage'} kind */
    embed: async (texts, kind) => {
      const error = fails(texts)
      if (error) throw error
      embedded.push(...texts)
      return embed(texts, kind)
    },
  }
}

const note = (/** @type {string} */ content, metadata = {}) => ({
  ...{ category: 'sovereign', content, metadata: { entryType: 'Win', ...metadata } },
})

for (const { name: engine, createModule } of engines.slice(1)) {
  /** @param {object} [options] */
  const openReal = async (options) => {
    const client = await openClient(options, createModule)
    clients.push(client)
    return client
  }
  /**
   * A maker that runs when it is told to.
   * @param {any} client
   * @param {any} embedder
   * @param {object} [options]
   */
  function makerOf(client, embedder, options) {
    /** @type {any[]} */
    const failures = []
    const maker = new EmbeddingMaker(stateOf(client), {
      ...{ embedder, into: 'embeddings', isAll: false, lockName: 'test' },
      onFailed: (error) => failures.push(error),
      ...options,
    })
    stateOf(client).helpers.push(() => maker.stop())
    return { maker, failures, run: () => maker.run() }
  }
  /** @param {any} client @returns {string[]} */
  const passages = (client) =>
    client
      .collection('embeddings')
      .list()
      .map((/** @type {any} */ { content }) => content)
      .sort()

  test(`${engine}: an embedder given to openSync embeds what the rules ask for, after the write`, async () => {
    const embedder = countingEmbedder()
    const client = await openReal({ embedder })
    const key = randomUUID()
    await client.collection('logs').put(key, note('won'))
    await client.collection('logs').put(randomUUID(), { category: 'chat', content: 'hello' })
    await until(() => client.collection('embeddings').size === 1, 5000)
    const [row] = client.collection('embeddings').list()
    assert.equal(row.content, 'won')
    assert.equal(row.embedding.length, 384)
    const { model, category, sourceCollection, sourceKey, passage } = row.metadata
    assert.deepEqual(
      [model, category, sourceCollection, sourceKey, passage],
      ['lexical-hash-384', 'sovereign', 'logs', key, 0],
    )
    const [found] = await client.search('won', { threshold: 0.5 })
    assert.deepEqual([found.collection, found.key], ['logs', key])
  })

  test(`${engine}: all logs when switched on`, async () => {
    const client = await openReal({ embedder: countingEmbedder(), embed: 'all' })
    await client.collection('logs').put(randomUUID(), { category: 'chat', content: 'hello' })
    await until(() => client.collection('embeddings').size === 1, 5000)
  })

  test(`${engine}: a job of 5,000 rows that is killed goes on where it was: each text once`, async () => {
    const database = newDatabase()
    const first = await openReal({ database })
    const texts = Array.from({ length: 5000 }, (_, i) => `entry number ${i}`)
    await first.batch(() => {
      for (const text of texts) first.collection('logs').put(randomUUID(), note(text))
    })
    const embedder = countingEmbedder()
    const { maker } = makerOf(first, embedder)
    maker.run()
    await until(() => embedder.embedded.length > 1000, 20_000)
    // killed: what it had asked for and not stored is lost
    await first.close()
    clients = []
    const before = embedder.embedded.length
    const second = await openReal({ database })
    const stored = second.collection('embeddings').size
    assert.ok(stored > 900 && stored < 5000 && before - stored <= 32)
    const { run, failures } = makerOf(second, embedder)
    await run()
    assert.deepEqual(failures, [])
    assert.deepEqual(passages(second), [...texts].sort())
    assert.ok(embedder.embedded.length <= 5000 + 32, 'only what was under way is asked again')
    await run()
    assert.ok(embedder.embedded.length <= 5000 + 32)
  })

  test(`${engine}: what a full disk did not take is made once there is room`, async () => {
    const client = await openReal()
    await client.batch(() => {
      for (const text of ['one', 'two']) client.collection('logs').put(randomUUID(), note(text))
    })
    const { run, failures } = makerOf(client, countingEmbedder())
    const { add } = IDBObjectStore.prototype
    IDBObjectStore.prototype.add = () => {
      throw new DOMException('full', 'QuotaExceededError')
    }
    try {
      await run()
    } finally {
      IDBObjectStore.prototype.add = add
    }
    assert.deepEqual([passages(client), failures.map(({ code }) => code)], [[], ['quota']])
    await run()
    assert.deepEqual(passages(client), ['one', 'two'])
  })

  test(`${engine}: a changed text has new rows, and the old ones go once those are there`, async () => {
    const client = await openReal()
    const key = randomUUID()
    await client.collection('logs').put(key, note('first'))
    let isDown = false
    const embedder = countingEmbedder({
      fails: () => (isDown ? new SyncError('offline', 'no network') : null),
    })
    const { run, failures } = makerOf(client, embedder)
    await run()
    assert.deepEqual(passages(client), ['first'])
    isDown = true
    await client.collection('logs').patch(key, { content: 'second' })
    await run()
    assert.deepEqual(passages(client), ['first'], 'better than none')
    assert.deepEqual(
      failures.map(({ code }) => code),
      ['offline'],
    )
    isDown = false
    await run()
    assert.deepEqual(passages(client), ['second'])
    await client.collection('logs').patch(key, { metadata: { entryType: 'Urge/Symptom' } })
    await run()
    assert.deepEqual(passages(client), [], 'no rule asks for it any more')
    await client.collection('logs').patch(key, { metadata: { entryType: 'Win' } })
    await run()
    assert.deepEqual(passages(client), ['second'])
    await client.collection('logs').remove(key)
    await run()
    assert.deepEqual(passages(client), [])
  })

  test(`${engine}: long texts in passages; another model makes all anew`, async () => {
    const client = await openReal()
    const text = Array.from({ length: 100 }, (_, i) => `Sentence ${i} of a long day.`).join(' ')
    await client.collection('logs').put(randomUUID(), note(text))
    await makerOf(client, countingEmbedder()).run()
    const before = client.collection('embeddings').list()
    assert.ok(before.length > 1)
    const { maker, run } = makerOf(client, countingEmbedder({ model: 'another' }))
    await run()
    await maker.stop()
    const after = client.collection('embeddings').list()
    assert.deepEqual(
      after.map((/** @type {any} */ { content }) => content).sort(),
      before.map((/** @type {any} */ { content }) => content).sort(),
    )
    assert.ok(after.every((/** @type {any} */ { metadata }) => metadata.model === 'another'))
  })

  test(`${engine}: a text that no model takes does not hold up the others`, async () => {
    let now = Date.now()
    const client = await openReal({ now: () => now })
    for (const text of ['good', 'poison', 'better'])
      await client.collection('logs').put(randomUUID(), note(text))
    let isTaken = false
    const embedder = countingEmbedder({
      fails: (texts) =>
        texts.includes('poison') && !isTaken ? new SyncError('server', 'no') : null,
    })
    const { run, failures } = makerOf(client, embedder)
    await run()
    assert.deepEqual(passages(client), ['better', 'good'])
    assert.equal(failures.length, 1)
    await run()
    now += 11 * 60 * 1000
    await run()
    assert.equal(failures.length, 1, 'told once')
    isTaken = true
    await run()
    assert.deepEqual(passages(client), ['better', 'good'], 'not tried again before its time')
    now += 11 * 60 * 1000
    await run()
    assert.deepEqual(passages(client), ['better', 'good', 'poison'])
  })

  test(`${engine}: whom a service that is busy did not answer waits, and is not refused`, async () => {
    for (const status of [408, 425, 429, 500, 503]) {
      const client = await openReal()
      for (const text of ['one', 'two', 'three'])
        await client.collection('logs').put(randomUUID(), note(text))
      let busy = 3
      const embedder = countingEmbedder({
        fails: () => (busy-- > 0 ? new SyncError('server', 'busy', { status }) : null),
      })
      const { run, failures } = makerOf(client, embedder)
      for (let i = 0; i < 4; i++) await run()
      assert.deepEqual(passages(client), ['one', 'three', 'two'])
      assert.equal(failures.length, 3, 'each time all of them waited')
    }
  })

  test(`${engine}: what was made before the service became busy is stored`, async () => {
    const client = await openReal()
    const texts = ['good', 'poison', 'better', 'best']
    for (const text of texts) await client.collection('logs').put(randomUUID(), note(text))
    let asked = 0
    const embedder = countingEmbedder({
      fails: (batch) => {
        asked += 1
        if (asked === 4) return Object.assign(new Error('busy'), { status: 429 })
        return batch.includes('poison') ? new SyncError('server', 'no', { status: 400 }) : null
      },
    })
    const { maker, run, failures } = makerOf(client, embedder)
    await run()
    assert.equal(asked, 4, 'all at once, then one by one until it is busy')
    const stored = passages(client).length
    assert.ok(stored >= 1 && stored < 3, `${stored} stored`)
    assert.deepEqual([failures.length, maker.refused.size], [1, 0])
    await run()
    assert.deepEqual(passages(client), ['best', 'better', 'good'])
    assert.equal(maker.refused.size, 1)
  })

  test(`${engine}: an embedder that never answers holds up nobody who closes; a late answer counts no more`, async () => {
    const database = newDatabase()
    /** @type {((vectors: ArrayLike<number>[]) => void)[]} */
    const answers = []
    const embedder = {
      ...countingEmbedder(),
      embed: () => new Promise((resolve) => answers.push(resolve)),
    }
    const client = await openReal({ database, embedder })
    await client.collection('logs').put(randomUUID(), note('won'))
    await until(() => answers.length === 1, 5000)
    await client.close()

    const again = await openReal({ database })
    const { maker, run, failures } = makerOf(again, embedder)
    const running = run()
    await until(() => answers.length === 2)
    await maker.stop()
    await running
    const vectors = await lexicalEmbedder().embed(['won'], 'passage')
    for (const answer of answers) answer(vectors)
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual([passages(again), failures], [[], []])
  })

  test(`${engine}: an embedder that takes too long is asked again later`, async () => {
    const client = await openReal()
    for (const text of ['one', 'two']) await client.collection('logs').put(randomUUID(), note(text))
    const good = countingEmbedder()
    let asked = 0
    const embed = (/** @type {string[]} */ texts) =>
      ++asked === 1 ? new Promise(() => {}) : good.embed(texts, 'passage')
    const { maker, run, failures } = makerOf(client, { ...good, embed }, { embedMs: 50 })
    await run()
    assert.deepEqual([failures.map(({ code }) => code), asked], [['offline'], 1])
    maker.embedMs = 60_000
    await run()
    assert.deepEqual(passages(client), ['one', 'two'])
  })

  test(`${engine}: a text that is refused alone is left; one that may be does not hold up the others`, async () => {
    const client = await openReal()
    const logs = client.collection('logs')
    const key = (/** @type {number} */ n) => `00000000-0000-4000-8000-${100 + n}000000000`
    await client.batch(() => {
      logs.put(key(0), note('poison'))
      for (let n = 1; n < 32; n++) logs.put(key(n), note(`text ${n}`))
    })
    /** @type {{ status?: number }} */
    const cause = {}
    const embedder = countingEmbedder({
      fails: (texts) =>
        texts.includes('poison') ? new SyncError('server', 'no', { ...cause }) : null,
    })
    const before = makerOf(client, embedder)
    await before.run()
    await before.maker.stop()
    assert.equal(client.collection('embeddings').size, 31)
    await logs.put(key(33), note('later'))
    // it knows of no refusal, and the first that it asks for is the poison, alone
    cause.status = 400
    const sure = makerOf(client, embedder)
    await sure.run()
    assert.deepEqual(sure.failures.length, 1)
    assert.ok(passages(client).includes('later'))
    await sure.maker.stop()
    delete cause.status
    await logs.put(key(34), note('last'))
    const { run } = makerOf(client, embedder)
    await run()
    assert.ok(!passages(client).includes('last'), 'the service may be down')
    await run()
    assert.ok(passages(client).includes('last'))
  })

  test(`${engine}: what was deleted while nobody looked goes once a sync has not brought it back`, async () => {
    let now = Date.now()
    const options = { database: newDatabase(), fetch: agreeableServer(() => ++now) }
    const before = await openReal(options)
    const [gone, stays] = [randomUUID(), randomUUID()]
    await before.collection('logs').put(gone, note('gone'))
    await before.collection('logs').put(stays, note('stays'))
    await makerOf(before, countingEmbedder()).run()
    await before.collection('logs').remove(gone)
    await before.close()

    const client = await openReal(options)
    const { run } = makerOf(client, countingEmbedder())
    await run()
    await run()
    assert.deepEqual(passages(client), ['gone', 'stays'], 'it may be on its way')
    const [vector] = await lexicalEmbedder().embed(['gone'], 'query')
    const found = await client.search(vector, { threshold: -1, limit: 1 })
    assert.deepEqual(
      found.map((/** @type {any} */ { key }) => key),
      [stays],
    )
    await client.sync()
    await until(() => client.collection('embeddings').size === 1, 5000)
    assert.deepEqual(passages(client), ['stays'])
  })

  test(`${engine}: an embedding that is pulled before its row waits for it`, async () => {
    const [late, never] = [randomUUID(), randomUUID()]
    const embeddingOf = (/** @type {string} */ sourceKey, /** @type {string} */ content) => ({
      ...{ id: randomUUID(), version: 1, content },
      metadata: { model: 'lexical-hash-384', sourceCollection: 'logs', sourceKey, passage: 0 },
      clocks: { content: '1795389955374-0000-ffffffff' },
    })
    const row = {
      ...{ id: late, version: 2, category: 'sovereign', content: 'late' },
      ...{ metadata: { entryType: 'Win' }, created_at: new Date().toISOString() },
      clocks: { content: '1795389955374-0000-ffffffff' },
    }
    let now = Date.now()
    const server = agreeableServer(() => ++now)
    let page = 0
    let release = () => {}
    /** @type {Promise<void>} */
    const isReleased = new Promise((resolve) => {
      release = resolve
    })
    const client = await openReal({
      /** @type {typeof server} */
      fetch: async (url, init) => {
        page += 1
        if (page === 2) await isReleased
        const answer = await (await server(url, init)).json()
        const rows = [
          { vector_embeddings: [embeddingOf(late, 'late'), embeddingOf(never, 'never')] },
          { sovereign_logs: [row] },
        ][page - 1]
        const cursor = page === 1 ? 1 : 2 + answer.cursor
        return Response.json({ ...answer, cursor, rows: rows ?? {}, more: page === 1 })
      },
    })
    const { run } = makerOf(client, countingEmbedder())
    const syncing = client.sync()
    await until(() => page === 2)
    await run()
    assert.deepEqual(passages(client), ['late', 'never'], 'the pull is not complete')
    release()
    await syncing
    await run()
    assert.deepEqual(passages(client), ['late'])
    await client.sync()
    await run()
    assert.deepEqual(passages(client), ['late'])
  })

  test(`${engine}: what another device wrote it embeds itself, unless it has not for a day`, async () => {
    const [mine, theirs] = [randomUUID(), randomUUID()]
    const created = new Date().toISOString()
    const row = {
      ...{ id: theirs, version: 1, category: 'sovereign', content: 'theirs' },
      ...{ metadata: { entryType: 'Win' }, created_at: created },
      clocks: { content: '1795389955374-0000-ffffffff' },
    }
    const fetch = async () =>
      Response.json({
        ...{ epoch: 'e', now: Date.now(), cursor: 1, horizon: 0, answers: [], more: false },
        ...{ rows: { sovereign_logs: [row] }, tombstones: [] },
      })
    let now = Date.now()
    const client = await openReal({ fetch, now: () => now })
    await client.sync().catch(() => {})
    assert.equal(client.collection('logs').get(theirs).content, 'theirs')
    await client.collection('logs').put(mine, note('mine'))
    const { maker, run } = makerOf(client, countingEmbedder())
    await run()
    assert.deepEqual(passages(client), ['mine'])
    now += 25 * 3600 * 1000
    maker.due.add(`logs/${theirs}`)
    await run()
    assert.deepEqual(passages(client), ['mine', 'theirs'])
  })
}
