// Owns what "fresh" means: which inputs count as equal, how old a field may be, what is written into a
// row's `fresh` field and what is made of it. Pure; knows no client, no clock and no network.
//
//   fresh: { transits: { at: 1764000000000, inputs: '{"date":"1990-01-01"}', sum: '1f00c9aa83b2d1' } }

import { SyncError } from './error.js'
import { encodeValue, maxDepth, utf8Bytes } from './value.js'

/** Longest canonical text of inputs: it is stored once per field, and travels. */
export const inputsBytesMax = 4_096
/** What claims to be loaded later than this was loaded by a clock that is badly wrong. */
const futureMaxMs = 24 * 3_600_000
/** A city is smaller than this; without it each step of a phone would be another place. */
const placesPerDegree = 10
const coordinates = ['latitude', 'longitude', 'lat', 'lon', 'lng']

/** Types that read back exactly as they were written; others the engine or the server normalises. */
const exactTypes = ['json', 'text', 'integer', 'boolean', 'date']

/** @typedef {import('./schema.js').CollectionSpec} CollectionSpec */
/** @typedef {{ at: number, inputs: string, sum: string }} Entry of one field */
/** @typedef {Record<string, any>} Fields */

/**
 * Inputs as one text, equal for what counts as equal: the order of keys does not matter, coordinates
 * are rounded to 0.1 degree.
 * @param {unknown} inputs undefined: there are none
 * @returns {string}
 * @throws {SyncError} "invalid-value"
 */
export function canonicalInputs(inputs) {
  if (inputs === undefined) return ''
  const text = canonical(JSON.parse(encodeValue(inputs, 'options.inputs')), roundedPlace)
  if (utf8Bytes(text) > inputsBytesMax) {
    throw new SyncError('invalid-value', `options.inputs is larger than ${inputsBytesMax} bytes`)
  }
  return text
}

/** @param {string} name @param {unknown} value */
function roundedPlace(name, value) {
  const isCoordinate = typeof value === 'number' && coordinates.includes(name.toLowerCase())
  return isCoordinate ? Math.round(value * placesPerDegree) / placesPerDegree : value
}

/**
 * JSON text with the keys of every object in order.
 * @param {any} value JSON
 * @param {(name: string, value: unknown) => unknown} [change] a member on its way into the text
 * @param {number} [depth] a pulled row may be nested deeper than the stack; nothing written here is
 * @returns {string}
 */
function canonical(value, change = (_, same) => same, depth = 0) {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (depth > maxDepth) return '...'
  const inner = (/** @type {any} */ each) => canonical(each, change, depth + 1)
  if (Array.isArray(value)) return `[${value.map(inner).join(',')}]`
  const names = Object.keys(value).sort()
  const members = names.map((name) => `${JSON.stringify(name)}:${inner(change(name, value[name]))}`)
  return `{${members.join(',')}}`
}

/**
 * How long each field is fresh.
 * @param {CollectionSpec} spec
 * @param {number | undefined} asked the caller's own limit, for all fields
 * @returns {(field: string) => number} Infinity: permanent
 */
export function agesOf({ maxAgeMs }, asked) {
  if (asked !== undefined) return () => asked
  if (typeof maxAgeMs !== 'object') return () => maxAgeMs ?? Number.POSITIVE_INFINITY
  return (field) => (Object.hasOwn(maxAgeMs, field) ? maxAgeMs[field] : Number.POSITIVE_INFINITY)
}

/**
 * The entries to store beside the values.
 * @param {CollectionSpec} spec
 * @param {Fields} values JSON
 * @param {number} at
 * @param {string} inputs
 * @returns {Record<string, Entry>}
 */
export function entriesOf(spec, values, at, inputs) {
  return Object.fromEntries(
    Object.entries(values).map(([field, value]) => {
      const isExact = exactTypes.includes(spec.fields[field].type)
      return [field, { at, inputs, sum: isExact ? sumOf(value) : '' }]
    }),
  )
}

/**
 * The entry of a field, if the value that is stored was loaded for these inputs. Columns merge each
 * by itself, and apps without this library write them too: then the entry is of another value than
 * the one that is there, which its sum tells.
 * @param {Fields | undefined} row
 * @param {string} field
 * @param {string} inputs
 * @returns {Entry | null}
 */
export function entryOf(row, field, inputs) {
  const entry = row?.fresh?.[field]
  if (!row || typeof entry?.at !== 'number' || entry.inputs !== inputs) return null
  return !entry.sum || entry.sum === sumOf(row[field]) ? entry : null
}

/** @param {number} at when it was loaded @param {number} maxAgeMs @param {number} now */
export function isYoung(at, maxAgeMs, now) {
  return at - now <= futureMaxMs && Math.max(0, now - at) < maxAgeMs
}

/**
 * Which rows a cache of `kept` rows can do without: the ones stored longest ago.
 * @param {readonly Fields[]} rows
 * @param {number} kept
 * @returns {Fields[]}
 */
export function surplus(rows, kept) {
  return [...rows]
    .sort((a, b) => storedAt(a) - storedAt(b))
    .slice(0, Math.max(0, rows.length - kept))
}

/** @param {Fields} row @returns {number} 0 where nothing tells */
function storedAt({ cachedAt, fresh }) {
  const told = Date.parse(cachedAt ?? '')
  if (!Number.isNaN(told)) return told
  return Math.max(0, ...Object.values(fresh ?? {}).map((entry) => Number(entry?.at) || 0))
}

/** @type {WeakMap<object, string>} a row's values are frozen, so each is summed once */
const sums = new WeakMap()

/** @param {any} value JSON @returns {string} equal for equal values, whatever the order of keys */
function sumOf(value) {
  const isKept = typeof value === 'object' && value !== null && Object.isFrozen(value)
  const known = isKept && sums.get(value)
  if (known) return known
  const sum = hash(canonical(value ?? null))
  if (isKept) sums.set(value, sum)
  return sum
}

/**
 * FNV-1a, and the same with another start and factor: 64 bits tell two answers of an API apart, and
 * nobody gains by forging one.
 * @param {string} text
 */
function hash(text) {
  let [a, b] = [0x811c9dc5, 0x9747b28c]
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    a = Math.imul(a ^ unit, 0x01000193)
    b = Math.imul(b ^ unit, 0x85ebca6b)
  }
  return [a, b].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
}
