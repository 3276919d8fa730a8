// Owns the names of embeddings: the same text of the same row has the same id on every device, so that
// whoever makes it twice makes one row.

import { hex, uuid5 } from '../uuid5.js'

const encoder = new TextEncoder()

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
  const sum = hex(new Uint8Array(await crypto.subtle.digest('SHA-256', encoder.encode(text))))
  return uuid5(userId, `${collection}/${key}#${passage}/${model}/${sum}`)
}
