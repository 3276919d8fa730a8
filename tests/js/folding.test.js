// When folding begins: in a quiet moment after a write, or when nobody may be waited for any longer.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Folding } from '../../js/folding.js'
import { until } from '../support/open-client.js'

const quietMs = 300

/** @param {() => boolean} isOverdue */
function start(isOverdue) {
  let last = 0
  /** @type {number[]} when it began, in ms after the last write */
  const begun = []
  const rows = () => {
    begun.push(performance.now() - last)
    return null // nothing is folded
  }
  const disk = { isFoldDue: () => true, isFoldOverdue: isOverdue }
  const folding = new Folding(/** @type {any} */ ({ rows }), /** @type {any} */ (disk))
  const write = () => {
    last = performance.now()
    folding.consider()
  }
  return { begun, folding, write }
}

test('folding waits until nobody has written for a while', async () => {
  const { begun, folding, write } = start(() => false)
  for (let i = 0; i < 12; i++) {
    write()
    await pause(50)
  }
  await until(() => begun.length > 0)
  // a timer may be a fraction of a millisecond early
  assert.deepEqual(
    begun.filter((after) => after < quietMs - 1),
    [],
  )
  await folding.stop()
})

test('folding that is overdue waits for nobody', async () => {
  let isOverdue = false
  const { begun, folding, write } = start(() => isOverdue)
  write()
  isOverdue = true
  while (begun.length === 0) {
    write() // somebody writes all the time
    await pause(10)
  }
  await folding.stop()
})

test('folding that was stopped never begins', async () => {
  const { begun, folding, write } = start(() => false)
  write()
  await folding.stop()
  await pause(quietMs + 100)
  assert.deepEqual(begun, [])
})

for (const isKept of [true, false]) {
  const fate = isKept ? 'folded' : 'folded in vain'
  test(`what was written while it was ${fate} does not wait for the next write`, async () => {
    /** @type {(() => void)[]} */
    const ends = []
    const fold = () =>
      new Promise((resolve, reject) => {
        ends.push(isKept ? () => resolve(true) : () => reject(new Error('no room')))
      })
    const disk = { isFoldDue: () => true, isFoldOverdue: () => false, wantsWhole: () => false }
    const engine = {
      ...{ known: 1, rows: () => ({ all: 1, changed: 1 }) },
      ...{ beginSnapshot: () => true, endSnapshot: () => {} },
    }
    const folding = new Folding(/** @type {any} */ (engine), /** @type {any} */ ({ ...disk, fold }))
    folding.consider()
    await until(() => ends.length === 1)
    folding.consider() // a write, while the first is under way
    ends[0]()
    await until(() => ends.length === 2)
    ends[1]()
    await pause(quietMs + 200)
    assert.equal(ends.length, 2) // and nothing was written during the second
    await folding.stop()
  })
}
