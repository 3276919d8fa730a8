// When folding begins: in a quiet moment after a write, or when nobody may be waited for any longer.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Folding } from '../../js/folding.js'

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
  while (begun.length === 0) await pause(20)
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
