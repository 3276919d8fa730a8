// Owns which rows get embeddings, and what of them: the schema's `embed` rules applied to a row. Pure
// functions.

import { passagesOf } from './passages.js'

/** @typedef {import('../schema.js').EmbedRule} EmbedRule */

/** What is embedded of every row, when asked for. */
const everything = { when: /** @type {const} */ ('always'), text: ['content', 'metadata.insights'] }

/**
 * The passages of a row, none when no rule applies: of the first rule that does.
 * @param {any} row
 * @param {EmbedRule | EmbedRule[] | undefined} rules
 * @param {boolean} isAll
 * @returns {string[]}
 */
export function passagesIn(row, rules, isAll) {
  const list = [rules ?? []].flat()
  const rule = list.find(({ when }) => applies(when, row)) ?? (isAll ? everything : undefined)
  if (!rule) return []
  const texts = rule.text.map((path) => at(row, path)).filter((text) => typeof text === 'string')
  return passagesOf(texts.join('\n\n'))
}

/** @param {EmbedRule['when']} when @param {any} row */
function applies(when, row) {
  if (when === 'always') return true
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
