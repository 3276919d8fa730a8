// Owns what a store has and its rows may not have: changes that wait, that are on their way to the disk, and that were
// refused for their value. They show over the rows until they are durable. Knows no store and no collection.

import { isEqual } from '../is-equal.js'
import { joined, outlasting } from './own-change.js'

/** @typedef {import('./own-change.js').Edit} Edit */
/** @typedef {{ edits: Edit[], upTo: Map<Edit, Record<string, number>> }} Flight upTo: what its counters come to */

export class Held {
  constructor() {
    /** to be written @type {Map<string, Edit>} */
    this.waiting = new Map()
    /** until the app changes the row @type {Map<string, Edit>} */
    this.refused = new Map()
    /** refused values the app was told of, by row and fields @type {Map<string, unknown>} */
    this.told = new Map()
    /** in order @type {Set<Flight>} */
    this.flights = new Set()
    this.count = 0
  }

  /** The app changed this: what was refused of the same row is tried again with it. @param {Edit} edit */
  add(edit) {
    const { key } = edit
    const again = this.refused.get(key)
    this.refused.delete(key)
    if (again) this.giveBack([again])
    this.count += 1
    put(this.waiting, key, joined(this.waiting.get(key), { ...edit, at: this.count }))
  }

  /** All that waits. @returns {Edit[]} */
  take() {
    const edits = [...this.waiting.values()]
    this.waiting.clear()
    return edits
  }

  /** Not written yet. @param {Edit[]} edits */
  giveBack(edits) {
    for (const edit of edits) {
      const other = this.waiting.get(edit.key)
      const isFirst = (edit.at ?? 0) < (other?.at ?? 0)
      put(this.waiting, edit.key, isFirst && other ? joined(edit, other) : joined(other, edit))
    }
  }

  /** It failed. @param {Flight} flight @returns {Edit[]} what of it was not changed again since */
  crashed(flight) {
    const all = [...this.flights]
    const since = all.slice(all.indexOf(flight) + 1).flatMap(({ edits }) => edits)
    this.flights.delete(flight)
    return flight.edits.flatMap((edit) => {
      /** @type {Edit | null} */
      let left = edit
      for (const later of since) {
        if (left && later.key === edit.key) left = outlasting(left, later)
      }
      return left ?? []
    })
  }

  /** @param {Edit} edit @returns {boolean} whether that is news */
  refuse(edit) {
    const { key, to, counts } = edit
    const place = JSON.stringify([key, Object.keys(to), Object.keys(counts)])
    const isNews = !isEqual(this.told.get(place), { ...to, ...counts })
    this.told.set(place, { ...to, ...counts })
    if (!edit.isGone) put(this.refused, key, joined(this.refused.get(key), edit))
    return isNews
  }

  clear() {
    this.waiting.clear()
    this.refused.clear()
    this.flights.clear()
  }

  /** In the order they were made. @returns {{ edit: Edit, upTo?: Record<string, number> }[]} */
  all() {
    return [
      ...[...this.refused.values()].map((edit) => ({ edit })),
      ...[...this.flights].flatMap(({ edits, upTo }) =>
        edits.map((edit) => ({ edit, upTo: upTo.get(edit) })),
      ),
      ...[...this.waiting.values()].map((edit) => ({ edit })),
    ]
  }
}

/** @param {Map<string, Edit>} edits @param {string} key @param {Edit | null} edit */
function put(edits, key, edit) {
  if (edit) edits.set(key, edit)
  else edits.delete(key)
}
