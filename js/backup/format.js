// Owns what a backup looks like (docs/backup.md), and refusing what is none before any of it is used.
// Knows no merge rule: what the values mean is the core's.

import { SyncError } from '../error.js'
import { isWellFormed } from '../value.js'

export const format = 'somatic-sync/1'

/**
 * Everything a user owns, as one JSON value.
 * @typedef {object} Backup
 * @property {'somatic-sync/1'} format
 * @property {string} exportedAt ISO 8601, UTC
 * @property {string} userId whose data it is
 * @property {Record<string, unknown[]>} collections rows as the app reads them, each with a member
 *   "$sync"; what is localOnly is not in it
 * @property {unknown[]} pending what was not sent yet, or was refused
 * @property {unknown[]} overwritten texts that lost a merge
 */

/** Deeper than what the server may send, and shallow enough for the core. */
const maxDepth = 1000
const clockText = /^\d{13}-[0-9a-f]{4}-[0-9a-f]{8}$/
const uuidText = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * @param {any} backup parsed JSON
 * @param {{ userId: string | null, schema: import('../schema.js').Schema }} parts
 * @returns {Backup}
 * @throws {SyncError} "invalid-value", saying what to do
 */
export function checkBackup(backup, { userId, schema }) {
  const { format: given } = isObject(backup) ? backup : {}
  if (typeof given !== 'string' || !given.startsWith('somatic-sync/')) {
    throw refused('it is no backup of somatic-sync: choose a file that exportData() made')
  }
  if (given !== format) {
    throw refused(`it was written by a newer version (${given}): update the app, then import it`)
  }
  if (backup.userId !== userId) {
    throw refused(`it holds the data of another user (${backup.userId}): sign in as that user`)
  }
  checkText(backup)
  const check = checker('')
  check(!Number.isNaN(Date.parse(backup.exportedAt)), 'exportedAt')
  check(isObject(backup.collections), 'collections')
  for (const [name, rows] of Object.entries(backup.collections)) {
    checkRows(name, specOf(schema, name), rows)
  }
  check(Array.isArray(backup.pending), 'pending')
  for (const [i, item] of backup.pending.entries()) checkPending(`pending[${i}]`, item, schema)
  check(Array.isArray(backup.overwritten), 'overwritten')
  for (const [i, item] of backup.overwritten.entries()) {
    const isText = ['id', 'collection', 'key', 'field', 'text'].every(
      (name) => typeof item?.[name] === 'string',
    )
    check(isText && Number.isFinite(item.at), `overwritten[${i}]`)
  }
  return backup
}

/** @param {string} problem @param {unknown} [cause] */
export function refused(problem, cause) {
  return new SyncError('invalid-value', `nothing was imported from this backup: ${problem}`, cause)
}

/** @param {import('../schema.js').Schema} schema @param {unknown} name */
function specOf(schema, name) {
  const spec = Object.hasOwn(schema.collections, String(name))
    ? schema.collections[String(name)]
    : undefined
  if (!spec || spec.localOnly) {
    throw refused(`this version knows no collection "${name}": update the app, then import it`)
  }
  return spec
}

/**
 * Types of values are not looked at: what a server once stored must be importable again.
 * @param {string} name @param {import('../schema.js').CollectionSpec} spec @param {any} rows
 */
function checkRows(name, spec, rows) {
  checker(name)(Array.isArray(rows), 'is no list')
  const keys = new Set()
  for (const [i, row] of rows.entries()) {
    const check = checker(`${name}[${i}]`)
    check(isObject(row) && isObject(row.$sync), 'is no row with "$sync"')
    const key = spec.key === 'self' ? 'self' : row[spec.key]
    check(typeof key === 'string' && key !== '', `has no key "${spec.key}"`)
    check(!keys.has(key), `is a second row "${key}"`)
    keys.add(key)
    for (const [field, value] of Object.entries(row)) {
      if (field === '$sync') continue
      if (!Object.hasOwn(spec.fields, field)) {
        throw refused(`this version knows no field "${name}.${field}": update the app`)
      }
      const isVector = spec.fields[field].type === 'vector' && value !== null
      check(!isVector || isNumbers(value), `"${field}" is no vector`)
    }
    const { id, clocks, aliases = [], columns = {}, counted = {} } = row.$sync
    check(uuidText.test(id), '"$sync.id" is no UUID')
    check(isObject(clocks) && Object.values(clocks).every(isClock), '"$sync.clocks" are none')
    check(Array.isArray(aliases) && aliases.every(isUuid), '"$sync.aliases" are no UUIDs')
    check(isObject(columns) && isObject(counted), '"$sync" is damaged')
    check(Object.values(counted).every(isCount), '"$sync.counted" are no numbers')
  }
}

/** @param {string} place @param {any} item @param {import('../schema.js').Schema} schema */
function checkPending(place, item, schema) {
  const check = checker(place)
  check(isObject(item) && typeof item.key === 'string', 'has no key')
  const { fields } = specOf(schema, item.collection)
  check(item.id === undefined || isUuid(item.id), '"id" is no UUID')
  check(item.removed === undefined || isClock(item.removed), '"removed" is no clock')
  check(item.counts === undefined || isObject(item.counts), '"counts" is no object')
  for (const [name, count] of Object.entries(item.counts ?? {})) {
    check(Object.hasOwn(fields, name), `this version knows no field "${name}": update the app`)
    const { clock, add = 0, set = 0, was = 0 } = isObject(count) ? count : {}
    check(isClock(clock) && [add, set, was].every(isCount), `"${name}" is no count`)
  }
}

/**
 * What no row can hold, and what would overflow a stack. Not by recursion.
 * @param {unknown} backup
 */
function checkText(backup) {
  /** @type {[unknown, number][]} */
  const open = [[backup, 0]]
  const check = checker('')
  for (let next = open.pop(); next; next = open.pop()) {
    const [value, depth] = next
    if (typeof value === 'string') {
      check(!value.includes('\0') && isWellFormed(value), 'a text is damaged')
    }
    if (typeof value !== 'object' || value === null) continue
    check(depth < maxDepth, `nested deeper than ${maxDepth} levels`)
    for (const [name, inner] of Object.entries(value)) {
      if (typeof inner === 'number') continue
      if (!Array.isArray(value)) check(isWellFormed(name), 'a name is damaged')
      open.push([inner, depth + 1])
    }
  }
}

/** @param {string} place @returns {(holds: boolean, problem: string) => void} */
function checker(place) {
  return (holds, problem) => {
    if (!holds)
      throw refused(`it is damaged (${place} ${problem}): use another copy`.replace('( ', '('))
  }
}

/** @param {unknown} value @returns {value is Record<string, any>} */
function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** @param {unknown} value */
const isClock = (value) => typeof value === 'string' && clockText.test(value)

/** @param {unknown} value */
const isUuid = (value) => typeof value === 'string' && uuidText.test(value)

/** @param {unknown} value */
const isCount = (value) => value === null || Number.isFinite(value)

/** @param {unknown} value */
const isNumbers = (value) =>
  Array.isArray(value) && value.length > 0 && value.every(Number.isFinite)
