// Owns reading and writing one collection: the frozen objects the app holds, the same ones while
// nothing changed. Knows nothing of merging, sending or storing.

import { SyncError } from './error.js'
import { deepFreeze } from './freeze.js'
import { Listeners } from './listeners.js'
import { encodeValue } from './value.js'

/**
 * @template T
 * @typedef {object} ListOptions
 * @property {Record<string, unknown>} [where] a declared field, or a path in a JSON field such as
 *   "metadata.sessionId", and the value it must equal
 * @property {string} [orderBy] the same; default the key
 * @property {boolean} [desc]
 * @property {unknown} [from] lowest value of orderBy, included
 * @property {unknown} [to] highest value of orderBy, included
 * @property {string} [after] the key of the last row of the page before
 * @property {number} [limit]
 */

/**
 * What a collection needs of its client.
 * @typedef {object} Reads
 * @property {(question: object) => any} query null when there is nothing to read
 * @property {() => boolean} isReadable false: signed out or closed, everything reads empty
 * @property {(error: unknown) => void} onThrow a listener threw
 */

/** More than a screen shows at once; a list not asked for in this many others is made anew. */
const listsKept = 100
const listMembers = ['where', 'orderBy', 'desc', 'from', 'to', 'after', 'limit']
/** @type {readonly any[]} */
const none = Object.freeze([])

/** @template T */
export class Collection {
  /**
   * @internal
   * @param {string} name
   * @param {import('./schema.js').CollectionSpec} spec
   * @param {Reads} reads
   * @param {import('./writes.js').Writes} writes
   */
  constructor(name, spec, reads, writes) {
    /** @internal */
    this._name = name
    /** @internal */
    this._spec = spec
    /** @internal */
    this._reads = reads
    /** @internal */
    this._writes = writes
    /** @internal @type {Map<string, Readonly<T>>} */
    this._rows = new Map()
    /** @internal @type {Map<string, { isFresh: boolean, rows: readonly any[] }>} */
    this._lists = new Map()
    /** @internal @type {Listeners<string[]>} */
    this._listeners = new Listeners(reads.onThrow)
  }

  /**
   * The row, or undefined. The same frozen object while the row did not change. For logs and
   * embeddings also under the key of a row that was merged into another.
   * @param {string} key
   * @returns {Readonly<T> | undefined}
   */
  get(key) {
    if (!this._reads.isReadable() || typeof key !== 'string') return undefined
    return this._rows.get(key) ?? this._remember(key, this._ask({ get: key }))
  }

  /**
   * The rows, filtered, in order, in pages. The same frozen array while they did not change.
   * @param {ListOptions<T>} [options]
   * @returns {ReadonlyArray<Readonly<T>>}
   * @throws {SyncError} "unknown-field" or "invalid-value" for options that make no sense
   */
  list(options = {}) {
    if (!this._reads.isReadable()) return none
    return this._list(this._check(options), (list) => this._rowsOf(this._ask({ list })))
  }

  /**
   * Every key, in order; an array of the caller's own.
   * @returns {string[]}
   */
  keys() {
    if (!this._reads.isReadable()) return []
    return [...this._list('', () => this._ask({ list: {} }) ?? [])]
  }

  /** How many rows there are. @returns {number} */
  get size() {
    return (this._reads.isReadable() && this._ask({ size: true })) || 0
  }

  /**
   * Writes the row. Resolves once it is durable on this device; get() sees it at once.
   * @param {string} key "self" for singletons
   * @param {Partial<T>} value the key field need not be in it; undefined means not given
   * @returns {Promise<void>} rejects with a SyncError, having changed nothing
   */
  put(key, value) {
    return this._writes.write(this._name, { op: 'put', key, fields: value })
  }

  /**
   * Writes only these fields; undefined leaves a field alone, null clears it.
   * @param {string} key
   * @param {Partial<T>} fields
   * @returns {Promise<void>}
   */
  patch(key, fields) {
    return this._writes.write(this._name, { op: 'patch', key, fields })
  }

  /**
   * Deletes the row.
   * @param {string} key
   * @returns {Promise<void>}
   */
  remove(key) {
    return this._writes.write(this._name, { op: 'remove', key })
  }

  /**
   * Adds to a counter field, so that no device's increment is lost.
   * @param {string} key
   * @param {keyof T & string} field
   * @param {number} [by] default 1
   * @param {Partial<T>} [alsoSet] fields set at the same moment
   * @returns {Promise<void>}
   */
  increment(key, field, by = 1, alsoSet = {}) {
    return this._writes.write(this._name, { op: 'increment', key, field, by, fields: alsoSet })
  }

  /**
   * Calls the listener after rows changed, with their keys.
   * @param {(keys: string[]) => void} listener
   * @returns {() => void} stops it
   */
  subscribe(listener) {
    return this._listeners.add(listener)
  }

  /** These rows read differently now. @internal @param {string[]} keys */
  _invalidate(keys) {
    for (const key of keys) this._rows.delete(key)
    for (const list of this._lists.values()) list.isFresh = false
  }

  /** Forgets everything: the user is gone. @internal */
  _clear() {
    this._rows.clear()
    this._lists.clear()
  }

  /** @internal @param {object} question @returns {any} */
  _ask(question) {
    return this._reads.query({ ...question, collection: this._name })
  }

  /** @internal @param {string} key @param {any} row @returns {Readonly<T> | undefined} */
  _remember(key, row) {
    if (row === null) return undefined
    // Asked for by the key of a row that was merged into another one: kept under the other's key
    // only, because that is the one which is told when it changes.
    const { key: keyField } = this._spec
    const ownKey = keyField === 'self' ? key : (row[keyField] ?? key)
    const known = this._rows.get(ownKey)
    if (known) return known
    this._rows.set(ownKey, deepFreeze(row))
    return row
  }

  /** @internal @param {string[] | null} keys @returns {Readonly<T>[]} */
  _rowsOf(keys) {
    if (!keys) return []
    const missing = keys.filter((key) => !this._rows.has(key))
    const answers = missing.length > 0 ? (this._ask({ rows: missing }) ?? []) : []
    for (const [i, key] of missing.entries()) this._remember(key, answers[i] ?? null)
    return keys.flatMap((key) => this._rows.get(key) ?? [])
  }

  /**
   * @internal
   * @param {string} options as JSON; empty for keys()
   * @param {(options: any) => any[]} make
   * @returns {readonly any[]}
   */
  _list(options, make) {
    const known = this._lists.get(options)
    if (known?.isFresh) return known.rows
    const made = make(options && JSON.parse(options))
    // A change elsewhere in the collection leaves this list what it was.
    const isSame =
      known?.rows.length === made.length && made.every((row, i) => row === known.rows[i])
    const rows = isSame && known ? known.rows : Object.freeze(made)
    this._lists.delete(options)
    this._lists.set(options, { isFresh: true, rows })
    if (this._lists.size > listsKept) {
      for (const oldest of this._lists.keys()) {
        this._lists.delete(oldest)
        break
      }
    }
    return rows
  }

  /** @internal @param {ListOptions<T>} options @returns {string} JSON */
  _check(options) {
    const json = encodeValue(options, 'options')
    if (!json.startsWith('{')) throw new SyncError('invalid-value', 'options must be an object')
    for (const name of Object.keys(options)) {
      if (!listMembers.includes(name)) {
        throw new SyncError('invalid-value', `list() has no option "${name}"`)
      }
    }
    const { where = {}, orderBy, limit } = options
    for (const path of [...Object.keys(where), ...(orderBy === undefined ? [] : [orderBy])]) {
      if (!Object.hasOwn(this._spec.fields, String(path).split('.')[0])) {
        throw new SyncError('unknown-field', `"${this._name}" has no field "${path}"`)
      }
    }
    if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0)) {
      throw new SyncError('invalid-value', 'options.limit must be a whole number')
    }
    return json
  }
}
