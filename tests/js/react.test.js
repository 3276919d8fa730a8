// The hooks, in React's own renderer on a DOM: what they show, how often they render, and that a server can.

import 'fake-indexeddb/auto'
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { JSDOM } from 'jsdom'
import { act, createElement as h, StrictMode } from 'react'
import { renderToString } from 'react-dom/server'
import {
  SyncProvider,
  useCollection,
  useRow,
  useSearch,
  useSync,
  useSyncStatus,
} from '../../js/react.js'
import { lexicalEmbedder } from '../../js/search/embedders.js'
import { engines, openClient, until } from '../support/open-client.js'

const { window } = new JSDOM('<div id="root"></div>')
const { document, navigator } = window
Object.assign(globalThis, { window, document, navigator, IS_REACT_ACT_ENVIRONMENT: true })
const { createRoot, hydrateRoot } = await import('react-dom/client')

/** @type {any[]} */
let clients = []
/** @type {any} */
let root = null
afterEach(async () => {
  await act(async () => root?.unmount())
  root = null
  for (const client of clients) await client.close()
  clients = []
})

/** @param {object} [options] */
async function newClient(options) {
  const { createModule } = engines[engines.length - 1]
  const client = await openClient({ storage: 'memory', ...options }, createModule)
  clients.push(client)
  return client
}

/** Renders, and gives what is on the page. @param {any} client @param {any} element */
async function render(client, element) {
  const place = document.createElement('div')
  root = createRoot(place)
  await act(async () => root.render(h(SyncProvider, { client }, element)))
  return { place, text: () => place.textContent }
}

const log = (/** @type {string} */ content) => ({ category: 'chat', content, metadata: {} })
const id = (/** @type {number} */ n) => `00000000-0000-4000-8000-00000000000${n}`

test('rows, a row and the status appear and change', async () => {
  const client = await newClient()
  await client.collection('logs').put(id(1), log('one'))
  function Page() {
    const rows = useCollection('logs', { orderBy: 'content' })
    const { pending } = useSyncStatus()
    const theme = useRow('theme', 'self')?.theme ?? 'none'
    return `${rows.map(({ content }) => content).join()} ${pending} ${theme} ${useSync() === client}`
  }
  const { text } = await render(client, h(Page))
  assert.equal(text(), 'one 1 none true')
  await act(() => client.collection('logs').put(id(2), log('a second')))
  await act(() => client.collection('theme').put('self', { theme: 'dark' }))
  assert.equal(text(), 'a second,one 2 dark true')
  await act(() => client.collection('logs').remove(id(1)))
  assert.equal(text(), 'a second 1 dark true')
})

test('a component renders only for what it reads', async () => {
  const client = await newClient()
  await client.collection('logs').put(id(1), log('one'))
  /** @type {Record<string, number>} */
  const renders = { row: 0, list: 0, filtered: 0, status: 0 }
  /** @param {string} name @param {() => unknown} read */
  const counted = (name, read) => () => {
    renders[name] += 1
    return read()
  }
  const parts = [
    counted('row', () => useRow('logs', id(1))?.content),
    counted('list', () => useCollection('logs').length),
    counted('filtered', () => useCollection('logs', { where: { category: 'journal' } }).length),
    counted('status', () => useSyncStatus().pending),
  ]
  await render(
    client,
    parts.map((each, key) => h(/** @type {any} */ (each), { key })),
  )
  assert.deepEqual(renders, { row: 1, list: 1, filtered: 1, status: 1 })
  await act(() => client.collection('logs').put(id(2), log('two')))
  assert.deepEqual(renders, { row: 1, list: 2, filtered: 1, status: 2 })
  await act(() => client.collection('logs').patch(id(1), { content: 'changed' }))
  assert.deepEqual(renders, { row: 2, list: 3, filtered: 1, status: 2 })
  await act(() => client.collection('logs').patch(id(1), { content: 'changed' }))
  await act(() => client.collection('health').put('2026-01-01', { steps: 1 }))
  assert.deepEqual([renders.row, renders.list, renders.filtered], [2, 3, 1])
})

test('two components never show two states in one render', async () => {
  const client = await newClient()
  /** @type {string[]} */
  const shown = []
  const Sum = () => useCollection('health').reduce((sum, { steps }) => sum + steps, 0)
  const Last = () => useCollection('health').length
  function Page() {
    const [sum, count] = [Sum(), Last()]
    shown.push(`${count}:${sum}`)
    return shown[shown.length - 1]
  }
  const { text } = await render(client, h(StrictMode, null, h(Page)))
  for (let day = 1; day <= 9; day++) {
    await act(() => client.collection('health').put(`2026-01-0${day}`, { steps: 10 }))
  }
  assert.equal(text(), '9:90')
  for (const each of shown) {
    const [count, sum] = each.split(':').map(Number)
    assert.equal(sum, 10 * count)
  }
})

test('StrictMode subscribes twice and leaves nobody behind', async () => {
  const client = await newClient()
  let listening = 0
  const logs = client.collection('logs')
  const { subscribe } = logs
  logs.subscribe = (/** @type {any} */ listener) => {
    listening += 1
    const stop = subscribe.call(logs, listener)
    return () => {
      listening -= 1
      stop()
    }
  }
  const Page = () => `${useCollection('logs').length}`
  await render(client, h(StrictMode, null, h(Page)))
  assert.equal(listening, 1)
  await act(async () => root.unmount())
  assert.equal(listening, 0)
  root = null
})

test('a server renders it, and the page takes over without a difference', async () => {
  const client = await newClient()
  await client.collection('logs').put(id(1), log('one'))
  function Page() {
    const rows = useCollection('logs')
    return `${useSyncStatus().state} ${rows.length} ${useRow('logs', id(1))?.content ?? '-'}`
  }
  const onServer = renderToString(h(SyncProvider, { client: null }, h(Page)))
  assert.equal(onServer, 'idle 0 -')
  const place = document.createElement('div')
  place.innerHTML = onServer
  /** @type {unknown[]} */
  const problems = []
  await act(async () => {
    root = hydrateRoot(place, h(SyncProvider, { client }, h(Page)), {
      onRecoverableError: (error) => problems.push(error),
    })
  })
  assert.deepEqual(problems, [])
  assert.equal(place.textContent, 'idle 1 one')
})

test('search: the last question counts', async () => {
  const { model, embed } = lexicalEmbedder()
  const client = await newClient({ embedder: { model, dimensions: 384, embed } })
  const texts = ['tired in the morning', 'a walk in the forest']
  const vectors = await embed(texts, 'passage')
  for (const [i, content] of texts.entries()) {
    const row = { content, embedding: vectors[i], metadata: { model } }
    await client.collection('embeddings').put(id(i + 1), row)
  }
  /** @param {{ query: string }} props */
  function Found({ query }) {
    const { matches, isSearching, error } = useSearch(query, { threshold: 0.2, limit: 1 })
    return `${isSearching} ${error ? 'failed' : matches.map(({ content }) => content).join()}`
  }
  const { text } = await render(client, h(Found, { query: 'forest walk' }))
  /** @param {string} wanted */
  const shows = (wanted) =>
    until(async () => {
      await act(async () => new Promise((resolve) => setTimeout(resolve, 5)))
      return text() === wanted
    }, 10_000)
  await shows('false a walk in the forest')
  const ask = (/** @type {string} */ query) =>
    act(async () => root.render(h(SyncProvider, { client }, h(Found, { query }))))
  await ask('forest')
  await ask('tired morning')
  await shows('false tired in the morning')
  await ask('')
  await shows('false ')
})
