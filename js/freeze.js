// Owns turning the core's JSON text into values nobody can change. Knows nothing of their meaning.

/**
 * Freezes a JSON value and all it holds. No recursion: a pulled row may be nested deeper than the
 * stack.
 * @template T
 * @param {T} value
 * @returns {T} the same value
 */
export function deepFreeze(value) {
  /** @type {unknown[]} */
  const open = [value]
  while (open.length > 0) {
    const next = open.pop()
    if (typeof next !== 'object' || next === null) continue
    Object.freeze(next)
    for (const key of Object.keys(next)) {
      const member = /** @type {Record<string, unknown>} */ (next)[key]
      if (typeof member === 'object' && member !== null) open.push(member)
    }
  }
  return value
}
