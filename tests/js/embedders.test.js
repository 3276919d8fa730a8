// The embedders of the package: what is asked of Hugging Face's inference API and what each of its answers
// comes to, by a local server with those shapes; and the lexical one, which asks nobody.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { after, before, beforeEach, test } from 'node:test'
import { huggingFaceEmbedder, lexicalEmbedder } from '../../js/search/embedders.js'

const vector = (/** @type {number} */ seed) =>
  Array.from({ length: 384 }, (_, i) => Math.sin(seed + i))

/** @type {http.Server} */
let server
/** @type {{ headers: http.IncomingHttpHeaders, inputs: string[] }[]} */
let asked = []
/** @type {((inputs: string[]) => { status?: number, headers?: Record<string, string>, answer: unknown })[]} the last one stays */
let answers = []
/** @type {number[]} */
let waits = []

before(async () => {
  server = http.createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request.setEncoding('utf8')) text += chunk
    const { inputs } = JSON.parse(text)
    asked.push({ headers: request.headers, inputs })
    const make = answers.length > 1 ? answers.shift() : answers[0]
    const { status = 200, headers = {}, answer } = /** @type {any} */ (make)(inputs)
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify(answer))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
after(() => server.close())
beforeEach(() => {
  asked = []
  waits = []
})

const pooled = (/** @type {string[]} */ inputs) => ({ answer: inputs.map((_, i) => vector(i)) })

/** @param {object} [options] */
function embedder(options) {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return huggingFaceEmbedder({
    endpoint: `http://127.0.0.1:${port}/`,
    wait: async (ms) => void waits.push(ms),
    ...options,
  })
}

test('a list of texts, with the token; a query carries the prefix that bge wants', async () => {
  answers = [pooled]
  const { embed, model, dimensions } = embedder({ token: 'hf_secret' })
  assert.deepEqual([model, dimensions], ['BAAI/bge-small-en-v1.5', 384])
  assert.deepEqual(await embed(['a', 'b'], 'passage'), [vector(0), vector(1)])
  await embed(['a'], 'query')
  assert.equal(asked[0].headers.authorization, 'Bearer hf_secret')
  assert.deepEqual(asked[0].inputs, ['a', 'b'])
  assert.deepEqual(asked[1].inputs, ['Represent this sentence for searching relevant passages: a'])
  assert.deepEqual(await embed([], 'passage'), [])
  assert.equal(asked.length, 2)
})

test('another model has no prefix, a proxy no token', async () => {
  answers = [pooled]
  await embedder({ model: 'sentence-transformers/all-MiniLM-L6-v2' }).embed(['a'], 'query')
  assert.deepEqual(asked[0].inputs, ['a'])
  assert.equal(asked[0].headers.authorization, undefined)
})

test('one vector alone, and a vector for each token, of which the first counts', async () => {
  answers = [() => ({ answer: vector(1) })]
  assert.deepEqual(await embedder().embed(['a'], 'passage'), [vector(1)])
  answers = [() => ({ answer: [[vector(2), vector(3)], [vector(4)]] })]
  assert.deepEqual(await embedder().embed(['a', 'b'], 'passage'), [vector(2), vector(4)])
  answers = [() => ({ answer: [[[vector(5), vector(6)]]] })]
  assert.deepEqual(await embedder().embed(['a'], 'passage'), [vector(5)])
})

test('a model that is loading is waited for as long as it says; a full queue as long as it says', async () => {
  answers = [
    () => ({ status: 503, answer: { error: 'Model is currently loading', estimated_time: 20.5 } }),
    () => ({ status: 429, headers: { 'retry-after': '7' }, answer: { error: 'Rate limit' } }),
    () => ({ status: 500, answer: { error: ['unknown error'] } }),
    pooled,
  ]
  assert.equal((await embedder().embed(['a'], 'passage')).length, 1)
  assert.deepEqual(waits, [20_500, 7_000, 4_000])
})

test('who never answers is given up, saying why', async () => {
  answers = [() => ({ status: 503, answer: { error: 'overloaded' } })]
  const failed = embedder().embed(['a'], 'passage')
  await assert.rejects(failed, {
    ...{ code: 'server', message: /503.*overloaded/, cause: { status: 503 } },
  })
  assert.equal(asked.length, 5)
  answers = [() => ({ status: 401, answer: { error: 'Invalid credentials' } })]
  await assert.rejects(embedder().embed(['a'], 'passage'), { code: 'unauthorized' })
  const nobody = huggingFaceEmbedder({ fetch: () => Promise.reject(new TypeError('no network')) })
  await assert.rejects(nobody.embed(['a'], 'passage'), { code: 'offline' })
})

test('a request that is not answered, or not to the end, is lost after a while', async () => {
  const endless = [
    http.createServer(() => {}),
    http.createServer((_request, response) => void response.writeHead(200).write('[')),
  ]
  for (const each of endless) {
    each.listen(0, '127.0.0.1')
    await once(each, 'listening')
    const { port } = /** @type {import('node:net').AddressInfo} */ (each.address())
    const lost = embedder({ endpoint: `http://127.0.0.1:${port}/`, requestMs: 100 })
    await assert.rejects(lost.embed(['a'], 'passage'), { code: 'offline' })
    each.closeAllConnections()
    each.close()
  }
})

test('a text that is too long is cut, alone', async () => {
  const message = 'The size of tensor a (700) must be less than 512: sequence length'
  answers = [
    (inputs) =>
      inputs.some((input) => input.length > 30)
        ? { status: 400, answer: { error: message } }
        : { answer: inputs.map(() => vector(inputs[0].length)) },
  ]
  const vectors = await embedder().embed(['short', 'x'.repeat(100)], 'passage')
  assert.deepEqual(vectors, [vector(5), vector(25)])
  answers = [() => ({ status: 413, answer: { error: 'Payload too large' } })]
  await assert.rejects(embedder().embed(['a'.repeat(99)], 'passage'), { code: 'server' })
})

test('an answer that is something else is told', async () => {
  for (const answer of [null, {}, [], [[1, 2]], [vector(1), vector(2)], ['x']]) {
    answers = [() => ({ answer })]
    await assert.rejects(embedder().embed(['a'], 'passage'), { code: 'server' }, `${answer}`)
  }
})

test('lexical: deterministic, of length 1, near where words are shared', async () => {
  const { model, embed } = lexicalEmbedder()
  assert.match(model, /lexical/)
  const texts = [
    'I slept badly and woke up tired',
    'Woke tired after sleeping badly',
    'The quarterly budget was approved',
    '',
    '!!!',
    'été 日本語',
  ]
  const [a, b, c, ...odd] = await embed(texts, 'passage')
  const dot = (/** @type {ArrayLike<number>} */ x, /** @type {ArrayLike<number>} */ y) =>
    Array.from(x).reduce((sum, n, i) => sum + n * y[i], 0)
  assert.ok(dot(a, b) > dot(a, c) + 0.2)
  for (const each of [a, b, c, ...odd]) assert.ok(Math.abs(dot(each, each) - 1) < 1e-5)
  assert.deepEqual(await embed([texts[0]], 'query'), [a])
})
