// Owns Collection, the object the app reads and writes rows through, and what its calls promise. The
// work is done in rows.js and writes.js.

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

/** @typedef {{ rows: import('./rows.js').Rows, writes: import('./writes.js').Writes }} Inside */

/** @type {WeakMap<Collection<any>, Inside>} what a collection is made of, out of the app's reach */
const insides = new WeakMap()

/** @template T */
export class Collection {
  /** @param {Inside} inside */
  constructor(inside) {
    insides.set(this, inside)
  }

  /**
   * The row, or undefined. The same frozen object while the row did not change. For logs and
   * embeddings also under the key of a row that was merged into another.
   * @param {string} key
   * @returns {Readonly<T> | undefined}
   */
  get(key) {
    return of(this).rows.get(key)
  }

  /**
   * The rows, filtered, in order, in pages. The same frozen array while they did not change.
   * @param {ListOptions<T>} [options]
   * @returns {ReadonlyArray<Readonly<T>>}
   * @throws {SyncError} "unknown-field" or "invalid-value" for options that make no sense
   */
  list(options = {}) {
    return of(this).rows.list(options)
  }

  /**
   * Every key, in order; an array of the caller's own.
   * @returns {string[]}
   */
  keys() {
    return of(this).rows.keys()
  }

  /** How many rows there are. @returns {number} */
  get size() {
    return of(this).rows.size()
  }

  /**
   * Writes the row. Resolves once it is durable on this device; get() sees it at once.
   * @param {string} key "self" for singletons
   * @param {Partial<T>} value the key field need not be in it; undefined means not given
   * @returns {Promise<void>} rejects with a SyncError, having changed nothing
   */
  put(key, value) {
    return write(this, { op: 'put', key, fields: value })
  }

  /**
   * Writes only these fields; undefined leaves a field alone, null clears it.
   * @param {string} key
   * @param {Partial<T>} fields
   * @returns {Promise<void>}
   */
  patch(key, fields) {
    return write(this, { op: 'patch', key, fields })
  }

  /**
   * Deletes the row.
   * @param {string} key
   * @returns {Promise<void>}
   */
  remove(key) {
    return write(this, { op: 'remove', key })
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
    return write(this, { op: 'increment', key, field, by, fields: alsoSet })
  }

  /**
   * Calls the listener after rows changed, with their keys.
   * @param {(keys: string[]) => void} listener
   * @returns {() => void} stops it
   */
  subscribe(listener) {
    return of(this).rows.listeners.add(listener)
  }
}

/** @param {Collection<any>} collection @returns {Inside} */
function of(collection) {
  return /** @type {Inside} */ (insides.get(collection))
}

/** @param {Collection<any>} collection @param {import('./writes.js').Op} op @returns {Promise<void>} */
function write(collection, op) {
  const { rows, writes } = of(collection)
  return writes.write(rows.name, op)
}
