// Owns what a number of completions that an app reports means: how many more than it reported before. A report is
// never compared with the row alone, which may hold completions of other devices that the app has not seen.

import { shadowOf } from './shadow.js'

const place = 'progress/self/totalCompletions'
const fetchedPlace = `${place}/fetched`

/** The app asked for the total. Whether its store took it shows in what it reports next. @param {object} client @param {number} total */
export function gaveTotal(client, total) {
  shadowOf(client).set(fetchedPlace, total)
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
  const known = { before: shadow.get(place), fetched: shadow.get(fetchedPlace) }
  const change =
    changeSince(known, totalCompletions) ??
    firstChange(row, { lastCompletedDate, totalCompletions })
  shadow.set(place, totalCompletions)
  shadow.delete(fetchedPlace)
  try {
    if (change > 0 && row) await progress.increment('self', 'totalCompletions', change, days)
    else if (change === 0 && row) await progress.patch('self', days)
    else await progress.put('self', { ...days, totalCompletions })
  } catch (error) {
    restore(shadow, place, known.before)
    restore(shadow, fetchedPlace, known.fetched)
    throw error
  }
}

/** @param {Map<string, number>} shadow @param {string} at @param {number | undefined} total */
function restore(shadow, at, total) {
  if (total === undefined) shadow.delete(at)
  else shadow.set(at, total)
}

/**
 * Undefined: a total below the fetched one says nothing. It was lowered, or it is of a store that did not take it.
 * @param {{ before: number | undefined, fetched: number | undefined }} known
 * @param {number} total
 */
function changeSince({ before, fetched = before }, total) {
  if (fetched === undefined) return undefined
  if (total >= fetched) return total - fetched
  return fetched === before ? total - before : undefined
}

/**
 * Of a report with nothing to compare it with, which may come from a store that never heard of what other devices did:
 * a day that is new is at least one completion.
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
