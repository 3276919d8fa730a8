// Owns which rows get embeddings, and what of them: the schema's `embed` rules applied to a row. Pure
// functions.

import { passagesOf } from './passages.js'

/** @typedef {import('../schema.js').EmbedRule} EmbedRule */

/** What is embedded of every row, when asked for. */
const everything = { when: /** @type {const} */ ('always'), text: ['content', 'metadata.insights'] }

/**
 * The passages of a row; none when the rule does not apply.
 * @param {any} row
 * @param {EmbedRule | undefined} rule
 * @param {boolean} isAll
 * @returns {string[]}
 */
export function passagesIn(row, rule, isAll) {
  const asked = rule && applies(rule.when, row) ? rule : isAll ? everything : null
  if (!asked) return []
  const texts = asked.text.map((path) => at(row, path)).filter((text) => typeof text === 'string')
  return passagesOf(texts.join('\n\n'))
}

/** @param {EmbedRule['when']} when @param {any} row @returns {boolean} */
function applies(when, row) {
  if (when === 'always') return true
  if (Array.isArray(when.any)) return when.any.some((each) => applies(each, row))
  return Object.entries(when).every(([path, wanted]) => {
    const value = at(row, path)
    if (wanted === '*') return value !== null && value !== undefined && value !== ''
    return Array.isArray(wanted) ? wanted.includes(value) : value === wanted
  })
}

/** @param {any} row @param {string} path @returns {unknown} */
function at(row, path) {
  return path.split('.').reduce((value, name) => value?.[name], row)
}
