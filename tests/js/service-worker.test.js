// What the service worker does at its events, with a fake scope, fake clients and fake caches: the rules.
// That a real one does it in a real browser is tests/browser/service-worker.test.js's.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { ModuleCache } from '../../js/background/module-cache.js'
import { markedUrl, pushMessage, syncTag } from '../../js/background/names.js'
import { Runs } from '../../js/background/runs.js'
import { listen } from '../../js/background/worker.js'
import { SyncError } from '../../js/error.js'
import { makeCaches } from '../support/fake-caches.js'
import { until } from '../support/open-client.js'

const report = { pushed: 1 }

/**
 * A client whose sync() does what it is told, in turn; the last one for good.
 * @param {...(() => unknown)} syncs
 */
function fakeClient(...syncs) {
  const client = {
    opened: 0,
    closed: 0,
    synced: 0,
    /** @param {{ signal: AbortSignal }} options */
    async sync({ signal }) {
      const work = syncs[Math.min(client.synced++, syncs.length - 1)]
      const aborted = new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new SyncError('aborted', 'aborted')))
      })
      return Promise.race([work(), aborted])
    },
    async close() {
      client.closed += 1
    },
  }
  const open = async () => {
    client.opened += 1
    return /** @type {any} */ (client)
  }
  return Object.assign(client, { runs: new Runs(open) })
}

/** @param {string} code */
const fails = (code) => () => Promise.reject(new SyncError(code, code))
const never = () => new Promise(() => {})

/** A worker's global object, as far as it is used. @param {Runs} runs @param {ModuleCache | null} modules */
function startScope(runs, modules = null) {
  const scope = Object.assign(new EventTarget(), {
    /** @type {string[]} */
    asked: [],
    registration: {
      sync: { register: async (/** @type {string} */ tag) => void scope.asked.push(tag) },
    },
    /**
     * Sends an event; resolves as what it was told to wait for.
     * @param {string} type @param {object} [members]
     */
    fire(type, members = {}) {
      /** @type {Promise<unknown>[]} */
      const waits = []
      const waitUntil = (/** @type {Promise<unknown>} */ wait) => waits.push(wait)
      const event = Object.assign(new Event(type), {
        waitUntil,
        respondWith: waitUntil,
        ...members,
      })
      scope.dispatchEvent(event)
      return { isOurs: waits.length > 0, done: Promise.all(waits).then(([first]) => first) }
    },
  })
  listen(scope, runs, modules)
  return scope
}

test('sync: one client is opened, syncs and is closed, before the event ends', async () => {
  const client = fakeClient(() => report)
  const scope = startScope(client.runs)
  await scope.fire('sync', { tag: syncTag }).done
  assert.deepEqual([client.opened, client.synced, client.closed], [1, 1, 1])
})

test('sync: a tag of the app, a message of the app, a request of the app are left to it', () => {
  const client = fakeClient(() => report)
  const scope = startScope(client.runs, moduleCache().modules)
  assert.equal(scope.fire('sync', { tag: 'mail' }).isOurs, false)
  assert.equal(scope.fire('periodicsync', { tag: 'mail' }).isOurs, false)
  for (const data of [null, 'wake', { type: 'mail' }]) {
    assert.equal(scope.fire('message', { data }).isOurs, false)
  }
  const urls = ['https://app.test/', 'https://app.test/module.wasm', markedUrl('/x.wasm', 'beef')]
  for (const url of urls) assert.equal(scope.fire('fetch', { request: { url } }).isOurs, false, url)
  assert.equal(client.opened, 0)
})

for (const code of ['offline', 'server', 'quota', 'storage-lost']) {
  test(`sync: "${code}" may pass, so the browser is told to try again`, async () => {
    const client = fakeClient(fails(code))
    await assert.rejects(startScope(client.runs).fire('sync', { tag: syncTag }).done, { code })
    assert.equal(client.closed, 1)
  })
}

for (const code of [
  'signed-out',
  'unauthorized',
  'migrations-missing',
  'reload-needed',
  'locked',
]) {
  test(`sync: "${code}" waits for somebody, so the browser need not try again`, async () => {
    const client = fakeClient(fails(code))
    await startScope(client.runs).fire('sync', { tag: syncTag, lastChance: true }).done
    assert.equal(client.synced, 1)
  })
}

test('sync: a database that does not open may do so later', async () => {
  const runs = new Runs(() => Promise.reject(new SyncError('storage-lost', 'locked up')))
  const sync = startScope(runs).fire('sync', { tag: syncTag })
  await assert.rejects(sync.done, { code: 'storage-lost' })
})

test('sync: events at the same moment share one client, which the last one closes', async () => {
  /** @type {((report: object) => void)[]} */
  const answer = []
  const client = fakeClient(() => new Promise((resolve) => answer.push(resolve)))
  const scope = startScope(client.runs)
  const first = scope.fire('sync', { tag: syncTag })
  const second = scope.fire('message', { data: { type: pushMessage } })
  await until(() => client.synced === 2)
  answer[0](report)
  await first.done
  assert.deepEqual([client.opened, client.closed], [1, 0])
  answer[1](report)
  await second.done
  assert.deepEqual([client.opened, client.closed], [1, 1])
  const third = scope.fire('sync', { tag: syncTag })
  await until(() => answer.length === 3)
  answer[2](report)
  await third.done
  assert.deepEqual([client.opened, client.closed], [2, 2])
})

test('sync: ends before the browser ends it, asks for another one, and is to be tried again', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const client = fakeClient(never)
  const scope = startScope(client.runs)
  const sync = scope.fire('sync', { tag: syncTag })
  await turns()
  t.mock.timers.tick(149_999)
  await turns()
  assert.equal(client.closed, 0)
  t.mock.timers.tick(1)
  await assert.rejects(sync.done, { code: 'aborted' })
  assert.deepEqual([client.closed, scope.asked], [1, [syncTag]])
})

test('sync: at the last chance it tries until the time is over, then asks for another one', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const client = fakeClient(fails('offline'))
  const scope = startScope(client.runs)
  const sync = scope.fire('sync', { tag: syncTag, lastChance: true })
  const done = assert.rejects(sync.done, { code: 'offline' })
  for (let seconds = 0; seconds < 150; seconds++) {
    await turns()
    t.mock.timers.tick(1_000)
  }
  await done
  assert.equal(client.synced, 5, 'at 0, 5, 15, 35 and 75 s')
  assert.equal(client.closed, 5)
  assert.deepEqual(scope.asked, [syncTag])
})

test('sync: what comes back at the last chance ends well', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const client = fakeClient(fails('offline'), () => report)
  const scope = startScope(client.runs)
  const sync = scope.fire('sync', { tag: syncTag, lastChance: true })
  await turns()
  t.mock.timers.tick(5_000)
  await sync.done
  assert.deepEqual([client.synced, scope.asked], [2, []])
})

test('periodicsync: a failure is no matter, the next one comes anyway', async () => {
  const client = fakeClient(fails('offline'))
  await startScope(client.runs).fire('periodicsync', { tag: syncTag }).done
  assert.equal(client.synced, 1)
})

test('message: the page is answered through its port, well or not', async () => {
  const client = fakeClient(() => report, fails('offline'))
  const scope = startScope(client.runs)
  const data = { type: pushMessage }
  /** @type {unknown[]} */
  const answers = []
  const ports = [{ postMessage: (/** @type {unknown} */ answer) => answers.push(answer) }]
  await scope.fire('message', { data, ports }).done
  await scope.fire('message', { data, ports }).done
  await scope.fire('message', { data, ports: [] }).done
  const error = { code: 'offline', message: 'offline', retryable: true }
  assert.deepEqual(answers, [
    { ok: true, report },
    { ok: false, error },
  ])
  assert.deepEqual(scope.asked, [syncTag, syncTag], 'another try, once the network is back')
})

const bytes = new TextEncoder().encode('the module of this build')
const url = 'https://app.test/assets/module.wasm'

/** @param {string} text */
const idOf = (text) => createHash('sha256').update(text).digest('hex').slice(0, 16)
const buildId = idOf('the module of this build')

/** @param {{ serve?: () => Promise<Response> }} [options] */
function moduleCache({ serve = async () => new Response(bytes) } = {}) {
  const caches = makeCaches()
  const made = {
    caches,
    fetched: 0,
    /** @type {string[]} */
    reported: [],
    /** @param {Partial<import('../../js/background/module-cache.js').ModuleCacheOptions>} [more] */
    make: (more = {}) =>
      new ModuleCache({
        ...{ caches, url, buildId, scope: 'https://app.test/' },
        fetch: () => {
          made.fetched += 1
          return serve()
        },
        report: ({ code }) => made.reported.push(code),
        ...more,
      }),
  }
  return Object.assign(made, { modules: made.make() })
}

test('install: module.wasm is kept; from then on no network is needed', async () => {
  const { modules, caches, make } = moduleCache()
  const scope = startScope(fakeClient(never).runs, modules)
  await scope.fire('install').done
  assert.equal(caches.stored.size, 1)

  const offline = make({ fetch: () => Promise.reject(new TypeError('offline')) })
  const later = startScope(fakeClient(never).runs, offline)
  const request = { url: markedUrl('https://app.test/elsewhere/module.wasm', buildId) }
  const fetched = later.fire('fetch', { request })
  const response = /** @type {Response} */ (await fetched.done)
  assert.equal(response.headers.get('content-type'), 'application/wasm')
  assert.deepEqual(new Uint8Array(await response.arrayBuffer()), bytes)
})

const refusals = [
  {
    name: 'another version is there',
    serve: async () => new Response('the former'),
    code: 'invariant',
  },
  {
    name: 'it is not there',
    serve: async () => new Response('', { status: 404 }),
    code: 'invariant',
  },
  { name: 'nobody answers', serve: () => Promise.reject(new TypeError('no')), code: 'offline' },
]
for (const { name, serve, code } of refusals) {
  test(`install: fails when ${name}, and nothing is kept`, async () => {
    const { modules, caches } = moduleCache({ serve })
    const scope = startScope(fakeClient(never).runs, modules)
    await assert.rejects(scope.fire('install').done, { code, message: /module\.wasm/ })
    assert.equal(
      [...caches.stored.values()].every((files) => files.size === 0),
      true,
    )
    const request = { url: markedUrl(url, buildId) }
    const response = /** @type {Response} */ (await scope.fire('fetch', { request }).done)
    assert.equal(response.ok, false, 'and a page does not get it either')
  })
}

test('fetch: a copy that was damaged is fetched anew', async () => {
  const cache = moduleCache()
  await cache.modules.fill()
  for (const files of cache.caches.stored.values()) files.set(url, new ArrayBuffer(3))
  assert.deepEqual(new Uint8Array(await cache.modules.bytes()), bytes)
  assert.deepEqual(new Uint8Array(await cache.modules.bytes()), bytes)
  assert.equal(cache.fetched, 2)
})

test('fetch: a full disk costs the copy, not the module', async () => {
  const cache = moduleCache()
  const full = async () => ({
    match: async () => undefined,
    put: () => Promise.reject(new DOMException('full', 'QuotaExceededError')),
  })
  Object.assign(cache.caches, { open: full })
  assert.deepEqual(new Uint8Array(await cache.modules.bytes()), bytes)
  assert.deepEqual(cache.reported, ['quota'])
})

test('activate: copies of former builds go; those of other workers and of the app stay', async () => {
  const cache = moduleCache()
  const others = [
    cache.make({ scope: 'https://app.test/admin/' }).name,
    'workbox-precache https://app.test/',
  ]
  const former = cache.make({ buildId: idOf('the former') }).name
  for (const name of [...others, former]) await cache.caches.open(name)
  const scope = startScope(fakeClient(never).runs, cache.modules)
  await scope.fire('install').done
  await scope.fire('activate').done
  assert.deepEqual([...cache.caches.stored.keys()].sort(), [...others, cache.modules.name].sort())
})

test('the mark: on addresses that a worker sees, and no others', () => {
  assert.equal(
    markedUrl('https://a.test/m.wasm?v=1', 'id'),
    'https://a.test/m.wasm?v=1#somatic-sync-id',
  )
  assert.equal(markedUrl('/m.wasm', 'id'), '/m.wasm#somatic-sync-id')
  for (const left of ['file:///m.wasm', 'blob:https://a.test/1', 'data:,x', '/m.wasm#own']) {
    assert.equal(markedUrl(left, 'id'), left)
  }
})

test('the bundled worker has nothing that a service worker must not have', async () => {
  const entry = fileURLToPath(new URL('../../js/service-worker.js', import.meta.url))
  const { outputFiles, metafile } = await build({
    ...{ entryPoints: [entry], bundle: true, write: false, metafile: true },
    minify: true, // comments go, in which JSDoc says import()
    ...{ format: 'esm', target: 'es2022', logLevel: 'silent' },
    supported: { 'top-level-await': false }, // the bundler refuses it
  })
  const [{ text }] = outputFiles
  assert.deepEqual(
    text.match(/\bimport\s*\(|XMLHttpRequest|\bnew Function\b|\beval\(|["']node:/g),
    null,
  )
  const [{ imports }] = Object.values(metafile.outputs)
  assert.deepEqual(imports, [], 'one file, which needs no other')
})

/** Lets everything run that needs no timer: hashing, too. */
async function turns() {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
}
