// Owns how a store began, and whether a change led back to that: an app that signs out, or clears what it shows, resets
// its stores, and that is no edit. Writes nothing.

import { isEqual } from '../is-equal.js'

/** @typedef {import('./own-change.js').Edit} Edit */
/** @typedef {import('./own-change.js').Rows} Rows */

export class Beginning {
  /**
   * @param {import('./store-sync.js').StoreApiLike<any>} store
   * @param {import('./store-sync.js').StoreMapping<any>} mapping
   */
  constructor(store, mapping) {
    this.store = store
    this.mapping = mapping
  }

  /** @returns {Rows} */
  rows() {
    const initial = this.store.getInitialState?.()
    return initial ? this.mapping.toRows(initial) : {}
  }

  /** All of it, but for its functions. @returns {Record<string, any>} */
  data() {
    const { store, mapping } = this
    const initial = store.getInitialState?.() ?? mapping.fromRows({}, store.getState())
    return Object.fromEntries(
      Object.entries(initial).filter(([, value]) => typeof value !== 'function'),
    )
  }

  /** Only what rows are made of. @returns {Record<string, any>} */
  mappedData() {
    const { store, mapping } = this
    const initial = store.getInitialState?.() ?? {}
    const mapped = Object.entries(mapping.fromRows({}, store.getState()))
    return Object.fromEntries(
      mapped.map(([name, empty]) => [name, name in initial ? initial[name] : empty]),
    )
  }

  /**
   * One field that goes back to a value is an edit, and the only item that is taken out is deleted. A field that is
   * emptied may be all that the store held.
   * @param {{ edits: Edit[], gone: string[] }} change
   * @param {Record<string, any>} state after it
   * @param {Rows} after the same as rows
   */
  isReachedBy({ edits, gone }, state, after) {
    const values = edits.flatMap(({ to }) => Object.values(to))
    const isOneValue = gone.length === 0 && values.length === 1 && !isEmpty(values[0])
    const isOneDeletion = edits.length === 0 && gone.length === 1 && !this.isGivenBack(state)
    return !isOneValue && !isOneDeletion && this.isSame(after)
  }

  /** Its very values, not just equal ones: what a reset sets, and a list without its only item is not. @param {Record<string, any>} state */
  isGivenBack(state) {
    return Object.entries(this.data()).every(([name, value]) => state[name] === value)
  }

  /** It may name less than rows have. @param {Rows} after */
  isSame(after) {
    const rows = this.rows()
    const keys = Object.keys(after)
    return (
      keys.length === Object.keys(rows).length &&
      keys.every(
        (key) =>
          Object.hasOwn(rows, key) &&
          Object.entries(rows[key]).every(
            ([name, value]) => value === undefined || isEqual(value, after[key][name]),
          ),
      )
    )
  }
}

/** @param {any} value */
function isEmpty(value) {
  return typeof value === 'object' ? Object.keys(value ?? {}).length === 0 : !value
}
