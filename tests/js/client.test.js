// The client around its collections, on the fake engine: sync, status, events, whose data it is,
// failures of the disk, and that nothing is left over after close.

import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { stateOf } from '../../js/client.js'
import { IndexedDbDisk } from '../../js/storage/disk.js'
import { createFakeModule, liveEngines } from '../support/fake-engine.js'
import { anna, ben, newDatabase, openClient, signedIn, until } from '../support/open-client.js'

const one = '00000000-0000-4000-8000-000000000001'
const log = { category: 'journal', content: 'slept well' }

/** @type {any[]} */
let open = []
/** @param {Record<string, any>} [options] @param {any} [createModule] */
async function newClient(options, createModule) {
  const client = await openClient(options, createModule)
  open.push(client)
  return client
}
afterEach(async () => {
  for (const client of open) await client.close()
  open = []
  assert.equal(liveEngines.size, 0, 'every engine was freed')
})

/** The engine behind a client. @param {any} client @returns {any} */
function coreOf(client) {
  return stateOf(client).parts.core
}

/** A server that answers these bodies (or statuses) in turn, then the last one for ever. */
function serverOf(/** @type {any[]} */ ...answers) {
  /** @type {Request[]} */
  const requests = []
  const fetch = async (/** @type {string} */ url, /** @type {any} */ init) => {
    requests.push(new Request(url, init))
    const answer = answers.length > 1 ? answers.shift() : answers[0]
    if (typeof answer === 'number') return new Response('', { status: answer })
    return new Response(JSON.stringify(answer))
  }
  return { fetch, requests }
}

/** An auth object whose events the test fires. @param {string | null} userId */
function authOf(userId) {
  /** @type {((event: string, session: any) => void)[]} */
  const callbacks = []
  const auth = {
    userId,
    refreshes: 0,
    session: () =>
      auth.userId ? { access_token: `token of ${auth.userId}`, user: { id: auth.userId } } : null,
    getSession: async () => ({ data: { session: auth.session() } }),
    refreshSession: async () => {
      auth.refreshes += 1
      return auth.getSession()
    },
    onAuthStateChange(/** @type {any} */ callback) {
      callbacks.push(callback)
      return { data: { subscription: { unsubscribe: () => callbacks.splice(0) } } }
    },
    /** @param {string} event @param {string | null} userId */
    fire(event, userId) {
      auth.userId = userId
      for (const callback of callbacks) callback(event, auth.session())
    },
    callbacks,
  }
  return auth
}

test('sync sends with URL, apikey and token, and reports', async () => {
  const { fetch, requests } = serverOf({ rows: [['logs', one, log]] })
  const client = await newClient({ fetch })
  await client.collection('theme').put('self', { theme: 'dark' })
  /** @type {any[]} */
  const progress = []
  const report = await client.sync({ onProgress: (/** @type {any} */ p) => progress.push(p) })
  assert.deepEqual([report.pushed, report.pulled, report.requests], [1, 1, 1])
  assert.equal(requests.length, 1)
  assert.equal(requests[0].url, 'http://project.test/rest/v1/rpc/sync')
  assert.equal(requests[0].headers.get('apikey'), 'publishable')
  assert.equal(requests[0].headers.get('authorization'), `Bearer token of ${anna}`)
  assert.deepEqual(progress, [{ phase: 'push', done: 0, total: 1 }])
  assert.equal(client.collection('logs').get(one).content, 'slept well')
})

test('concurrent calls share one run', async () => {
  const { fetch, requests } = serverOf({})
  const client = await newClient({ fetch })
  const reports = await Promise.all([client.sync(), client.sync(), client.sync()])
  assert.equal(requests.length, 1)
  assert.equal(new Set(reports.map((report) => JSON.stringify(report))).size, 1)
})

test('offline rejects, loses nothing, and is told to onError once', async () => {
  /** @type {any[]} */
  const failures = []
  const client = await newClient({ onError: (/** @type {any} */ error) => failures.push(error) })
  await client.collection('logs').put(one, log)
  await assert.rejects(client.sync(), { name: 'SyncError', code: 'offline', retryable: true })
  assert.deepEqual(
    failures.map(({ code, retryable }) => [code, retryable]),
    [['offline', true]],
  )
  assert.equal(client.status().pending, 1)
})

test('an aborted sync rejects at once, others go on', async () => {
  /** @type {((response: Response) => void)[]} */
  const requests = []
  const client = await newClient({ fetch: () => new Promise((resolve) => requests.push(resolve)) })
  const controller = new AbortController()
  const aborted = client.sync({ signal: controller.signal })
  const other = client.sync()
  await until(() => client.status().state === 'syncing')
  controller.abort('enough')
  await assert.rejects(aborted, { code: 'aborted', cause: 'enough' })
  await until(() => requests.length === 1)
  requests[0](new Response('{}'))
  assert.equal((await other).requests, 1)
  await assert.rejects(client.sync({ signal: AbortSignal.abort() }), { code: 'aborted' })
})

test('on 401 the session is refreshed once', async () => {
  const auth = authOf(anna)
  const { fetch, requests } = serverOf(401, {})
  const client = await newClient({ auth, fetch })
  await client.sync()
  assert.deepEqual([requests.length, auth.refreshes], [2, 1])
  /** @type {any[]} */
  const asked = []
  const again = await newClient({
    fetch: serverOf(401, {}).fetch,
    auth: async (/** @type {any} */ options) => {
      asked.push(options)
      return { accessToken: 'x', userId: anna }
    },
  })
  await again.sync()
  assert.deepEqual(asked, [{ refresh: false }, { refresh: false }, { refresh: true }])
})

test('close stops a request that never ends, and frees all', async () => {
  const auth = authOf(anna)
  let stopped = false
  let isSent = false
  const fetch = (/** @type {any} */ _url, /** @type {any} */ init) =>
    new Promise((_, reject) => {
      isSent = true
      init.signal.addEventListener('abort', () => {
        stopped = true
        reject(init.signal.reason)
      })
    })
  const client = await newClient({ auth, fetch })
  const sync = client.sync()
  await until(() => isSent)
  const rejected = assert.rejects(sync, { code: 'closed' })
  await client.close()
  await rejected
  assert.ok(stopped)
  assert.equal(auth.callbacks.length, 0)
})

test('autoSync pulls on start, focus, online and when visible again; not after close', async () => {
  const page = Object.assign(new EventTarget(), { visibilityState: 'visible' })
  const window = new EventTarget()
  Object.assign(globalThis, {
    document: page,
    addEventListener: window.addEventListener.bind(window),
    removeEventListener: window.removeEventListener.bind(window),
  })
  try {
    const { fetch, requests } = serverOf({})
    const client = await newClient({ fetch, autoSync: true })
    await until(() => requests.length === 1)
    /** @type {[EventTarget, string, number][]} */
    const steps = [
      [window, 'focus', 2],
      [window, 'online', 3],
      [page, 'visibilitychange', 4],
    ]
    for (const [target, event, count] of steps) {
      await until(() => client.status().state === 'idle')
      target.dispatchEvent(new Event(event))
      await until(() => requests.length === count)
    }
    page.visibilityState = 'hidden'
    page.dispatchEvent(new Event('visibilitychange'))
    await client.close()
    page.visibilityState = 'visible'
    for (const [target, event] of steps) target.dispatchEvent(new Event(event))
    await new Promise((resolve) => setTimeout(resolve, 10))
    assert.equal(requests.length, 4)
  } finally {
    for (const name of ['document', 'addEventListener', 'removeEventListener']) {
      Reflect.deleteProperty(globalThis, name)
    }
  }
})

test('without autoSync nothing is sent but by sync()', async () => {
  const { fetch, requests } = serverOf({})
  const client = await newClient({ fetch })
  await client.collection('logs').put(one, log)
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(requests.length, 0)
  const synced = client.whenSynced()
  await client.sync()
  assert.equal(await synced, undefined)
  assert.equal(requests.length, 1)
})

test('whenSynced waits for a pull newer than the call', async () => {
  let now = 1000
  const client = await newClient({ fetch: serverOf({}).fetch, now: () => now })
  await client.sync()
  let isDone = false
  const synced = client.whenSynced().then(() => (isDone = true))
  await new Promise((resolve) => setTimeout(resolve, 10))
  assert.equal(isDone, false, 'the pull before does not count')
  now = 900 // the clock was set back
  await client.sync()
  await synced
  const waiting = client.whenSynced()
  client.close()
  await assert.rejects(waiting, { code: 'closed' })
})

test('timers of the core fire, and none is left after close', async () => {
  /** @type {any} */
  let engine
  const createModule = async () => {
    const module = await createFakeModule()
    const { Engine } = module
    return {
      ...module,
      Engine: class extends Engine {
        constructor(/** @type {any} */ config, /** @type {any} */ hooks) {
          super(config, hooks)
          engine = this
        }
      },
    }
  }
  const client = await newClient({}, createModule)
  await assert.rejects(client.sync(), { code: 'offline' })
  await until(() => engine.timers === 1)
  await assert.rejects(client.sync(), { code: 'offline' })
  await client.close()
  await new Promise((resolve) => setTimeout(resolve, 40))
  assert.equal(engine.timers, 1)
})

test('status is frozen, the same while nothing changed, and told to subscribers', async () => {
  const client = await newClient()
  const before = client.status()
  assert.deepEqual(before, {
    ...{ state: 'idle', pending: 0, rejected: 0, lastSyncedAt: null, lastError: null },
    ...{ nextRetryAt: null, storage: 'durable', persisted: null, realtime: 'off' },
  })
  assert.ok(Object.isFrozen(before))
  assert.equal(client.status(), before)
  /** @type {number[]} */
  const pending = []
  const stop = client.subscribe((/** @type {any} */ status) => pending.push(status.pending))
  await client.collection('logs').put(one, log)
  assert.equal(pending.at(-1), 1)
  stop()
  const memory = await newClient({ storage: 'memory' })
  assert.equal(memory.status().storage, 'memory')
})

test('rejected and overwritten are listed, told and settled', async () => {
  const rejected = {
    id: 'r',
    collection: 'logs',
    key: one,
    code: '23514',
    message: 'check',
    at: 1,
    value: {},
  }
  const overwritten = {
    id: 'o',
    collection: 'logs',
    key: one,
    field: 'content',
    text: 'lost',
    at: 1,
  }
  const client = await newClient({
    fetch: serverOf({
      rows: [['logs', one, log]],
      rejected: [rejected],
      overwritten: [overwritten],
    }).fetch,
  })
  /** @type {any[]} */
  const heard = []
  for (const event of ['rejected', 'overwritten']) {
    client.on(event, (/** @type {any} */ detail) =>
      heard.push([event, detail.id, Object.isFrozen(detail)]),
    )
  }
  const report = await client.sync()
  assert.equal(report.rejected, 1)
  assert.deepEqual(heard, [
    ['rejected', 'r', true],
    ['overwritten', 'o', true],
  ])
  assert.deepEqual([client.rejected(), client.overwritten()], [[rejected], [overwritten]])
  assert.equal(client.status().rejected, 1)
  await client.discardRejected('r')
  assert.deepEqual([client.rejected(), client.status().rejected], [[], 0])
  await client.restoreOverwritten('o')
  assert.equal(client.collection('logs').get(one).content, 'lost')
  await assert.rejects(client.restoreOverwritten('none'), { code: 'invalid-value' })
  await assert.rejects(client.retryRejected(3), { code: 'invalid-value' })
  assert.throws(() => client.on('everything', () => {}), { code: 'invalid-value' })
})

test('a failing disk rejects the write, takes it back, and says so until it works again', async () => {
  /** @type {any[]} */
  const failures = []
  const client = await newClient({
    onError: (/** @type {any} */ error) => failures.push(error.code),
  })
  const logs = client.collection('logs')
  await logs.put(one, log)
  const { add } = IDBObjectStore.prototype
  IDBObjectStore.prototype.add = () => {
    throw new DOMException('full', 'QuotaExceededError')
  }
  try {
    await assert.rejects(logs.patch(one, { content: 'lost' }), { name: 'SyncError', code: 'quota' })
  } finally {
    IDBObjectStore.prototype.add = add
  }
  assert.equal(logs.get(one).content, 'slept well')
  assert.deepEqual([client.status().storage, failures], ['failing', ['quota']])
  await logs.patch(one, { content: 'kept' })
  assert.equal(client.status().storage, 'durable')
})

test('a segment of a newer build makes the client read-only', async () => {
  const database = newDatabase()
  const first = await newClient({ database })
  await first.collection('logs').put(one, log)
  const disk = new IndexedDbDisk({ name: `/${database}/${anna}`, module: await createFakeModule() })
  await disk.load(() => {})
  await disk.commit(
    () => new TextEncoder().encode('newer format'),
    () => {},
  )
  await disk.close()
  await assert.rejects(first.collection('logs').patch(one, { content: 'x' }), {
    code: 'reload-needed',
  })
  assert.equal(first.status().storage, 'read-only')
  /** @type {any[]} */
  const failures = []
  const second = await newClient({
    database,
    onError: (/** @type {any} */ error) => failures.push(error.code),
  })
  assert.deepEqual([second.status().storage, failures], ['read-only', ['reload-needed']])
  assert.equal(second.collection('logs').get(one).content, 'slept well')
  await assert.rejects(second.collection('logs').remove(one), { code: 'reload-needed' })
})

test('a damaged segment is told and stays in the status; the rest is there', async () => {
  const database = newDatabase()
  const first = await newClient({ database })
  await first.collection('logs').put(one, log)
  await first.close()
  const disk = new IndexedDbDisk({ name: `/${database}/${anna}`, module: await createFakeModule() })
  await disk.load(() => {})
  await disk.commit(
    () => new TextEncoder().encode('rubbish'),
    () => {},
  )
  await disk.close()
  /** @type {any[]} */
  const failures = []
  const onError = (/** @type {any} */ error) => failures.push(error.code)
  const second = await newClient({ database, onError, fetch: serverOf({}).fetch })
  assert.equal(second.collection('logs').get(one).content, 'slept well')
  await second.collection('logs').patch(one, { content: 'else' })
  await second.sync()
  assert.deepEqual(failures, ['storage-damaged'])
  assert.equal(second.status().lastError.code, 'storage-damaged')
})

test('a trap in the core ends in one error, not in a hanging promise', async () => {
  /** @type {any[]} */
  const failures = []
  const client = await newClient({
    onError: (/** @type {any} */ error) => failures.push(error.code),
  })
  const write = client.collection('logs').put(one, log)
  coreOf(client).feed({ type: 'trap' })
  await assert.rejects(write, { code: 'invariant', message: /unreachable/ })
  await assert.rejects(client.collection('logs').put(one, log), { code: 'invariant' })
  await assert.rejects(client.sync(), { code: 'invariant' })
  assert.deepEqual([client.status().state, client.status().lastError.code], ['error', 'invariant'])
  assert.deepEqual([client.collection('logs').get(one), failures], [undefined, ['invariant']])
})

test('what was acknowledged is there after a kill, for that user only', async () => {
  const database = newDatabase()
  const killed = await openClient({ database })
  const logs = killed.collection('logs')
  await logs.put(one, log)
  await Promise.all([logs.patch(one, { content: 'a' }), logs.patch(one, { metadata: { b: 1 } })])
  logs.patch(one, { content: 'never acknowledged' })
  // killed: nothing of it runs again
  const core = coreOf(killed)
  core.host.disk.database.drop()
  core.free()
  const reopened = await newClient({ database })
  assert.ok(['a', 'never acknowledged'].includes(reopened.collection('logs').get(one).content))
  assert.deepEqual(reopened.collection('logs').get(one).metadata, { b: 1 })
  const other = await newClient({ database, auth: signedIn(ben) })
  assert.deepEqual([other.userId, other.collection('logs').size], [ben, 0])
})

test('two clients of one user see each other’s writes with the next commit or focus', async () => {
  const database = newDatabase()
  const first = await newClient({ database })
  const second = await newClient({ database })
  await first.collection('logs').put(one, log)
  await second.collection('theme').put('self', { theme: 'dark' })
  assert.equal(second.collection('logs').get(one).content, 'slept well')
  assert.equal(first.collection('theme').get('self'), undefined)
  coreOf(first).refresh()
  await until(() => first.collection('theme').get('self')?.theme === 'dark')
})

test('nobody was ever signed in: empty, and writes are refused', async () => {
  const auth = authOf(null)
  const client = await newClient({ auth })
  /** @type {any[]} */
  const users = []
  client.on('userchange', (/** @type {any} */ detail) => users.push(detail.userId))
  assert.equal(client.userId, null)
  const logs = client.collection('logs')
  assert.deepEqual([logs.get(one), logs.list(), logs.keys(), logs.size], [undefined, [], [], 0])
  assert.equal(client.status().state, 'signed-out')
  assert.deepEqual([client.rejected(), client.overwritten()], [[], []])
  for (const call of [
    () => logs.put(one, log),
    () => client.batch(() => logs.put(one, log)),
    () => client.sync(),
    () => client.whenSynced(),
    () => client.discardRejected('x'),
  ]) {
    await assert.rejects(call(), { code: 'signed-out', retryable: true }, String(call))
  }
  auth.fire('SIGNED_IN', anna)
  await until(() => users.length > 0)
  assert.deepEqual(users, [anna])
})

test('a null session opens the last user’s data; signing out forgets who it was', async () => {
  const database = newDatabase()
  const auth = authOf(anna)
  const first = await newClient({ database, auth })
  await first.collection('logs').put(one, log)
  await first.close()
  for (const nobody of [
    async () => null,
    async () => {
      throw new Error('offline')
    },
    authOf(null),
  ]) {
    const client = await newClient({ database, auth: nobody })
    assert.equal(client.userId, anna)
    assert.equal(client.collection('logs').get(one).content, 'slept well')
    await client.collection('logs').patch(one, { content: 'slept well' })
    await client.close()
  }
  const second = await newClient({ database, auth })
  auth.fire('SIGNED_OUT', null)
  await until(() => second.status().state === 'signed-out')
  await second.close()
  const third = await newClient({ database, auth })
  assert.equal(third.userId, null)
  const fourth = await newClient({ database, auth: signedIn(anna) })
  assert.equal(fourth.collection('logs').size, 1, 'the data stayed')
})

test('on SIGNED_OUT the client reads empty, sends nothing, keeps what was unsent', async () => {
  const database = newDatabase()
  const auth = authOf(anna)
  const { fetch, requests } = serverOf({})
  const client = await newClient({ database, auth, fetch })
  const logs = client.collection('logs')
  await logs.put(one, log)
  /** @type {any[]} */
  const heard = []
  client.on('userchange', (/** @type {any} */ detail) => heard.push(detail.userId))
  logs.subscribe((/** @type {any} */ keys) => heard.push([keys, logs.size]))
  auth.fire('TOKEN_REFRESHED', anna)
  auth.fire('SIGNED_OUT', null)
  await until(() => heard.length === 2)
  assert.deepEqual(heard, [[[one], 0], null])
  assert.deepEqual(
    [logs.get(one), logs.list(), client.status().state],
    [undefined, [], 'signed-out'],
  )
  await assert.rejects(logs.put(one, log), { code: 'signed-out' })
  await assert.rejects(client.sync(), { code: 'signed-out' })
  assert.equal(requests.length, 0)
  await client.close()
  const again = await newClient({ database, auth: signedIn(anna) })
  assert.equal(again.collection('logs').size, 1)
})

test('another user’s session ends the client, also when the core asks for it', async () => {
  let userId = anna
  const { fetch, requests } = serverOf({})
  const auth = async () => ({ accessToken: 'token', userId })
  const client = await newClient({ auth, fetch })
  /** @type {any[]} */
  const users = []
  client.on('userchange', (/** @type {any} */ detail) => users.push(detail.userId))
  userId = ben
  await assert.rejects(client.sync(), { code: 'signed-out' })
  assert.deepEqual([users, requests.length, client.status().state], [[ben], 0, 'signed-out'])
})

test('a slow auth does not hold up a device that knows its user', async (context) => {
  const database = newDatabase()
  await (await newClient({ database })).close()
  context.mock.timers.enable({ apis: ['setTimeout'] })
  /** @type {(session: any) => void} */
  let answer = () => {}
  const opening = newClient({ database, auth: () => new Promise((resolve) => (answer = resolve)) })
  for (let i = 0; i < 200; i++) {
    await new Promise((resolve) => setImmediate(resolve))
    context.mock.timers.tick(100)
  }
  context.mock.timers.reset()
  const client = await opening
  assert.equal(client.userId, anna)
  answer({ accessToken: 'x', userId: ben })
  await until(() => client.status().state === 'signed-out')
})

/** @type {[string, Record<string, any>][]} */
const refused = [
  ['no URL', { url: '' }],
  ['a URL that is none', { url: 'project.test' }],
  ['no key', { key: '' }],
  ['no auth', { auth: undefined }],
  ['an auth that is none', { auth: {} }],
  ['a database name with a slash', { database: 'a/b' }],
  ['an unknown storage', { storage: 'opfs' }],
  ['an unknown durability', { durability: 'safe' }],
  ['a negative debounceMs', { debounceMs: -1 }],
  ['a bad schema', { schema: { collections: { a: {} } } }],
  ['a session that is none', { auth: async () => ({ user: 'anna' }) }],
]
for (const [name, options] of refused) {
  test(`openSync refuses ${name}`, async () => {
    await assert.rejects(openClient(options), { name: 'SyncError', code: 'invalid-value' })
  })
}

test('openSync rejects when the module, the core or the database fails, leaving nothing open', async () => {
  const broken = async () => {
    throw new Error('no file')
  }
  const wasm = 'https://cdn.test/module.wasm'
  await assert.rejects(openClient({ wasm }, broken), {
    code: 'invariant',
    message: /cdn\.test.*no file/,
  })
  const refusing = async () => {
    const module = await createFakeModule()
    const { Engine } = module
    return {
      ...module,
      Engine: class extends Engine {
        constructor(/** @type {string} */ config, /** @type {any} */ hooks) {
          super(JSON.stringify({ ...JSON.parse(config), schema: {} }), hooks)
        }
      },
    }
  }
  await assert.rejects(openClient({}, refusing), { code: 'invalid-value' })
  const openDatabase = indexedDB.open
  indexedDB.open = () => {
    throw new DOMException('denied', 'SecurityError')
  }
  try {
    await assert.rejects(openClient(), { code: 'storage-lost', message: /denied/ })
  } finally {
    indexedDB.open = openDatabase
  }
})

test('the place or the bytes of the module reach the factory, and nothing is printed', async () => {
  /** @type {any[]} */
  const given = []
  const factory = (/** @type {any} */ options) => {
    given.push(options)
    return createFakeModule()
  }
  await newClient({ wasm: new URL('https://cdn.test/x.wasm') }, factory)
  await newClient({ wasm: new Uint8Array(4) }, factory)
  await newClient({}, factory)
  assert.equal(given[0].locateFile('module.wasm', '/dist/'), 'https://cdn.test/x.wasm')
  assert.equal(typeof given[1].instantiateWasm, 'function')
  assert.deepEqual(Object.keys(given[2]).sort(), ['print', 'printErr'])
})
