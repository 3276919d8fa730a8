// Owns what of a store's former, persisted state is taken over into rows: what they do not have. Nobody knows when it
// was written, so it never stands over what is there. Pure.

import { isEqual } from '../is-equal.js'

/** @typedef {import('./own-change.js').Rows} Rows */

/**
 * What says more than an empty store.
 * @param {Rows} rows
 * @param {Rows} initial
 * @returns {Rows}
 */
export function adoptable(rows, initial) {
  return Object.fromEntries(
    Object.entries(rows).filter(([key, fields]) => !isEqual(fields, initial[key])),
  )
}

/**
 * @param {Record<string, any>} fields
 * @param {Record<string, any> | undefined} row
 * @param {Record<string, import('../schema.js').FieldSpec>} specs
 * @returns {{ added: [field: string, by: number][], values: Record<string, any> }} counters grow up to what was
 *   persisted; lists get the elements that they lack
 */
export function adoptedFields(fields, row, specs) {
  /** @type {[string, number][]} */
  const added = []
  /** @type {Record<string, any>} */
  const values = {}
  for (const [name, value] of Object.entries(fields)) {
    if (value === null || value === undefined) continue
    const { merge } = specs[name] ?? {}
    const here = row?.[name] ?? null
    if (merge === 'counter') {
      if (value > (here ?? 0)) added.push([name, value - (here ?? 0)])
    } else if (merge === 'or' || merge === 'max' || merge === 'min') {
      if (value !== here) values[name] = value // its rule decides
    } else if (typeof merge === 'object' && Array.isArray(value) && Array.isArray(here)) {
      const keys = new Set(here.map((each) => each?.[merge.byKey]))
      const lacking = value.filter((each) => !keys.has(each?.[merge.byKey]))
      if (lacking.length > 0) values[name] = [...here, ...lacking]
    } else if (here === null) {
      values[name] = value
    }
  }
  return { added, values }
}
