// Owns a UUID's way from text to bytes and back. Knows nothing of what it names.

const hyphen = 45
const hyphens = [8, 13, 18, 23]

/** By character code; 255: none. */
const digits = new Uint8Array(128).fill(255)
for (let i = 0; i < 16; i++) {
  const digit = i.toString(16)
  digits[digit.charCodeAt(0)] = i
  digits[digit.toUpperCase().charCodeAt(0)] = i
}
const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/**
 * @param {string} text a UUID in any case
 * @param {Uint8Array} bytes
 * @param {number} at where its 16 bytes go
 * @returns {boolean} false: it is none, and the bytes are undefined
 */
export function writeUuid(text, bytes, at) {
  if (typeof text !== 'string' || text.length !== 36) return false
  for (const place of hyphens) if (text.charCodeAt(place) !== hyphen) return false
  let invalid = 0
  for (let i = 0, from = 0; i < 16; i++, from += 2) {
    if (from === 8 || from === 13 || from === 18 || from === 23) from++
    // beyond ASCII there is no digit: `undefined | x` would be x
    const high = digits[text.charCodeAt(from)] ?? 255
    const low = digits[text.charCodeAt(from + 1)] ?? 255
    invalid |= high | low
    bytes[at + i] = (high << 4) | low
  }
  return invalid < 16
}

/** @param {Uint8Array} bytes @param {number} at @returns {string} in lower case */
export function readUuid(bytes, at) {
  let text = ''
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) text += '-'
    text += hex[bytes[at + i]]
  }
  return text
}
