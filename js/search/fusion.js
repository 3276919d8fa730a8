// Owns what is put before an assistant: answers of several searches made one, each text once, the best
// first. Pure functions.

/** @typedef {import('./search.js').Match} Match */

/** Reciprocal rank fusion's constant: how much the first places count more than the next. */
const rankDamping = 60
/** Of two texts' words this part in common: they say the same. */
const sameWords = 0.85
const separator = '\n\n'

/**
 * @param {object} given
 * @param {Match[][]} given.lists each best first
 * @param {number} given.maxChars
 * @param {number} given.limit
 * @param {(collection: string, key: string) => any} given.rowOf
 * @param {(row: any) => boolean} given.accepts the row that a text was taken from
 * @returns {{ text: string, matches: Match[] }}
 */
export function fused({ lists, maxChars, limit, rowOf, accepts }) {
  const chosen = []
  /** @type {Set<string>[]} */
  const said = []
  let length = 0
  for (const { match, at } of ranked(lists, rowOf, accepts)) {
    if (chosen.length === limit) break
    const passage = passageOf(match, at)
    const room = length + passage.length + (chosen.length > 0 ? separator.length : 0)
    const words = wordsOf(match.content)
    if (room > maxChars || said.some((other) => likeness(words, other) >= sameWords)) continue
    chosen.push({ match, passage })
    said.push(words)
    length = room
  }
  return {
    text: chosen.map(({ passage }) => passage).join(separator),
    matches: chosen.map(({ match }) => match),
  }
}

/**
 * @param {Match[][]} lists
 * @param {(collection: string, key: string) => any} rowOf
 * @param {(row: any) => boolean} accepts
 */
function ranked(lists, rowOf, accepts) {
  /** @type {Map<string, { match: Match, score: number, at: number }>} by source row */
  const found = new Map()
  for (const list of lists) {
    /** @type {Set<string>} of several passages of a row the best one counts */
    const met = new Set()
    for (const [rank, match] of list.entries()) {
      const place = `${match.collection}/${match.key}`
      if (met.has(place)) continue
      met.add(place)
      const score = 1 / (rankDamping + rank + 1)
      const known = found.get(place)
      if (known) {
        known.score += score
        continue
      }
      const row = rowOf(match.collection ?? '', match.key ?? '')
      if (!row || !accepts(row)) continue
      found.set(place, { match, score, at: Date.parse(row.createdAt ?? '') || 0 })
    }
  }
  const keyOf = (/** @type {{ match: Match }} */ { match }) => match.key ?? match.id
  return [...found.values()].sort(
    (a, b) => b.score - a.score || b.at - a.at || (keyOf(a) < keyOf(b) ? -1 : 1),
  )
}

/** @param {Match} match @param {number} at */
function passageOf({ content }, at) {
  const day = at > 0 ? `[${new Date(at).toISOString().slice(0, 10)}] ` : ''
  return day + content
}

/** @param {string} text */
function wordsOf(text) {
  return new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [])
}

/** Jaccard. @param {Set<string>} a @param {Set<string>} b */
function likeness(a, b) {
  let common = 0
  for (const word of a) if (b.has(word)) common += 1
  const all = a.size + b.size - common
  return all === 0 ? 1 : common / all
}
