// Owns what one change of a store says: which fields of which rows are other than they were. Pure.

import { isEqual } from '../is-equal.js'

/** @typedef {Record<string, Record<string, unknown>>} StoreRows key -> fields, as a store has them */
/** @typedef {{ key: string, isNew: boolean, fields: Record<string, unknown> }} Edit fields: the dirty ones only */

/**
 * @param {StoreRows} before
 * @param {StoreRows} after
 * @returns {{ edits: Edit[], gone: string[] }}
 */
export function changeBetween(before, after) {
  /** @type {Edit[]} */
  const edits = []
  for (const [key, fields] of Object.entries(after)) {
    const former = Object.hasOwn(before, key) ? before[key] : undefined
    if (former === fields) continue
    if (!former) edits.push({ key, isNew: true, fields })
    else {
      const dirty = Object.entries(fields).filter(([name, value]) => !isEqual(former[name], value))
      if (dirty.length > 0) edits.push({ key, isNew: false, fields: Object.fromEntries(dirty) })
    }
  }
  return { edits, gone: Object.keys(before).filter((key) => !Object.hasOwn(after, key)) }
}

/**
 * Somebody types: texts of rows that were there changed, and nothing else.
 * @param {{ edits: Edit[], gone: string[] }} change
 * @param {StoreRows} before
 */
export function isTyping({ edits, gone }, before) {
  /** @param {any} a @param {any} b @returns {boolean} */
  const areTexts = (a, b) => {
    if (typeof b === 'string') return typeof a === 'string' || a === undefined || a === null
    return isObject(a) && isObject(b) && Object.keys(b).every((name) => isSame(a, b, name))
  }
  /** @param {any} a @param {any} b @param {string} name @returns {boolean} */
  const isSame = (a, b, name) => isEqual(a[name], b[name]) || areTexts(a[name], b[name])
  return (
    gone.length === 0 &&
    edits.every(({ key, isNew, fields }) => {
      const former = before[key]
      return (
        !isNew && Object.entries(fields).every(([name, value]) => areTexts(former[name], value))
      )
    })
  )
}

/** @param {unknown} value */
function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
