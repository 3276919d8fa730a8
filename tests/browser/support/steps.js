// What must hold of steps (../fixture/context.js) after any accident, and the acknowledgements that reached the
// test before it. Knows no browser.

import assert from 'node:assert/strict'

/** @typedef {{ writers: Record<number, { steps: number[], own: number }>, torn: string[], total: number }} Seen */

/** @param {number} from @param {number} to */
export const numbers = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

/**
 * No acknowledged step is lost, none is torn: its three writes are there or none of them; none is there twice, none
 * before an earlier one of the same writer.
 * @param {Seen} seen
 * @param {{ writer: number, step: number }[]} acknowledged
 */
export function checkSteps({ writers, torn, total }, acknowledged) {
  assert.deepEqual(torn, [], 'rows are as they were written')
  let sum = 0
  for (const [writer, { steps, own }] of Object.entries(writers)) {
    assert.deepEqual(steps, numbers(1, steps.length), `the steps of writer ${writer} have no gap`)
    assert.equal(own, steps.length, `the own row of writer ${writer} is of its last step`)
    sum += steps.length
  }
  assert.equal(total, sum, 'the shared counter has every step once')
  const lost = acknowledged.filter(({ writer, step }) => !writers[writer]?.steps.includes(step))
  assert.deepEqual(lost, [], 'no acknowledged step is lost')
}
