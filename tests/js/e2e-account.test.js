// deleteAccount(): nothing of the user stays on the server or here; another device drops its copy; nobody else notices.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { somaticSchema } from '../../js/index.js'
import { made, write } from '../support/odd-rows.js'
import { settle, startWorld, synced } from '../support/world.js'

/** @type {import('../support/world.js').World} */
let world
before(async () => {
  world = await startWorld()
})
after(() => world.stop())

const log = (/** @type {string} */ content) => ({ category: 'chat', content, metadata: {} })

/** In all nine tables. @param {string} userId */
async function rowsOnServer(userId) {
  const tables = synced.map((name) => /** @type {any} */ (somaticSchema.collections)[name].table)
  const counts = tables.map(
    (table) => `(select count(*)::int from public.${table} where user_id = $1)`,
  )
  const [{ rows }] = await world.server.sql(`select ${counts.join(' + ')} as rows`, [userId])
  return rows
}

test('the account goes, here, on the server and on the other device; another user stays', async () => {
  const [leaving, staying] = [await world.newUser(), await world.newUser()]
  const database = `leaving-${randomUUID()}`
  const [a, b] = [await world.device(leaving, { database }), await world.device(leaving)]
  const other = await world.device(staying)
  for (const device of [a, other]) {
    await device.collection('logs').put(randomUUID(), log('mine'))
    await device.collection('progress').increment('self', 'totalCompletions')
  }
  await write(a, 'put', made)
  await settle(a, b, other)
  assert.equal(await rowsOnServer(leaving.id), 12, 'rows in every table')
  await a.collection('logs').put(randomUUID(), log('never sent'))
  await b.collection('logs').put(randomUUID(), log('not sent yet'))
  await a.deleteAccount()
  assert.equal(a.status().state, 'closed')
  assert.equal(await rowsOnServer(leaving.id), 0)
  assert.equal(await rowsOnServer(staying.id), 2)
  const again = await world.device(leaving, { database })
  for (const name of synced) {
    assert.equal(again.collection(/** @type {any} */ (name)).size, 0, name)
  }
  await b.sync()
  const left = b.collection('logs').list()
  assert.deepEqual(
    left.map(({ content }) => content),
    ['not sent yet'],
    'what was acknowledged goes; an unsent edit of another device is not dropped silently',
  )
})

test('given up by closing, before anything was asked of the server: nothing is removed', async () => {
  const user = await world.newUser()
  const device = await world.device(user)
  await device.collection('logs').put(randomUUID(), log('mine'))
  await device.sync()
  device.collection('logs').put(randomUUID(), log('not durable yet'))
  const deleted = device.deleteAccount()
  const closed = device.close()
  await assert.rejects(deleted, { code: 'closed' })
  await closed
  assert.equal(await rowsOnServer(user.id), 1)
})

test('offline nothing is removed', async () => {
  const user = await world.newUser()
  const device = await world.device(user)
  await device.collection('logs').put(randomUUID(), log('mine'))
  await device.sync()
  world.proxy.offline()
  try {
    await assert.rejects(device.deleteAccount(), { code: 'offline' })
  } finally {
    world.proxy.offline(false)
  }
  assert.equal(device.collection('logs').size, 1)
  assert.equal(await rowsOnServer(user.id), 1)
  await device.collection('logs').put(randomUUID(), log('goes on'))
  await device.sync()
  assert.equal(await rowsOnServer(user.id), 2)
})
