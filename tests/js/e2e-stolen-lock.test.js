// The lock of who talks to the network is stolen in the middle of a push: both contexts send the same mutations, and
// both are told of a conflict. One replacement comes of it, applied once. Locks are made up; the rest is real.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { stateOf } from '../../js/client.js'
import { fakeLocks } from '../support/fake-locks.js'
import { until } from '../support/open-client.js'
import { settle, startWorld } from '../support/world.js'

/** @type {import('../support/world.js').World} */
let world
const navigator = Object.getOwnPropertyDescriptor(globalThis, 'navigator')
before(async () => {
  world = await startWorld()
})
after(async () => {
  if (navigator) Object.defineProperty(globalThis, 'navigator', navigator)
  await world.stop()
})

/**
 * A context that syncs by itself. Its requests wait at the `gate`, when there is one.
 * @param {import('../support/world.js').User} user @param {string} database @param {any} locks
 */
async function tab(user, database, locks) {
  Object.defineProperty(globalThis, 'navigator', { value: { locks }, configurable: true })
  /** @type {{ gate: Promise<void> | null, pushed: string[][], answers: any[][] }} */
  const wire = { gate: null, pushed: [], answers: [] }
  /** @type {typeof fetch} */
  const gated = async (url, init) => {
    const { push } = (await new Response(init?.body).json()).request
    wire.pushed.push(push.map((/** @type {any} */ one) => one.mid).sort())
    await wire.gate
    const response = await fetch(url, init)
    wire.answers.push((await response.clone().json()).answers)
    return response
  }
  const options = { database, autoSync: true, debounceMs: 10, fetch: gated }
  return Object.assign(await world.device(user, options), { wire })
}

/** @param {import('../support/world.js').Device} device */
const leaderOf = (device) => /** @type {any} */ (stateOf(device).parts.contexts)?.leader

test('the lock is stolen in mid-push, and both pushers receive the conflict', async () => {
  const user = await world.newUser()
  const { client } = fakeLocks()
  const database = `stolen-${randomUUID()}`
  const one = await tab(user, database, client())
  const two = await tab(user, database, client())
  const elsewhere = await world.device(user)
  const id = randomUUID()
  await elsewhere.collection('logs').put(id, { category: 'chat', content: 'first', metadata: {} })
  await elsewhere.collection('progress').put('self', { totalCompletions: 1 })
  await settle(elsewhere, one, two)
  await elsewhere.collection('logs').patch(id, { metadata: { by: 'elsewhere' } })
  await elsewhere
    .collection('progress')
    .increment('self', 'totalCompletions', 1, { completedDays: ['2026-11-20'] })
  await elsewhere.sync()
  assert.deepEqual([leaderOf(one).isLeading, leaderOf(two).isLeading], [true, false])

  let release = () => {}
  one.wire.gate = two.wire.gate = new Promise((resolve) => {
    release = () => resolve(undefined)
  })
  one.wire.pushed = []
  two.wire.pushed = []
  one.wire.answers = []
  two.wire.answers = []
  await one.batch(() => {
    one.collection('logs').patch(id, { content: 'second' })
    one
      .collection('progress')
      .increment('self', 'totalCompletions', 1, { completedDays: ['2026-11-21'] })
  })
  await until(() => one.wire.pushed.length === 1)
  leaderOf(two).steal()
  await until(() => two.wire.pushed.some((push) => push.length > 0), 10_000)
  assert.deepEqual([leaderOf(one).isLeading, leaderOf(two).isLeading], [false, true])
  const [sent] = one.wire.pushed
  assert.equal(sent.length, 2)
  assert.deepEqual(two.wire.pushed.at(-1), sent, 'the same mutations')
  release()

  await until(() => one.status().pending + two.status().pending === 0, 10_000)
  for (const { wire } of [one, two]) {
    const told = wire.answers.flat().filter((answer) => sent.includes(answer.mid))
    assert.deepEqual(
      told.map((answer) => answer.status),
      ['conflict', 'conflict'],
    )
  }
  const replacements = [...one.wire.pushed, ...two.wire.pushed].flat()
  assert.equal(new Set(replacements.filter((mid) => !sent.includes(mid))).size, 2)
  await settle(one, two, elsewhere)
  for (const each of [one, two, elsewhere]) {
    const progress = each.collection('progress').get('self')
    assert.deepEqual([progress?.totalCompletions, progress?.complianceStreak], [3, 2])
    const log = each.collection('logs').get(id)
    assert.deepEqual([log?.content, log?.metadata], ['second', { by: 'elsewhere' }])
  }
  const applied = await world.server.sql(
    'select mid from somatic_sync.ledger where user_id = $1 and mid = any ($2)',
    [user.id, replacements],
  )
  assert.equal(applied.length, 2)
})
