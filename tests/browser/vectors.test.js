// A database of 10,000 rows and 100,000 vectors, opened in a tab and in the service worker: the memory of
// neither grows with the vectors. The rows come from a server of the test's own, which only has to tell
// many of them fast.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { call, startChromium } from './support/chromium.js'
import { startSite } from './support/site.js'

const rows = 10_000
const vectors = 100_000
const pageRows = 2000

const browser = await startChromium({ after })

/** @param {number} n @param {string} kind four hex digits */
const idOf = (n, kind) => `${n.toString(16).padStart(8, '0')}-${kind}-4000-8000-000000000000`

/** One number of it is made anew each time, so that no two are equal; the rest need not be. @param {number} n */
const vectorOf = (n) => `[${n / vectors}${tail}]`
const tail = Array.from({ length: 383 }, (_, i) => `,${Math.sin(i).toFixed(7)}`).join('')

/** @param {number} version from 1 on: the logs first @param {boolean} hasVectors */
function rowOf(version, hasVectors) {
  const common = { version, clocks: {}, created_at: '2026-11-25T00:00:00+00:00' }
  const metadata = { model: 'test', category: `c${version % 7}` }
  if (version <= rows) {
    return [
      'sovereign_logs',
      {
        ...common,
        id: idOf(version, '0001'),
        category: 'chat',
        content: 'x'.repeat(200),
        metadata,
      },
    ]
  }
  const embedding = hasVectors ? vectorOf(version) : null
  const row = {
    ...common,
    id: idOf(version, '0002'),
    content: `passage ${version}`,
    metadata,
    embedding,
  }
  return ['vector_embeddings', row]
}

/** @param {import('node:test').TestContext} t @param {boolean} hasVectors @returns {Promise<string>} its URL */
async function startTeller(t, hasVectors) {
  const server = http.createServer(async (request, response) => {
    response.setHeader('access-control-allow-origin', '*')
    response.setHeader('access-control-allow-headers', '*')
    if (request.method === 'OPTIONS') return response.end()
    let text = ''
    for await (const chunk of request.setEncoding('utf8')) text += chunk
    const { cursor } = JSON.parse(text).request
    const last = Math.min(cursor + pageRows, rows + vectors)
    /** @type {Record<string, unknown[]>} */
    const told = {}
    for (let version = cursor + 1; version <= last; version++) {
      const [table, row] = rowOf(version, hasVectors)
      told[/** @type {string} */ (table)] ??= []
      told[/** @type {string} */ (table)].push(row)
    }
    const answer = { epoch: 'e0000000-0000-4000-8000-000000000001', now: Date.now(), cursor: last }
    const rest = { more: last < rows + vectors, horizon: 0, answers: [], tombstones: [] }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ ...answer, ...rest, rows: told }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return `http://127.0.0.1:${port}`
}

/** So that a step or two fold what is left: a segment is read whole, and memory keeps the size of its peak. */
const foldAfter = 20

/**
 * Fills a database of its own, then opens it afresh in a tab and in the service worker.
 * @param {import('node:test').TestContext} t
 * @param {boolean} hasVectors
 */
async function memoriesOf(t, hasVectors) {
  const site = await startSite(t)
  const url = await startTeller(t, hasVectors)
  const session = { accessToken: 'token', userId: '11111111-1111-4111-8111-111111111111' }
  const filling = await browser.openTab(site.url)
  await call(filling, 'open', { url, session, foldAfter })
  await call(filling, 'sync')
  // one that is under way may end before the last row; the next holds all that was there when it began
  const snapshots = async () => (await call(filling, 'manifest')).snapshots.length
  const enough = (await snapshots()) + 2
  for (let step = 1; (await snapshots()) < enough; step++) {
    await call(filling, 'step', { writer: 1, step })
    await delay(50)
  }
  await call(filling, 'close')
  await filling.close()

  const tab = await browser.openTab(site.url)
  const serviceWorker = await browser.startServiceWorker(tab)
  const memories = []
  for (const context of [tab, serviceWorker]) {
    await call(context, 'open')
    assert.equal(await call(context, 'size', 'embeddings'), vectors)
    assert.equal((await call(context, 'status')).lastError, null)
    memories.push(await call(context, 'memory'))
  }
  const { vectors: files } = await call(tab, 'manifest')
  await tab.close()
  return {
    memories,
    stored: files.reduce(
      (/** @type {number} */ sum, /** @type {any} */ each) => sum + each.vectors,
      0,
    ),
  }
}

test('10,000 rows and 100,000 vectors: memory does not grow with the vectors', async (t) => {
  const without = await memoriesOf(t, false)
  const having = await memoriesOf(t, true)
  assert.equal(without.stored, 0)
  assert.ok(having.stored >= vectors, `${having.stored} are in files of their own`)
  const mb = (/** @type {number} */ bytes) => Math.round(bytes / 1e6)
  const text = (/** @type {number[]} */ memories) =>
    memories.map((bytes) => `${mb(bytes)} MB`).join(' and ')
  t.diagnostic(
    `tab and service worker: ${text(having.memories)}, without vectors ${text(without.memories)}; the vectors are ${mb(vectors * 1536)} MB`,
  )
  for (const [i, bytes] of having.memories.entries()) {
    const growth = bytes - without.memories[i]
    // a row has a name for its vector, and a module's memory grows by a fifth at a time
    assert.ok(growth < 0.3 * vectors * 1536, `it grew by ${mb(growth)} MB`)
  }
})
