// Owns the note in a store of what its rows lack, so that a store that is persisted takes it up again: by row and field
// what the row had there. Where the row has something else by then, what the store has is no longer an edit of it.

import { isEqual } from '../is-equal.js'

/** @typedef {import('./own-change.js').Edit} Edit */
/** @typedef {Record<string, Record<string, any>>} Note */

/**
 * @param {Edit[]} edits
 * @param {import('./row-writer.js').RowWriter} writer
 * @returns {Note}
 */
export function noteOf(edits, writer) {
  /** @type {Note} */
  const note = {}
  for (const { key, isNew, isGone, to, counts } of edits) {
    if (isGone) continue
    const row = writer.rows.get(writer.homeOf(key, isNew))
    const names = [...Object.keys(to), ...Object.keys(counts)]
    const had = Object.fromEntries(names.map((name) => [name, row?.[name] ?? null]))
    note[key] = { ...note[key], ...had }
  }
  return note
}

/**
 * @param {Note} note
 * @param {Record<string, Record<string, any>>} rows as the store has them
 * @param {import('./row-writer.js').RowWriter} writer
 * @returns {Edit[]}
 */
export function editsIn(note, rows, writer) {
  return Object.entries(note).flatMap(([key, had]) => {
    const fields = rows[key]
    if (!fields) return []
    const row = writer.rows.get(writer.homeOf(key))
    if (!row) return [writer.adoption(key, fields)]
    const names = Object.keys(had).filter((name) => Object.hasOwn(fields, name))
    const still = names.filter((name) => isEqual(row[name] ?? null, had[name]))
    const moved = names.filter((name) => !still.includes(name))
    const edit = writer.adoption(key, Object.fromEntries(moved.map((name) => [name, fields[name]])))
    for (const name of still) {
      const by = fields[name] - (had[name] ?? 0)
      if (writer.isTotal(name, fields[name]) && by >= 0) {
        edit.counts[name] = by
      } else {
        edit.from[name] = row[name]
        edit.to[name] = fields[name]
      }
    }
    return [edit]
  })
}
