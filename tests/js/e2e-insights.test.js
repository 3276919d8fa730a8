// Insights of two devices of one person, through a real server: they end equal and then stay still.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { stateOf } from '../../js/client.js'
import { answerArchetype } from '../../js/insights/archetype.js'
import { allRows, settle, startWorld } from '../support/world.js'

/** @type {import('../support/world.js').World} */
let world
before(async () => {
  world = await startWorld()
})
after(() => world.stop())

/** @param {string} entryType @param {number} hoursAgo */
const log = (entryType, hoursAgo) => ({
  ...{ category: 'sovereign', content: entryType, metadata: { entryType, energyLevel: 5 } },
  createdAt: new Date(Date.now() - hoursAgo * 3_600_000).toISOString(),
})

/** Looks now, instead of two seconds later. @param {...any} devices */
async function look(...devices) {
  for (const each of devices) {
    while (!stateOf(each).insights) await new Promise((resolve) => setTimeout(resolve, 5))
    await stateOf(each).insights?.run()
  }
}

/** @param {any} device @param {number} count */
async function write(device, count) {
  const types = ['Win', 'Urge/Symptom', 'Leak/Drain', 'Kata Performed']
  for (let n = 0; n < count; n++) {
    await device.collection('logs').put(randomUUID(), log(types[n % types.length], n * 7))
  }
}

async function pair() {
  const user = await world.newUser()
  const a = await world.device(user, { insights: true })
  const b = await world.device(user, { insights: true })
  await settle(a, b)
  return { a, b, user }
}

test('two devices in one zone: equal patterns, and then nobody writes any more', async () => {
  const { a, b, user } = await pair()
  await write(a, 7)
  await write(b, 6)
  await look(a, b)
  await settle(a, b)
  await look(a, b)
  await settle(a, b)
  for (const each of [a, b]) {
    assert.equal(each.collection('path').get('self')?.patterns.totals.entries, 13)
  }
  assert.deepEqual(allRows(a), allRows(b))
  for (let round = 0; round < 3; round++) {
    await look(a, b)
    for (const each of [a, b]) {
      assert.equal(each.status().pending, 0)
      const { pushed } = await each.sync()
      assert.equal(pushed, 0)
    }
  }
  const fresh = await world.device(user, { insights: true })
  await fresh.sync()
  await look(fresh)
  assert.equal(fresh.status().pending, 0, 'a fresh device computes the same')
  assert.deepEqual([...a.errors, ...b.errors, ...fresh.errors], [])
})

test('one writes, the other reads: one write of patterns per change', async () => {
  const { a, b } = await pair()
  await write(a, 3)
  await look(a)
  await a.sync()
  await b.sync()
  await look(b)
  assert.equal(b.status().pending, 0)
  assert.equal(b.collection('path').get('self')?.patterns.totals.entries, 3)
})

test('archetypeDue counts the entries of all devices; answered on both, kept once', async () => {
  const { a, b } = await pair()
  /** @type {any[]} */
  const told = []
  for (const each of [a, b]) each.on('archetypeDue', (detail) => told.push(detail))
  await write(a, 6)
  await write(b, 6)
  await look(a, b)
  assert.deepEqual(told, [])
  await settle(a, b)
  await look(a, b)
  await look(a, b)
  const due = { entries: 12, since: 0 }
  assert.deepEqual(told, [due, due], 'once on each')
  await answerArchetype(a, { archetype: 'Sage', ...due })
  await answerArchetype(b, { archetype: 'Sage', ...due })
  await settle(a, b)
  await look(a, b)
  for (const each of [a, b]) {
    assert.equal(each.collection('logs').list({ where: { category: 'archetype' } }).length, 1)
    assert.equal(each.collection('path').get('self')?.archetypeAnalysis.entries, 12)
  }
  await write(a, 8)
  await look(a)
  await settle(a, b)
  await look(a, b)
  assert.deepEqual(told.slice(2), [
    { entries: 20, since: 12 },
    { entries: 20, since: 12 },
  ])
  assert.deepEqual([...a.errors, ...b.errors], [])
})
