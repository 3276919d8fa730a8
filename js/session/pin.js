// Owns what a device keeps of the app's PIN: a salted, slow hash, enough to check one and nothing to read
// it from. Knows no session.

const key = 'somatic-sync:pin'
/** What OWASP asks of PBKDF2 with SHA-256. */
const iterations = 600_000

/**
 * Who copies the database can still try all PINs of four digits, in hours: it is a screen lock, not
 * encryption.
 * @param {import('../storage/items.js').Items} items
 */
export function rememberedPin(items) {
  return {
    /** @param {string} pin */
    async remember(pin) {
      const salt = crypto.getRandomValues(new Uint8Array(16))
      const hash = await hashOf(pin, salt, iterations)
      await items.change(key, () => ({ salt, iterations, hash }))
    },
    /** @param {string} pin @returns {Promise<boolean | null>} null: none is remembered */
    async check(pin) {
      const kept = await items.read(key)
      if (!kept) return null
      const hash = await hashOf(pin, kept.salt, kept.iterations)
      return hash.every((byte, i) => byte === kept.hash[i])
    },
    async forget() {
      await items.change(key, () => null)
    },
  }
}

/** @param {string} pin @param {Uint8Array<ArrayBuffer>} salt @param {number} rounds */
async function hashOf(pin, salt, rounds) {
  const { subtle } = globalThis.crypto
  const given = await subtle.importKey('raw', new TextEncoder().encode(pin), 'PBKDF2', false, [
    'deriveBits',
  ])
  const algorithm = { name: 'PBKDF2', hash: 'SHA-256', salt, iterations: rounds }
  return new Uint8Array(await subtle.deriveBits(algorithm, given, 256))
}
