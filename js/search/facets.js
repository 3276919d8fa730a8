// Owns what of a row's metadata can be asked for: members with a text, a number or a boolean, by their
// path. Pure functions.

import { SyncError } from '../error.js'

const levelsMost = 4

/**
 * "category=\"journal\"" for each member. Members of objects by path, "a.b"; arrays are left out.
 * @param {unknown} metadata
 * @returns {string[]}
 */
export function facetsOf(metadata) {
  /** @type {string[]} */
  const facets = []
  collect(metadata, '', levelsMost, (path, value) => {
    if (isScalar(value)) facets.push(facet(path, value))
  })
  return facets
}

/**
 * What a row must have to match `where`: paths in metadata, or objects of them.
 * @param {Record<string, unknown>} where
 * @returns {string[]}
 * @throws {SyncError} "invalid-value" for a value that is no text, number or boolean
 */
export function facetsWanted(where) {
  /** @type {string[]} */
  const facets = []
  collect(where, '', levelsMost, (path, value) => {
    if (!isScalar(value)) {
      throw new SyncError('invalid-value', `where: "${path}" must be a text, a number or a boolean`)
    }
    facets.push(facet(path.replace(/^metadata\./, ''), value))
  })
  return facets
}

/** @param {unknown} metadata @param {readonly string[]} wanted */
export function matches(metadata, wanted) {
  if (wanted.length === 0) return true
  const own = new Set(facetsOf(metadata))
  return wanted.every((each) => own.has(each))
}

/**
 * @param {unknown} object
 * @param {string} path
 * @param {number} levels
 * @param {(path: string, value: unknown) => void} visit
 */
function collect(object, path, levels, visit) {
  if (typeof object !== 'object' || object === null || Array.isArray(object)) return
  for (const [name, value] of Object.entries(object)) {
    const here = path === '' ? name : `${path}.${name}`
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    if (isObject && levels > 1) collect(value, here, levels - 1, visit)
    else if (value !== undefined) visit(here, value)
  }
}

/** @param {string} path @param {string | number | boolean} value */
function facet(path, value) {
  return `${path}=${JSON.stringify(value)}`
}

/** @param {unknown} value @returns {value is string | number | boolean} */
function isScalar(value) {
  return ['string', 'number', 'boolean'].includes(typeof value)
}
