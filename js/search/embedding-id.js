// Owns the names of embeddings: the same text of the same row has the same id on every device, so that
// whoever makes it twice makes one row.

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
  const name = encoder.encode(`${collection}/${key}#${passage}/${model}/${sum}`)
  const space = Uint8Array.from(userId.replaceAll('-', '').match(/../g) ?? [], (byte) =>
    Number.parseInt(byte, 16),
  )
  const both = new Uint8Array(space.length + name.length)
  both.set(space)
  both.set(name, space.length)
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-1', both)).subarray(0, 16)
  hash[6] = (hash[6] & 0x0f) | 0x50
  hash[8] = (hash[8] & 0x3f) | 0x80
  const text16 = hex(hash)
  return [0, 8, 12, 16, 20].map((from, i) => text16.slice(from, [8, 12, 16, 20, 32][i])).join('-')
}

/** @param {Uint8Array} bytes */
function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
