// Owns keeping something made of a collection's rows up to date: all rows at first, in slices that do not
// hold up a page, and what changed before each use. Knows neither what is made nor of what.

/** Rows between two pauses. */
const sliceRows = 500

/**
 * @param {import('../rows.js').Rows} rows
 * @param {(keys: string[]) => void | Promise<void>} take these rows are there, read differently or are gone
 */
export function following(rows, take) {
  /** @type {Set<string>} */
  let changed = new Set(rows.keys())
  const stop = rows.listeners.add((keys) => {
    for (const key of keys) changed.add(key)
  })
  /** @type {Promise<void> | null} */
  let running = null

  async function run() {
    while (changed.size > 0) {
      const keys = [...changed]
      changed = new Set()
      for (let at = 0; at < keys.length; at += sliceRows) {
        await take(keys.slice(at, at + sliceRows))
        if (at + sliceRows < keys.length) await new Promise((resolve) => setTimeout(resolve, 0))
      }
    }
  }

  return {
    /** Resolves when everything that changed before the call was taken. */
    async current() {
      // one that is under way may have begun before the last change
      while (running || changed.size > 0) {
        running ??= run().finally(() => {
          running = null
        })
        await running
      }
    },
    stop,
  }
}
