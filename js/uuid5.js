// Owns names that every device makes alike: UUIDs of version 5. Knows nothing of what they name.

const encoder = new TextEncoder()

/**
 * @param {string} space a UUID
 * @param {string} name
 * @returns {Promise<string>} in lower case
 */
export async function uuid5(space, name) {
  const bytes = Uint8Array.from(space.replaceAll('-', '').match(/../g) ?? [], (byte) =>
    Number.parseInt(byte, 16),
  )
  const text = encoder.encode(name)
  const both = new Uint8Array(bytes.length + text.length)
  both.set(bytes)
  both.set(text, bytes.length)
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-1', both)).subarray(0, 16)
  hash[6] = (hash[6] & 0x0f) | 0x50
  hash[8] = (hash[8] & 0x3f) | 0x80
  const digits = hex(hash)
  return [0, 8, 12, 16, 20].map((from, i) => digits.slice(from, [8, 12, 16, 20, 32][i])).join('-')
}

/** @param {Uint8Array} bytes */
export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
