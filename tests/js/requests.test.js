// How a request reaches the project: URL and apikey, and that every wait ends.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeRequests } from '../../js/requests.js'

const path = '/rest/v1/rpc/sync'
const init = { method: 'POST', headers: { authorization: 'Bearer x' }, body: '{}' }
const project = { url: 'https://project.test//', key: 'publishable' }

test('URL and apikey are put in front, everything else is handed on', async () => {
  /** @type {any[]} */
  const sent = []
  const { fetch } = makeRequests({
    ...project,
    fetch: async (url, init) => {
      sent.push([url, init])
      return new Response('answer', { status: 429, headers: { 'retry-after': '7' } })
    },
  })
  const response = await fetch(path, init)
  const [[url, given]] = sent
  assert.equal(url, 'https://project.test/rest/v1/rpc/sync')
  assert.deepEqual([given.method, given.body], ['POST', '{}'])
  assert.deepEqual(Object.fromEntries(given.headers), {
    apikey: 'publishable',
    authorization: 'Bearer x',
  })
  assert.deepEqual(
    [response.status, response.headers.get('retry-after'), await response.text()],
    [429, '7', 'answer'],
  )
})

test('the global fetch is looked up at the call', async (context) => {
  const { fetch } = makeRequests(project)
  context.mock.method(globalThis, 'fetch', async () => new Response('late'))
  assert.equal(await (await fetch(path, init)).text(), 'late')
})

test('an answer without a body stays one', async () => {
  const { fetch } = makeRequests({
    ...project,
    fetch: async () => new Response(null, { status: 204 }),
  })
  assert.equal((await fetch(path, init)).status, 204)
})

test('a failure is handed on', async () => {
  const cause = new TypeError('fetch failed')
  const { fetch } = makeRequests({ ...project, fetch: () => Promise.reject(cause) })
  await assert.rejects(fetch(path, init), cause)
  const throwing = makeRequests({
    ...project,
    fetch: () => {
      throw cause
    },
  })
  await assert.rejects(throwing.fetch(path, init), cause)
})

/** @type {[string, () => Promise<Response>][]} */
const endless = [
  ['headers that never come', () => new Promise(() => {})],
  [
    'a body that never ends',
    async () => new Response(new ReadableStream({ pull: () => new Promise(() => {}) })),
  ],
]
for (const [name, answer] of endless) {
  test(`${name}: the wait ends after a while, or with stop()`, async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] })
    /** @type {AbortSignal[]} */
    const signals = []
    const { fetch } = makeRequests({
      ...project,
      fetch: (_url, init) => {
        signals.push(/** @type {AbortSignal} */ (init?.signal))
        return answer()
      },
    })
    const waiting = assert.rejects(fetch(path, init), /does not answer|was stopped/)
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setImmediate(resolve))
      context.mock.timers.tick(10_000)
    }
    await waiting
    assert.ok(signals[0].aborted, 'the connection is given up too')
    context.mock.timers.reset()

    const again = makeRequests({ ...project, fetch: answer })
    const stopped = assert.rejects(again.fetch(path, init), /was stopped/)
    await again.stop()
    await stopped
    await assert.rejects(again.fetch(path, init), /was stopped/)
  })
}
