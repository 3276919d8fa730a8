// Starting without a network, with a session that ended hours ago: real engine, real supabase-js over the
// shared storage, and the worker's function without it.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, test } from 'node:test'
import { openSync } from '../../js/index.js'
import { startAuthServer } from '../support/shared-session.js'

/** @type {Awaited<ReturnType<typeof startAuthServer>>} */
let world
before(async () => {
  world = await startAuthServer()
})
afterEach(() => world.proxy.reset())
after(() => world.stop())

/** @param {string} content */
const chat = (content) => ({ category: 'chat', content, metadata: {} })

for (const [name, authOf] of /** @type {const} */ ([
  ['supabase-js', (/** @type {any} */ device) => device.page().auth],
  ['a worker’s function', (/** @type {any} */ device) => device.worker()],
])) {
  test(`offline, two hours after the token ended, with ${name}: all is readable and writable`, async () => {
    const device = await world.device()
    const open = () =>
      openSync({
        ...{ url: world.proxy.url, key: world.server.anonKey, autoSync: false },
        ...{ auth: authOf(device), database: device.database },
      })
    const first = await open()
    await first.collection('logs').put(randomUUID(), chat('before'))
    await first.sync()
    await first.close()

    await device.endsIn(-7200)
    world.proxy.offline()
    const again = await open()
    assert.equal(again.userId, device.userId)
    assert.equal(again.collection('logs').size, 1)
    await again.collection('logs').put(randomUUID(), chat('offline'))
    if (name !== 'supabase-js') {
      // which would try for 25 s before it says so
      await assert.rejects(again.sync(), { name: 'SyncError', retryable: true })
    }
    assert.equal(again.status().pending, 1)
    assert.equal(again.userId, device.userId)

    world.proxy.reset()
    await again.close()
    const back = await open()
    assert.equal(back.status().pending, 1)
    assert.equal((await back.sync()).pushed, 1)
    assert.equal(world.refreshes(), 1)
    assert.equal(back.collection('logs').size, 2)
    await back.close()
  })
}

test('a token that ends while a worker syncs is made new once, and the push goes on', async () => {
  const device = await world.device()
  const open = (/** @type {any} */ auth) =>
    openSync({
      ...{ url: world.proxy.url, key: world.server.anonKey, autoSync: false },
      ...{ auth, database: device.database },
    })
  const client = await open(device.worker())
  await client.sync()
  await client.collection('logs').put(randomUUID(), chat('one'))
  world.proxy.reset()
  world.proxy.next('/rpc/sync', {
    status: 401,
    body: { code: 'PGRST303', message: 'JWT expired', details: null, hint: null },
  })
  assert.equal((await client.sync()).pushed, 1)
  assert.equal(world.refreshes(), 1)
  await client.close()
})
