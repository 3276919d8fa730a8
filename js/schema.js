// Owns what a schema is: its types, its check (defineSchema) and the type of a row. Knows no
// particular table, and no value: rules and bounds are applied by the core.

import { SyncError } from './error.js'
import { deepFreeze } from './freeze.js'

/**
 * @typedef {object} Schema
 * @property {Record<string, CollectionSpec>} collections
 */

/**
 * @typedef {object} CollectionSpec
 * @property {string} [table] the table of the server; none when localOnly
 * @property {string} key the field whose value is the local key; "self" for one row per user
 * @property {Record<string, FieldSpec>} fields app field name -> column, type, merge rule, bounds
 * @property {number | Record<string, number>} [maxAgeMs] caches: how long a row, or a named field,
 *   is fresh
 * @property {EmbedRule} [embed] which rows get embeddings, and of which texts
 * @property {'newest' | 'delete-wins'} [onDelete] an edit against a deletion; default newest
 * @property {string[]} [identity] columns, or paths inside JSON columns, that name a row as its key
 *   does: a put that carries one of another row's is merged into that row
 * @property {boolean} [localOnly] never leaves this device
 */

/**
 * @typedef {object} EmbedRule
 * @property {'always' | Record<string, unknown>} when fields, or paths in them such as "metadata.mood", and
 *   what they must be: a value, a list of values, or '*' for anything but nothing; or { any: [...] } of
 *   such records
 * @property {string[]} text fields, or paths in them
 */

/** @typedef {'text' | 'integer' | 'number' | 'boolean' | 'date' | 'timestamp' | 'json' | 'vector'} FieldType */

/**
 * @typedef {'newest' | 'deep' | 'max' | 'min' | 'or' | 'counter' | 'union' | 'first'
 *   | { byKey: string, newest?: string }} MergeRule
 */

/**
 * @typedef {object} FieldSpec
 * @property {string} column a column, or a path inside a JSON column such as "metadata.mood"
 * @property {FieldType} type
 * @property {MergeRule} [merge] default newest; json: deep
 * @property {boolean} [required]
 * @property {number} [min]
 * @property {number} [max]
 * @property {number} [scale] decimal places the server stores
 * @property {unknown[]} [values] the only values allowed
 * @property {number} [maxBytes] of a text, in UTF-8
 * @property {{ from: string, as: 'streak' | 'lastDay' }} [derived] computed from a union-of-days
 *   field; writing it adds days to that field
 * @property {'lose'} [nulls] a value beats null, whatever the clocks say
 * @property {'now'} [default] a new row that does not say gets the time of its first write
 */

/**
 * What a field reads as. JSON is `any`: its shape is the app's own.
 * @template {FieldSpec} F
 * @typedef {F['type'] extends 'text' | 'date' | 'timestamp' ? string
 *   : F['type'] extends 'integer' | 'number' ? number
 *   : F['type'] extends 'boolean' ? boolean
 *   : F['type'] extends 'vector' ? ArrayLike<number>
 *   : any} FieldValue
 */

/**
 * A row of collection K of schema S, typed from the fields: null where a field was never set; the
 * key and what is required is always there.
 * @template {Schema} S
 * @template {keyof S['collections']} K
 * @typedef {{ [F in keyof S['collections'][K]['fields']]:
 *   F extends S['collections'][K]['key'] ? FieldValue<S['collections'][K]['fields'][F]>
 *   : S['collections'][K]['fields'][F] extends { required: true }
 *     ? FieldValue<S['collections'][K]['fields'][F]>
 *     : FieldValue<S['collections'][K]['fields'][F]> | null }} Row
 */

const numeric = ['integer', 'number']
const ordered = [...numeric, 'date', 'timestamp']

/** Which types a merge rule can be used on; every type where it is not listed. */
const typesOfRule = /** @type {Record<string, string[] | null>} */ ({
  newest: null,
  first: null,
  deep: ['json'],
  union: ['json'],
  or: ['boolean'],
  counter: ['integer'],
  max: ordered,
  min: ordered,
})

const types = [...ordered, 'text', 'boolean', 'json', 'vector']
const columnName = /^[a-z_][a-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/
const kept = ['user_id', 'version', 'clocks', 'updated_at', '__proto__']
const collectionMembers = [
  'table',
  'key',
  'fields',
  'maxAgeMs',
  'embed',
  'onDelete',
  'identity',
  'localOnly',
]
const fieldMembers = [
  ...['column', 'type', 'merge', 'required', 'min', 'max', 'scale', 'values', 'maxBytes'],
  ...['derived', 'nulls', 'default'],
]

/**
 * Checks a schema and gives a frozen copy of it, typed as written, so that rows are typed too.
 * @template {Schema} const S
 * @param {S} schema
 * @returns {S}
 * @throws {SyncError} "invalid-value", naming the place of the first mistake
 */
export function defineSchema(schema) {
  check(isObject(schema) && isObject(schema.collections), 'collections', 'must be an object')
  const tables = new Set()
  for (const [name, spec] of Object.entries(schema.collections)) {
    check(/^[A-Za-z][A-Za-z0-9]*$/.test(name), name, 'is not a name for a collection')
    checkCollection(name, spec)
    if (spec.localOnly) continue
    check(!tables.has(spec.table), `${name}.table`, `"${spec.table}" belongs to two collections`)
    tables.add(spec.table)
  }
  return deepFreeze(JSON.parse(JSON.stringify(schema)))
}

/** @param {string} name @param {CollectionSpec} spec */
function checkCollection(name, spec) {
  check(isObject(spec), name, 'must be an object')
  checkMembers(name, spec, collectionMembers)
  if (spec.localOnly) check(spec.table === undefined, `${name}.table`, 'is not for localOnly')
  else check(isText(spec.table), `${name}.table`, 'is missing')
  check(isObject(spec.fields), `${name}.fields`, 'must be an object')
  check(isText(spec.key), `${name}.key`, 'is missing')
  const isSingleton = spec.key === 'self'
  check(isSingleton || Object.hasOwn(spec.fields, spec.key), `${name}.key`, 'is not a field')
  check(
    [undefined, 'newest', 'delete-wins'].includes(spec.onDelete),
    `${name}.onDelete`,
    'must be "newest" or "delete-wins"',
  )
  const columns = new Set()
  for (const [field, fieldSpec] of Object.entries(spec.fields)) {
    const place = `${name}.fields.${field}`
    checkField(place, fieldSpec, spec)
    check(!columns.has(fieldSpec.column), `${place}.column`, 'belongs to two fields')
    columns.add(fieldSpec.column)
    const isKey = field === spec.key
    check(fieldSpec.column !== 'id' || isKey, `${place}.column`, '"id" is only for the key')
    if (isKey) check(['text', 'date'].includes(fieldSpec.type), place, 'a key is a text or a date')
  }
  checkAges(name, spec)
  const { identity } = spec
  if (identity === undefined) return
  check(Array.isArray(identity) && spec.key !== 'self', `${name}.identity`, 'must list columns')
  const tops = new Set([...columns].map((column) => column.split('.')[0]))
  for (const place of identity) {
    const isColumn = isText(place) && columnName.test(place) && tops.has(place.split('.')[0])
    check(isColumn, `${name}.identity`, `"${place}" is not in a column of it`)
  }
}

/** @param {string} name @param {CollectionSpec} spec */
function checkAges(name, spec) {
  if (spec.maxAgeMs === undefined) return
  const ages = isObject(spec.maxAgeMs) ? Object.entries(spec.maxAgeMs) : [['', spec.maxAgeMs]]
  for (const [field, age] of ages) {
    const place = `${name}.maxAgeMs${field ? `.${field}` : ''}`
    check(typeof age === 'number' && age > 0, place, 'must be milliseconds above 0')
    if (field) check(Object.hasOwn(spec.fields, field), place, 'is not a field')
  }
}

/** @param {string} place @param {FieldSpec} spec @param {CollectionSpec} collection */
function checkField(place, spec, collection) {
  check(isObject(spec), place, 'must be an object')
  checkMembers(place, spec, fieldMembers)
  check(types.includes(spec.type), `${place}.type`, `"${spec.type}" is not a type`)
  check(isText(spec.column), `${place}.column`, 'is missing')
  check(columnName.test(spec.column), `${place}.column`, `"${spec.column}" is not a column`)
  check(!kept.includes(spec.column), `${place}.column`, `"${spec.column}" is kept by the engine`)
  checkRule(place, spec)
  for (const bound of /** @type {const} */ (['min', 'max', 'scale', 'maxBytes'])) {
    const value = spec[bound]
    check(value === undefined || Number.isFinite(value), `${place}.${bound}`, 'must be a number')
  }
  if (spec.scale !== undefined) check(spec.type === 'number', `${place}.scale`, 'is for numbers')
  if (spec.maxBytes !== undefined) check(spec.type === 'text', `${place}.maxBytes`, 'is for texts')
  check(
    spec.values === undefined || Array.isArray(spec.values),
    `${place}.values`,
    'must be a list',
  )
  check([undefined, 'lose'].includes(spec.nulls), `${place}.nulls`, 'must be "lose"')
  check(
    spec.default === undefined || (spec.default === 'now' && spec.type === 'timestamp'),
    `${place}.default`,
    'must be "now", on a timestamp',
  )
  if (spec.derived !== undefined) {
    const { from, as } = spec.derived
    const type = as === 'streak' ? 'integer' : as === 'lastDay' ? 'date' : null
    check(type !== null, `${place}.derived.as`, 'must be "streak" or "lastDay"')
    check(spec.type === type, place, `a "${as}" has the type "${type}"`)
    const source = Object.hasOwn(collection.fields, from) ? collection.fields[from] : undefined
    check(source?.merge === 'union', `${place}.derived.from`, 'is not a field that merges by union')
  }
}

/** @param {string} place @param {FieldSpec} spec */
function checkRule(place, { merge, type }) {
  if (merge === undefined) return
  if (typeof merge === 'object' && merge !== null) {
    check(isText(merge.byKey), `${place}.merge.byKey`, 'is missing')
    check(type === 'json', `${place}.merge`, 'byKey is for json')
    return
  }
  check(Object.hasOwn(typesOfRule, merge), `${place}.merge`, `"${merge}" is not a rule`)
  const allowed = typesOfRule[merge]
  check(!allowed || allowed.includes(type), `${place}.merge`, `"${merge}" is not for ${type}`)
}

/** @param {string} place @param {object} spec @param {string[]} known */
function checkMembers(place, spec, known) {
  for (const name of Object.keys(spec)) check(known.includes(name), place, `"${name}" is unknown`)
}

/** @param {boolean} holds @param {string} place @param {string} problem */
function check(holds, place, problem) {
  if (!holds) throw new SyncError('invalid-value', `schema: ${place} ${problem}`)
}

/** @param {unknown} value @returns {value is object} */
function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** @param {unknown} value @returns {value is string} */
function isText(value) {
  return typeof value === 'string' && value !== ''
}
