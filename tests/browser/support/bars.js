// Owns how a time that was measured on a machine shared with others is held against its bar: told as it is, and a
// failure only from three times the bar on.

import assert from 'node:assert/strict'

/**
 * @param {{ diagnostic(text: string): void }} t
 * @param {string} what took so long
 * @param {number} ms
 * @param {number} bar in ms
 */
export function holdAgainst(t, what, ms, bar) {
  t.diagnostic(`${what} ${ms} ms (bar ${bar})`)
  assert.ok(ms <= 3 * bar, `${what} ${ms} ms, three times the bar is ${3 * bar}`)
}
