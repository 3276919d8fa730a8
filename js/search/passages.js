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
  return join(split(text.trim(), most, 0), most)
}

const boundaries = [/(?<=\n\s*\n)/, /(?<=\n)/, /(?<=[.!?…。]\s)/u, /(?<=\s)/]

/** @param {string} text @param {number} most @param {number} level @returns {string[]} */
function split(text, most, level) {
  if (text.length <= most) return [text]
  if (level === boundaries.length) return letters(text, most)
  return text.split(boundaries[level]).flatMap((part) => split(part, most, level + 1))
}

/** Never between the two halves of one letter. @param {string} text @param {number} most */
function letters(text, most) {
  const parts = []
  let part = ''
  for (const letter of text) {
    if (part.length + letter.length > most) {
      parts.push(part)
      part = ''
    }
    part += letter
  }
  return [...parts, part]
}

/** Short parts together, as long as they fit. @param {string[]} parts @param {number} most */
function join(parts, most) {
  /** @type {string[]} */
  const passages = []
  let passage = ''
  for (const part of parts) {
    if (passage.length + part.length > most) {
      passages.push(passage)
      passage = ''
    }
    passage += part
  }
  passages.push(passage)
  return passages.map((each) => each.trim()).filter((each) => each !== '')
}
