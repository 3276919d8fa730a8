// Owns the names of embeddings: the same text of the same row has the same id on every device, so that
// whoever makes it twice makes one row.

import { sha256, uuidV5 } from '../uuid-v5.js'

/**
 * UUID version 5 of the user, the source row, the passage, the model and the text.
 * @param {object} of
 * @param {string} of.userId
 * @param {string} of.collection
 * @param {string} of.key
 * @param {number} of.passage
 * @param {string} of.model
 * @param {string} of.text
 * @returns {Promise<string>}
 */
export async function embeddingId({ userId, collection, key, passage, model, text }) {
  return uuidV5(userId, `${collection}/${key}#${passage}/${model}/${await sha256(text)}`)
}
