// Owns what a number of completions that an app reports means: how many more than it reported before. A report is
// never compared with the row alone, which may hold completions of other devices that the app has not seen.

import { shadowOf } from './shadow.js'

const place = 'progress/self/totalCompletions'

/** The app saw this total. @param {object} client @param {number} total */
export function sawTotal(client, total) {
  shadowOf(client).set(place, total)
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
  const shadow = shadowOf(client)
  const before = shadow.get(place)
  const change =
    before === undefined
      ? firstChange(row, { lastCompletedDate, totalCompletions })
      : totalCompletions - before
  shadow.set(place, totalCompletions)
  try {
    if (change > 0 && row) await progress.increment('self', 'totalCompletions', change, days)
    else if (change === 0 && row) await progress.patch('self', days)
    else await progress.put('self', { ...days, totalCompletions })
  } catch (error) {
    if (before === undefined) shadow.delete(place)
    else shadow.set(place, before)
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
