// Owns how rows look with what is not written yet over them. Writes nothing.

import { isEqual } from '../is-equal.js'
import { withEdit } from './own-change.js'

/** @typedef {import('./own-change.js').Rows} Rows */
/** @typedef {import('./row-writer.js').RowWriter} RowWriter */

/**
 * What is to be taken over: never over what is there.
 * @param {Rows} rows of the collection; changed
 * @param {Rows} planned of the store
 * @param {RowWriter} writer
 */
export function putPlanned(rows, planned, writer) {
  for (const [key, fields] of Object.entries(planned)) {
    const place = writer.homeOf(key, true)
    const row = rows[place]
    rows[place] = row
      ? withEdit(writer.adoption(key, fields), row, writer.byKey)
      : { ...writer.keyFields(key), ...fields }
  }
}

/**
 * @param {Rows} rows of the collection; changed
 * @param {import('./held.js').Held} held
 * @param {Rows} agreed as the store had them last
 * @param {RowWriter} writer
 * @returns {boolean} something that is on its way differs from what the rows have already
 */
export function putHeld(rows, held, agreed, writer) {
  let isCovering = false
  for (const { edit, upTo } of held.all()) {
    const place = writer.homeOf(edit.key, edit.isNew)
    const former = rows[place]
    if (edit.isGone) {
      delete rows[place]
    } else {
      // a row that is gone meanwhile is as the store had it
      const row = former ?? { ...writer.keyFields(edit.key), ...agreed[edit.key] }
      rows[place] = withEdit(edit, row, writer.byKey, upTo)
    }
    if (upTo && !isEqual(former, rows[place])) isCovering = true
  }
  return isCovering
}
