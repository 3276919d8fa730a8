// Owns names made of names: the same input gives the same UUID on every device. Needs a secure context, as
// everything that hashes in a browser does.

const encoder = new TextEncoder()

/**
 * UUID version 5.
 * @param {string} space a UUID
 * @param {string} name
 * @returns {Promise<string>}
 */
export async function uuidV5(space, name) {
  const bytes = encoder.encode(name)
  const ids = space.replaceAll('-', '').match(/../g) ?? []
  const both = new Uint8Array(ids.length + bytes.length)
  both.set(ids.map((byte) => Number.parseInt(byte, 16)))
  both.set(bytes, ids.length)
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-1', both)).subarray(0, 16)
  hash[6] = (hash[6] & 0x0f) | 0x50
  hash[8] = (hash[8] & 0x3f) | 0x80
  const text = hex(hash)
  const ends = [8, 12, 16, 20, 32]
  return [0, 8, 12, 16, 20].map((from, i) => text.slice(from, ends[i])).join('-')
}

/** @param {string} text @returns {Promise<string>} in hex */
export async function sha256(text) {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', encoder.encode(text))))
}

/** @param {Uint8Array} bytes */
function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
