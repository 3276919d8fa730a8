// Owns what is read of one collection: the frozen objects the app holds, the same ones while nothing
// changed, and who listens to changes. Knows nothing of writing.

import { SyncError } from './error.js'
import { deepFreeze } from './freeze.js'
import { Listeners } from './listeners.js'
import { encodeValue } from './value.js'

/**
 * What reading needs of the client.
 * @typedef {object} Reads
 * @property {(question: object) => any} query null when there is nothing to read
 * @property {() => boolean} isReadable after all that was written so far; false: signed out or closed, everything
 *   reads empty
 * @property {(error: unknown) => void} onThrow a listener threw
 */

/** More than a screen shows at once; a list not asked for in this many others is made anew. */
const listsKept = 100
const listMembers = ['where', 'orderBy', 'desc', 'from', 'to', 'after', 'limit']
/** @type {readonly any[]} */
const none = Object.freeze([])

export class Rows {
  /**
   * @param {string} name of the collection
   * @param {import('./schema.js').CollectionSpec} spec
   * @param {Reads} reads
   */
  constructor(name, spec, reads) {
    this.name = name
    this.spec = spec
    this.vectors = Object.keys(spec.fields).filter((field) => spec.fields[field].type === 'vector')
    this.reads = reads
    /** @type {Map<string, any>} */
    this.rows = new Map()
    /** @type {Map<string, { isFresh: boolean, rows: readonly any[] }>} */
    this.lists = new Map()
    /** @type {Listeners<string[]>} the app's: called before a write returns */
    this.listeners = new Listeners(reads.onThrow)
    /** @type {Listeners<string[]>} this package's own: soon is enough */
    this.followers = new Listeners(reads.onThrow)
  }

  /** @param {string} key @returns {any} */
  get(key) {
    if (!this.reads.isReadable() || typeof key !== 'string') return undefined
    return this.rows.get(key) ?? this.remember(key, this.ask({ get: key }))
  }

  /** @param {import('./collection.js').ListOptions<any>} options @returns {readonly any[]} */
  list(options) {
    if (!this.reads.isReadable()) return none
    return this.listOf(this.checked(options), (list) => this.rowsOf(this.ask({ list })))
  }

  /** @returns {string[]} an array of the caller's own */
  keys() {
    if (!this.reads.isReadable()) return []
    return [...this.listOf('', () => this.ask({ list: {} }) ?? [])]
  }

  /** @returns {number} */
  size() {
    return (this.reads.isReadable() && this.ask({ size: true })) || 0
  }

  /** These rows read differently now. @param {string[]} keys */
  invalidate(keys) {
    for (const key of keys) this.rows.delete(key)
    for (const list of this.lists.values()) list.isFresh = false
  }

  /** These changed. @param {string[]} keys */
  tell(keys) {
    this.followers.call(keys)
    this.listeners.call(keys)
  }

  /** Forgets everything: the user is gone. */
  clear() {
    this.rows.clear()
    this.lists.clear()
  }

  /** @param {object} question @returns {any} */
  ask(question) {
    return this.reads.query({ ...question, collection: this.name })
  }

  /** @param {string} key @param {any} row @returns {any | undefined} */
  remember(key, row) {
    if (row === null) return undefined
    // Asked for by the key of a row that was merged into another one: kept under the other's key
    // only, because that is the one which is told when it changes.
    const { key: keyField } = this.spec
    const ownKey = keyField === 'self' ? key : (row[keyField] ?? key)
    const known = this.rows.get(ownKey)
    if (known) return known
    // a vector that is not in memory has its name in its place
    for (const field of this.vectors) if (typeof row[field] === 'string') row[field] = undefined
    this.rows.set(ownKey, deepFreeze(row))
    return row
  }

  /** @param {string[] | null} keys @returns {any[]} */
  rowsOf(keys) {
    if (!keys) return []
    const missing = keys.filter((key) => !this.rows.has(key))
    const answers = missing.length > 0 ? (this.ask({ rows: missing }) ?? []) : []
    for (const [i, key] of missing.entries()) this.remember(key, answers[i] ?? null)
    return keys.flatMap((key) => this.rows.get(key) ?? [])
  }

  /**
   *
   * @param {string} options as JSON; empty for keys()
   * @param {(options: any) => any[]} make
   * @returns {readonly any[]}
   */
  listOf(options, make) {
    const known = this.lists.get(options)
    if (known?.isFresh) return known.rows
    const made = make(options && JSON.parse(options))
    // A change elsewhere in the collection leaves this list what it was.
    const isSame =
      known?.rows.length === made.length && made.every((row, i) => row === known.rows[i])
    const rows = isSame && known ? known.rows : Object.freeze(made)
    this.lists.delete(options)
    this.lists.set(options, { isFresh: true, rows })
    if (this.lists.size > listsKept) {
      for (const oldest of this.lists.keys()) {
        this.lists.delete(oldest)
        break
      }
    }
    return rows
  }

  /** @param {import('./collection.js').ListOptions<any>} options @returns {string} JSON */
  checked(options) {
    const json = encodeValue(options, 'options')
    if (!json.startsWith('{')) throw new SyncError('invalid-value', 'options must be an object')
    for (const name of Object.keys(options)) {
      if (!listMembers.includes(name)) {
        throw new SyncError('invalid-value', `list() has no option "${name}"`)
      }
    }
    const { where = {}, orderBy, limit } = options
    for (const path of [...Object.keys(where), ...(orderBy === undefined ? [] : [orderBy])]) {
      if (!Object.hasOwn(this.spec.fields, String(path).split('.')[0])) {
        throw new SyncError('unknown-field', `"${this.name}" has no field "${path}"`)
      }
    }
    if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0)) {
      throw new SyncError('invalid-value', 'options.limit must be a whole number')
    }
    return json
  }
}
