// Owns what a facet, "path=value", is inside the index: 64 bits. Two facets of one hash would be taken
// for one; among a million different ones that happens once in 37 million times.

/**
 * Two multiplications a character, each half with its own constants, and each half mixed into the other
 * at the end (the construction is known as cyrb53, here with all of its 64 bits).
 * @param {string} text
 * @param {Uint32Array} out
 * @param {number} at where the lower half goes; the upper one after it
 */
export function hashFacet(text, out, at) {
  let low = 0xdeadbeef
  let high = 0x41c6ce57
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    low = Math.imul(low ^ code, 2654435761)
    high = Math.imul(high ^ code, 1597334677)
  }
  out[at] = mixed(low) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  out[at + 1] = mixed(high) ^ Math.imul(low ^ (low >>> 13), 3266489909)
}

/** @param {number} half */
const mixed = (half) => Math.imul(half ^ (half >>> 16), 2246822507)
