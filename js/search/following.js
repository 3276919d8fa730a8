// Owns keeping something made of a collection's rows up to date: all rows at first, in slices that do not
// hold up a page, and what changed before each use. Knows neither what is made nor of what.

import { idleTimeout } from '../within.js'

/** Rows between two pauses. */
const sliceRows = 500
/** Soon, because what is in memory now may only be on the disk later. */
const soonMs = 50

/**
 * @param {import('../rows.js').Rows} rows
 * @param {(keys: string[]) => void | Promise<void>} take these rows are there, read differently or are gone
 * @param {{ isEager?: boolean }} [options] isEager: what changed is taken soon, also before it is used
 */
export function following(rows, take, { isEager = false } = {}) {
  /** @type {Set<string>} */
  let changed = new Set(rows.keys())
  let isStopped = false
  const stop = rows.followers.add((keys) => {
    if (isEager && changed.size === 0) idleTimeout(() => current().catch(() => {}), soonMs)
    for (const key of keys) changed.add(key)
  })
  /** @type {Promise<void> | null} */
  let running = null

  async function run() {
    while (changed.size > 0 && !isStopped) {
      const keys = [...changed]
      changed = new Set()
      for (let at = 0; at < keys.length; at += sliceRows) {
        await take(keys.slice(at, at + sliceRows))
        if (at + sliceRows < keys.length) await new Promise((resolve) => setTimeout(resolve, 0))
      }
    }
  }

  /** Resolves when everything that changed before the call was taken. */
  async function current() {
    // one that is under way may have begun before the last change
    while (running || (changed.size > 0 && !isStopped)) {
      running ??= run().finally(() => {
        running = null
      })
      await running
    }
  }

  return {
    current,
    stop() {
      isStopped = true
      stop()
    },
  }
}
