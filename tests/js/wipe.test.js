// wipe(): refuses while anything would be lost, and then forgets for every open context at once. On the
// disk's own text "engine" for the races, on the compiled core for what the app sees.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stateOf } from '../../js/client.js'
import { SyncError } from '../../js/error.js'
import { anna, engines, newDatabase, openClient } from '../support/open-client.js'

const health = { steps: 5 }
/** Answers every push with "applied". @param {string} _url @param {any} init */
async function accepting(_url, init) {
  const { push, cursor } = JSON.parse(new TextDecoder().decode(init.body)).request
  const answers = push.map((/** @type {{ mid: string }} */ { mid }, /** @type {number} */ i) => ({
    ...{ mid, status: 'applied', version: 100 + i },
  }))
  const body = {
    protocol: 1,
    now: Date.now(),
    epoch: anna,
    answers,
    rows: {},
    tombstones: [],
    cursor,
  }
  return new Response(JSON.stringify({ ...body, horizon: 0, more: false }), { status: 200 })
}

for (const { name, createModule } of engines.slice(1)) {
  const open = (/** @type {object} */ options) => openClient(options, createModule)

  test(`${name}: wipe refuses with unsent work, and obeys with force`, async () => {
    const database = newDatabase()
    const client = await open({ database })
    await client.collection('health').put('2026-11-20', health)
    await assert.rejects(client.wipe(), { code: 'unsent-work', message: /1 rows were not sent/ })
    assert.equal(client.collection('health').size, 1, 'it is there still, and can be written')
    await client.collection('health').put('2026-11-21', health)
    await client.wipe({ force: true })
    assert.equal(client.status().state, 'closed')
    await assert.rejects(client.collection('health').put('2026-11-22', health), { code: 'closed' })
    const again = await open({ database })
    assert.equal(again.collection('health').size, 0)
    await again.collection('health').put('2026-11-23', health)
    await again.close()
    const later = await open({ database })
    assert.deepEqual(later.collection('health').keys(), ['2026-11-23'])
    await later.close()
  })

  test(`${name}: a wiped client is closed, though who was here could not be forgotten`, async () => {
    const database = newDatabase()
    const client = await open({ database })
    Object.assign(stateOf(client).parts, {
      forgetUser: () => Promise.reject(new SyncError('quota', 'no room')),
    })
    await assert.rejects(client.wipe(), { code: 'quota' })
    assert.equal(client.status().state, 'closed')
    const again = await open({ database })
    await again.collection('health').put('2026-11-22', health)
    await again.close()
  })

  test(`${name}: what another tab wrote and did not send counts too`, async () => {
    const database = newDatabase()
    const [one, two] = [await open({ database }), await open({ database })]
    await two.collection('health').put('2026-11-20', health)
    await assert.rejects(one.wipe(), { code: 'unsent-work' })
    for (const each of [one, two]) await each.close()
  })

  test(`${name}: sent work may go; a tab that stays open brings nothing back`, async () => {
    const database = newDatabase()
    const one = await open({ database, fetch: accepting })
    const stale = await open({ database, fetch: accepting })
    for (const day of ['2026-11-20', '2026-11-21']) await one.collection('health').put(day, health)
    await one.sync()
    await stale.sync()
    await one.wipe()
    const fresh = await open({ database })
    // as many segments as there were before, so that the numbers alone tell nothing
    for (let i = 10; i < 20; i++) await fresh.collection('health').put(`2026-10-${i}`, health)
    await assert.rejects(stale.collection('health').put('2026-11-22', health), {
      ...{ code: 'storage-lost', message: /cleared/ },
    })
    assert.equal(stale.status().storage, 'failing')
    assert.equal(fresh.collection('health').size, 10)
    for (const each of [stale, fresh]) await each.close()
    const later = await open({ database })
    assert.equal(later.collection('health').size, 10)
    await later.close()
  })

  test(`${name}: without a session nobody's data opens after a wipe`, async () => {
    const database = newDatabase()
    const client = await open({ database })
    await client.wipe()
    const nobody = await open({ database, auth: async () => null })
    assert.equal(nobody.userId, null)
    await nobody.close()
  })
}
