// The log of every write that was acknowledged, kept outside the engine as JSON lines, so that a
// judge who has never met the engine can say what must be on the server.

import { appendFileSync, readFileSync } from 'node:fs'

/**
 * One line: `before` is the row as the person saw it when writing.
 * @typedef {import('./month.js').Write & { device: string, user: string, at: number, before: any }} Line
 */

/** @param {string} path */
export function readWriteLog(path) {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  return lines.map((line) => /** @type {Line} */ (JSON.parse(line)))
}

/**
 * Makes writes on a client and logs each when its promise has resolved.
 * @param {object} options
 * @param {string} options.path
 * @param {string} options.device
 * @param {any} options.client
 */
export function loggedWriter({ path, device, client }) {
  let last = 0
  /** @param {import('./month.js').Write} write */
  return async (write) => {
    const { collection, key, op, fields, field, by } = write
    const rows = client.collection(collection)
    const before = rows.get(key) ?? null
    last = Math.max(Date.now(), last)
    const line = { device, user: client.userId, at: last, ...write, before }
    if (op === 'increment') await rows.increment(key, field, by, fields)
    else if (op === 'remove') await rows.remove(key)
    else await rows[op](key, fields)
    appendFileSync(path, `${JSON.stringify(line)}\n`)
  }
}
