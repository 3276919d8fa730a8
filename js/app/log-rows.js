// Owns how the app's entries become rows of `logs`: one id for each of the app's own ids, on every device. Pure but
// for the hash.

import { uuidV5 } from '../uuid-v5.js'

/** Category -> the member of metadata that carries the app's own id. */
export const ownIds = /** @type {const} */ ({
  chat: 'messageId',
  journal: 'journalId',
  sovereign: 'entryId',
  feedback: 'feedbackId',
})

/** @typedef {keyof typeof ownIds} Category */

/**
 * @param {string} userId
 * @param {Category} category
 * @param {Record<string, any>} entry `content` and `createdAt` are columns; all else, what is not known too, is
 *   metadata
 * @returns {Promise<{ key: string, row: Record<string, unknown> }>}
 */
export async function logRow(userId, category, entry) {
  const key = await uuidV5(userId, logName(category, entry.id))
  return { key, row: logFields(category, entry) }
}

/** Of which, with the user, the row's id is made. @param {Category} category @param {unknown} id the app's own */
export function logName(category, id) {
  return `${category}/${id}`
}

/** @param {Category} category @param {Record<string, any>} entry */
export function logFields(category, { id, content, createdAt, ...rest }) {
  const metadata = { ...rest, [ownIds[category]]: id }
  return { category, content, metadata, ...(createdAt === undefined ? {} : { createdAt }) }
}
