// Owns how a long text becomes passages that an embedding model reads whole. Pure functions.

/** About 300 tokens; bge reads 512. */
const lettersMost = 1200

/**
 * In order, none empty, each at most `most` letters, cut at the largest boundary there is: paragraphs,
 * lines, sentences, words, letters.
 * @param {string} text
 * @param {number} [most]
 * @returns {string[]}
 */
export function passagesOf(text, most = lettersMost) {
  return packed(split(text.trim(), most, 0), most)
    .map((each) => each.trim())
    .filter((each) => each !== '')
}

const boundaries = [/(?<=\n\s*\n)/, /(?<=\n)/, /(?<=[.!?…。]\s)/u, /(?<=\s)/]

/** @param {string} text @param {number} most @param {number} level @returns {string[]} */
function split(text, most, level) {
  if (text.length <= most) return [text]
  // a text is iterated by whole letters, never between the two halves of one
  if (level === boundaries.length) return packed(text, most)
  return text.split(boundaries[level]).flatMap((part) => split(part, most, level + 1))
}

/** Short parts together, as long as they fit. @param {Iterable<string>} parts @param {number} most */
function packed(parts, most) {
  /** @type {string[]} */
  const packs = []
  let pack = ''
  for (const part of parts) {
    if (pack.length + part.length > most) {
      packs.push(pack)
      pack = ''
    }
    pack += part
  }
  return [...packs, pack]
}
