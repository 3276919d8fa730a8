// Loads @supabase/lite, the PostgREST and GoTrue stand-in, and confines what it does to the whole
// process: it replaces process.emitWarning (with a version that throws when given an Error), prints
// every database error to the console, and spends 100 ms of bcrypt on each password.
// Knows nothing about databases, servers or our schema.

import { AsyncLocalStorage } from 'node:async_hooks'

const { emitWarning } = process
export const { App } = await import('@supabase/lite')
export const { createPgliteConnection } = await import('@supabase/lite/pglite')
process.emitWarning = emitWarning

// The passwords here are public test data, and tests sign in all the time.
process.env.LITE_AUTH_BCRYPT_COST ??= '4'

/** @typedef {(line: string) => void} Log */

/** @type {AsyncLocalStorage<Log>} */
const logOfThisTask = new AsyncLocalStorage()

/** @param {unknown} value */
function oneLine(value) {
  if (typeof value !== 'object' || value === null) return String(value)
  return 'message' in value ? String(value.message) : JSON.stringify(value)
}

for (const method of /** @type {const} */ (['error', 'warn', 'info', 'log'])) {
  const original = console[method]
  /** @param {unknown[]} values */
  console[method] = (...values) => {
    const log = logOfThisTask.getStore()
    if (log) log(values.map(oneLine).join(' '))
    else original.apply(console, values)
  }
}

/**
 * Runs work with everything that it prints sent to `log`. Other code that prints meanwhile is not
 * affected, so that several servers and a test reporter can share one process.
 * @template T
 * @param {Log} log
 * @param {() => Promise<T>} work
 */
export function printingTo(log, work) {
  return logOfThisTask.run(log, work)
}
