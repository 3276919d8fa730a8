// Several contexts (tabs, a worker) over one database, all of them pushing: nothing twice, nothing lost. What a
// browser adds to it (locks, channels, kills) is not tested here.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, test } from 'node:test'
import { allRows, settle, startWorld } from '../support/world.js'

/** @type {import('../support/world.js').World} */
let world
before(async () => {
  world = await startWorld()
})
afterEach(() => world.proxy.reset())
after(() => world.stop())

const path = '/rpc/sync'

/** @param {import('../support/world.js').User} user @param {number} count */
async function contexts(user, count) {
  const database = `contexts-${randomUUID()}`
  return Promise.all(Array.from({ length: count }, () => world.device(user, { database })))
}

/** @param {string} userId */
async function total(userId) {
  const [row] = await world.server.sql(
    'select total_completions from public.user_progress where user_id = $1',
    [userId],
  )
  return row.total_completions
}

test('three contexts increment one row three times each, and all push: +9', async () => {
  const user = await world.newUser()
  const tabs = await contexts(user, 3)
  const elsewhere = await world.device(user)
  await elsewhere.collection('progress').put('self', { totalCompletions: 10 })
  await settle(elsewhere, ...tabs)
  for (let round = 0; round < 3; round++) {
    await Promise.all(
      tabs.map((tab) => tab.collection('progress').increment('self', 'totalCompletions')),
    )
    await Promise.all(tabs.map((tab) => tab.sync()))
  }
  await settle(...tabs, elsewhere)
  for (const each of [...tabs, elsewhere]) {
    assert.equal(each.collection('progress').get('self')?.totalCompletions, 19)
    assert.equal(each.status().pending, 0)
  }
  assert.equal(await total(user.id), 19)
})

test('both push one outbox, and both receive the conflict', async () => {
  const user = await world.newUser()
  const [one, two] = await contexts(user, 2)
  const elsewhere = await world.device(user)
  const id = randomUUID()
  await elsewhere.collection('logs').put(id, { category: 'chat', content: 'first', metadata: {} })
  await elsewhere.collection('progress').put('self', { totalCompletions: 1 })
  await settle(elsewhere, one, two)
  await elsewhere.collection('logs').patch(id, { metadata: { by: 'elsewhere' } })
  await elsewhere.collection('progress').increment('self', 'totalCompletions', 1, {
    completedDays: ['2026-11-20'],
  })
  await elsewhere.sync()
  await one.collection('logs').patch(id, { content: 'second' })
  await one.collection('progress').increment('self', 'totalCompletions', 1, {
    completedDays: ['2026-11-21'],
  })
  await two.collection('progress').increment('self', 'totalCompletions', 1)
  world.proxy.next(path, { latencyMs: 60 })
  world.proxy.next(path, { latencyMs: 60, dropResponse: true })
  const done = await Promise.allSettled([one.sync(), two.sync()])
  assert.ok(done.some((each) => each.status === 'fulfilled'))
  await settle(one, two, elsewhere)
  for (const each of [one, two, elsewhere]) {
    const progress = each.collection('progress').get('self')
    assert.deepEqual([progress?.totalCompletions, progress?.complianceStreak], [4, 2])
    const log = each.collection('logs').get(id)
    assert.deepEqual([log?.content, log?.metadata], ['second', { by: 'elsewhere' }])
  }
  assert.equal(await total(user.id), 4)
})

test('contexts come and go in mid-sync: 60 writes of three, each arrives once', async () => {
  const user = await world.newUser()
  const database = `busy-${randomUUID()}`
  const faults = [{ dropResponse: true }, { offline: true }, { status: 503 }, {}]
  /** @type {string[]} */
  const written = []
  for (let round = 0; round < 5; round++) {
    const tabs = await Promise.all(
      Array.from({ length: 3 }, () => world.device(user, { database })),
    )
    await Promise.all(
      tabs.map(async (tab) => {
        for (let i = 0; i < 4; i++) {
          const id = randomUUID()
          await tab.collection('logs').put(id, { category: 'chat', content: id, metadata: {} })
          await tab.collection('progress').increment('self', 'totalCompletions')
          written.push(id)
          const fault = faults[(round + i) % faults.length]
          if (Object.keys(fault).length > 0) world.proxy.next(path, fault)
          tab.sync().catch(() => {})
        }
      }),
    )
    await Promise.all(tabs.map((tab) => tab.close()))
  }
  world.proxy.reset()
  const last = await world.device(user, { database })
  const elsewhere = await world.device(user)
  await settle(last, elsewhere)
  assert.deepEqual(allRows(last), allRows(elsewhere))
  assert.deepEqual([...elsewhere.collection('logs').keys()].sort(), written.sort())
  assert.equal(elsewhere.collection('progress').get('self')?.totalCompletions, 60)
  const [{ count }] = await world.server.sql(
    'select count(*)::int as count from public.sovereign_logs where user_id = $1',
    [user.id],
  )
  assert.equal(count, 60)
})

test('one entry under two keys, made on two devices: one row, read under both', async () => {
  const user = await world.newUser()
  const [a, b] = [await world.device(user), await world.device(user)]
  await settle(a, b)
  const [one, two] = [randomUUID(), randomUUID()]
  const entry = (/** @type {string} */ content, /** @type {object} */ more) => ({
    ...{ category: 'journal', content },
    metadata: { journalId: 'journal-7', ...more },
  })
  await a.collection('logs').put(one, entry('mine', { mood: 'calm' }))
  await b.collection('logs').put(two, entry('mine', { insights: 'many' }))
  await settle(a, b)
  assert.deepEqual(allRows(a), allRows(b))
  for (const key of [one, two]) {
    assert.deepEqual(b.collection('logs').get(key)?.metadata, {
      ...{ journalId: 'journal-7', mood: 'calm', insights: 'many' },
    })
  }
  // What an older version of the app stored under a random id is met the same way.
  const old = randomUUID()
  await user.client.from('sovereign_logs').insert({
    ...{ id: old, category: 'chat', content: 'by the old app', metadata: { messageId: 'm-1' } },
  })
  const mine = randomUUID()
  const message = { category: 'chat', content: 'by the new app', metadata: { messageId: 'm-1' } }
  await a.collection('logs').put(mine, message)
  await settle(a, b)
  assert.equal(a.collection('logs').size, 2)
  assert.equal(a.collection('logs').get(mine)?.id, old)
  assert.equal(b.collection('logs').get(old)?.content, 'by the new app')
})
