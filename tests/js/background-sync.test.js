// registerBackgroundSync(): when the page asks for a sync, with a fake page and a fake client. That a real
// browser then syncs is tests/browser/service-worker.test.js's.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pushMessage, syncTag } from '../../js/background/names.js'
import { registerIn } from '../../js/background/page.js'
import { registerBackgroundSync } from '../../js/background-sync.js'
import { openClient } from '../support/open-client.js'

/** @param {object} [status] */
function fakeClient(status = {}) {
  const client = {
    /** @type {(() => void) | null} */
    listener: null,
    current: { state: 'idle', pending: 0, ...status },
    status: () => client.current,
    subscribe: (/** @type {() => void} */ listener) => {
      client.listener = listener
      return () => {
        client.listener = null
      }
    },
    /** @param {object} change */
    now(change) {
      client.current = { ...client.current, ...change }
      client.listener?.()
    },
  }
  return client
}

/**
 * A page with a worker that is there. `asked` tells the syncs, `sent` the messages.
 * @param {{ hasSync?: boolean, refuses?: boolean, permission?: string }} [options]
 */
function fakePage({ hasSync = true, refuses = false, permission = 'denied' } = {}) {
  /** @type {any} */
  const registration = {
    active: {
      postMessage: (/** @type {any} */ message, /** @type {any[]} */ ports) => {
        page.sent.push(message)
        page.ports.push(...ports)
      },
    },
    periodicSync: {
      register: async (/** @type {string} */ tag, /** @type {any} */ { minInterval }) =>
        void page.periodic.push([tag, minInterval]),
    },
  }
  if (hasSync) {
    registration.sync = {
      register: async (/** @type {string} */ tag) => {
        if (refuses) throw new DOMException('disabled', 'NotAllowedError')
        page.asked.push(tag)
      },
    }
  }
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' })
  const page = Object.assign(new EventTarget(), {
    ...{ registration, document },
    /** @type {string[]} */
    asked: [],
    /** @type {unknown[]} */
    sent: [],
    /** @type {MessagePort[]} */
    ports: [],
    /** @type {unknown[]} */
    periodic: [],
    /** @type {unknown[]} */
    registered: [],
    navigator: {
      onLine: true,
      permissions: { query: async () => ({ state: permission }) },
      serviceWorker: {
        register: async (/** @type {unknown[]} */ ...args) => {
          page.registered.push(args)
          return registration
        },
      },
    },
    hide() {
      document.visibilityState = 'hidden'
      document.dispatchEvent(new Event('visibilitychange'))
    },
  })
  return page
}

/** @param {any} page @param {any} client @param {() => void} [onPushed] */
const register = (page, client, onPushed = () => {}) => registerIn(page, client, '/sw.js', onPushed)

const microtasks = () => new Promise((resolve) => setImmediate(resolve))

test('registers a module worker, and asks at once for what was left over', async () => {
  const page = fakePage()
  await register(page, fakeClient({ pending: 2 }))
  assert.deepEqual(page.registered, [['/sw.js', { type: 'module' }]])
  assert.deepEqual(page.asked, [syncTag])
})

test('asks nothing while nothing is pending', async () => {
  const page = fakePage()
  const client = fakeClient()
  await register(page, client)
  client.now({ state: 'syncing' })
  client.now({ state: 'idle' })
  page.hide()
  assert.deepEqual(page.asked, [])
})

for (const state of ['offline', 'error']) {
  test(`asks at once when pushing fails (${state}), once for many writes`, async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const page = fakePage()
    const client = fakeClient({ state })
    await register(page, client)
    client.now({ pending: 1 })
    assert.deepEqual(page.asked, [syncTag])
    for (let pending = 2; pending < 20; pending++) client.now({ pending })
    assert.equal(page.asked.length, 1)
    t.mock.timers.tick(10_000)
    assert.equal(page.asked.length, 2, 'the first one may have been used up meanwhile')
    t.mock.timers.tick(60_000)
    assert.equal(page.asked.length, 2, 'and nothing came since')
  })
}

test('asks at once when the browser knows that it is offline', async () => {
  const page = fakePage()
  const client = fakeClient()
  await register(page, client)
  page.navigator.onLine = false
  client.now({ pending: 1 })
  assert.deepEqual(page.asked, [syncTag])
})

test('a healthy page has two seconds to send it itself', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const page = fakePage()
  const client = fakeClient()
  await register(page, client)
  client.now({ pending: 1 })
  t.mock.timers.tick(1_999)
  client.now({ pending: 0 })
  t.mock.timers.tick(10_000)
  assert.deepEqual(page.asked, [])
  client.now({ pending: 1 })
  t.mock.timers.tick(2_000)
  assert.deepEqual(page.asked, [syncTag])
})

test('becoming pending again asks again', async () => {
  const page = fakePage()
  const client = fakeClient({ state: 'offline' })
  await register(page, client)
  for (const pending of [1, 0, 1]) client.now({ pending })
  assert.deepEqual(page.asked, [syncTag, syncTag])
})

test('a page that is hidden asks at once: it may never be seen again', async () => {
  const page = fakePage()
  const client = fakeClient()
  await register(page, client)
  client.now({ pending: 1 })
  page.hide()
  assert.deepEqual(page.asked, [syncTag])
  assert.deepEqual(
    page.sent,
    [{ type: pushMessage }],
    'a tab being closed may be gone before it is registered',
  )
  for (const port of page.ports) port.close()
})

test('a page that stays hidden tells the worker once, and again when it was seen in between', async () => {
  const page = fakePage()
  const client = fakeClient({ state: 'offline' })
  await register(page, client)
  page.hide()
  for (const pending of [1, 0, 1, 0, 1]) client.now({ pending })
  assert.deepEqual([page.sent.length, page.asked.length], [1, 3])
  page.document.visibilityState = 'visible'
  page.document.dispatchEvent(new Event('visibilitychange'))
  page.hide()
  assert.deepEqual([page.sent.length, page.asked.length], [2, 4])
  for (const port of page.ports) port.close()
})

test('closing the client ends it', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const page = fakePage()
  const client = fakeClient()
  await register(page, client)
  client.now({ pending: 1 })
  client.now({ state: 'closed' })
  page.hide()
  t.mock.timers.tick(60_000)
  assert.deepEqual(page.asked, [])
  assert.equal(client.listener, null)
  await register(page, client)
  assert.equal(client.listener, null, 'nor does it begin with a closed one')
})

test('no Background Sync: the worker is told at the start, when back online, when hidden', async () => {
  const page = fakePage({ hasSync: false })
  const client = fakeClient({ pending: 1 })
  let pushed = 0
  await register(page, client, () => pushed++)
  client.now({ pending: 2 })
  assert.deepEqual(page.sent, [{ type: pushMessage }])
  page.dispatchEvent(new Event('online'))
  page.hide()
  assert.equal(page.sent.length, 3)
  for (const port of page.ports) port.postMessage({ ok: true })
  for (let i = 0; i < 50 && pushed < 3; i++) await microtasks()
  assert.equal(pushed, 3)
  client.now({ state: 'closed', pending: 0 })
})

test('Background Sync refused by the user: as if there were none', async () => {
  const page = fakePage({ refuses: true })
  await register(page, fakeClient({ pending: 1 }))
  await microtasks()
  assert.deepEqual(page.sent, [{ type: pushMessage }])
  page.hide()
  assert.equal(page.sent.length, 2)
  for (const port of page.ports) port.close()
})

test('periodic sync only where it is granted', async () => {
  for (const [permission, count] of /** @type {const} */ ([
    ['granted', 1],
    ['denied', 0],
    ['prompt', 0],
  ])) {
    const page = fakePage({ permission })
    await register(page, fakeClient())
    await microtasks()
    assert.equal(page.periodic.length, count, permission)
  }
})

test('rejects where there are no service workers', async () => {
  const client = await openClient()
  await assert.rejects(register({ navigator: {} }, client), {
    ...{ name: 'SyncError', code: 'invariant' },
    message: /no service workers/,
  })
  await assert.rejects(registerBackgroundSync(client, '/sw.js'), { name: 'SyncError' })
  await assert.rejects(registerBackgroundSync(/** @type {any} */ ({}), '/sw.js'), {
    code: 'invalid-value',
  })
  await client.close()
})

test('rejects when the worker cannot be registered or installed, saying which', async () => {
  const page = fakePage()
  const failing = { register: () => Promise.reject(new TypeError('bad HTTP response code (404)')) }
  Object.assign(page.navigator, { serviceWorker: failing })
  await assert.rejects(register(page, fakeClient()), {
    code: 'invariant',
    message: /\/sw\.js.*404/,
  })
  page.navigator.onLine = false
  await assert.rejects(register(page, fakeClient()), { code: 'offline' })

  const other = fakePage()
  const installing = Object.assign(new EventTarget(), { state: 'installing' })
  Object.assign(other.registration, { active: null, installing })
  const registering = register(other, fakeClient())
  await microtasks()
  installing.state = 'redundant'
  installing.dispatchEvent(new Event('statechange'))
  await assert.rejects(registering, { code: 'invariant', message: /installation failed/ })
})

test('waits until the worker that is being installed is active', async () => {
  const page = fakePage()
  const installing = Object.assign(new EventTarget(), { state: 'installing' })
  const { active } = page.registration
  Object.assign(page.registration, { active: null, installing })
  let isRegistered = false
  const registering = register(page, fakeClient({ pending: 1 })).then(() => {
    isRegistered = true
  })
  await microtasks()
  assert.equal(isRegistered, false)
  Object.assign(page.registration, { active, installing: null })
  installing.state = 'activated'
  installing.dispatchEvent(new Event('statechange'))
  await registering
  assert.deepEqual(page.asked, [syncTag])
})
