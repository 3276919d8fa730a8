// Owns what a number of completions that an app reports means: how many more than it reported before. A report is
// never compared with the row alone, which may hold completions of other devices that the app has not seen.

/**
 * The total that each client's app was last known to have.
 * @type {WeakMap<object, number>}
 */
const shadows = new WeakMap()

/** The app saw this total. @param {object} client @param {number} total */
export function sawTotal(client, total) {
  shadows.set(client, total)
}

/**
 * @param {import('../client.js').SyncClient<any>} client
 * @param {import('./types.js').UserProgress} progress
 * @returns {Promise<void>}
 */
export async function reportProgress(
  client,
  { complianceStreak, lastCompletedDate, totalCompletions },
) {
  const progress = client.collection('progress')
  const days = { complianceStreak, lastCompletedDate: lastCompletedDate ?? undefined }
  const row = progress.get('self')
  const before = shadows.get(client)
  const change =
    before === undefined
      ? firstChange(row, { lastCompletedDate, totalCompletions })
      : totalCompletions - before
  shadows.set(client, totalCompletions)
  try {
    if (change > 0 && row) await progress.increment('self', 'totalCompletions', change, days)
    else if (change === 0 && row) await progress.patch('self', days)
    else await progress.put('self', { ...days, totalCompletions })
  } catch (error) {
    if (before === undefined) shadows.delete(client)
    else shadows.set(client, before)
    throw error
  }
}

/**
 * Of the first report of this context, which may come from a store that never heard of what other devices did: a day
 * that is new is at least one completion.
 * @param {any} row
 * @param {{ lastCompletedDate: string | null, totalCompletions: number }} told
 */
function firstChange(row, { lastCompletedDate, totalCompletions }) {
  if (!row) return totalCompletions
  const more = totalCompletions - (row.totalCompletions ?? 0)
  const ranges = Array.isArray(row.completedDays) ? row.completedDays : []
  const isKnown = ranges.some(
    (/** @type {[string, string]} */ [first, last]) =>
      lastCompletedDate && first <= lastCompletedDate && lastCompletedDate <= last,
  )
  return Math.max(more, lastCompletedDate && !isKnown ? 1 : 0)
}
