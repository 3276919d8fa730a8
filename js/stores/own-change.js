// Owns what one change of a store says: which fields of which rows are other than they were, and what of that is the
// user's own when the row has changed as well. Pure.

import { isEqual } from '../is-equal.js'

/** @typedef {Record<string, Record<string, any>>} Rows key -> fields, as a store has them */

/**
 * One row's own change.
 * @typedef {object} Edit
 * @property {string} key
 * @property {boolean} [isNew]
 * @property {boolean} [isGone] deleted; nothing else counts then
 * @property {number} [at] edits are in this order
 * @property {boolean} [isPart] of what would be refused as a whole: written without the rest of the row
 * @property {Record<string, any>} from the dirty fields as they were
 * @property {Record<string, any>} to the same fields as the user left them
 * @property {Record<string, number>} counts counter -> how many more
 */

/**
 * @param {Rows} before
 * @param {Rows} after
 * @returns {{ edits: Edit[], gone: string[] }}
 */
export function changeBetween(before, after) {
  /** @type {Edit[]} */
  const edits = []
  for (const [key, fields] of Object.entries(after)) {
    const former = Object.hasOwn(before, key) ? before[key] : undefined
    if (former === fields) continue
    const dirty = Object.keys(fields).filter((name) => !isEqual(former?.[name], fields[name]))
    if (former && dirty.length === 0) continue
    const from = Object.fromEntries(dirty.map((name) => [name, former?.[name]]))
    const to = Object.fromEntries(dirty.map((name) => [name, fields[name]]))
    edits.push({ key, isNew: !former, from, to, counts: {} })
  }
  return { edits, gone: Object.keys(before).filter((key) => !Object.hasOwn(after, key)) }
}

/**
 * What the user changed, over what is there now: of an object only the members that are other than they were, of a
 * list whose elements have keys only those elements.
 * @param {any} from
 * @param {any} to
 * @param {any} now
 * @param {string} [byKey] the member that is an element's key
 * @returns {any}
 */
export function withOwn(from, to, now, byKey) {
  if (byKey && [from, to, now].every(Array.isArray)) return listWithOwn(from, to, now, byKey)
  if (!isObject(from) || !isObject(to) || !isObject(now)) return to
  const [was, is, members] = [from, to, now].map((each) => new Map(Object.entries(each)))
  for (const name of new Set([...was.keys(), ...is.keys()])) {
    if (!is.has(name)) members.delete(name)
    else if (!was.has(name) || !isEqual(was.get(name), is.get(name)))
      members.set(name, withOwn(was.get(name), is.get(name), members.get(name)))
  }
  return Object.fromEntries(members)
}

/** @param {any[]} from @param {any[]} to @param {any[]} now @param {string} byKey */
function listWithOwn(from, to, now, byKey) {
  if (isEqual(from, now)) return to
  const [was, is] = [from, to].map((list) => new Map(list.map((each) => [each?.[byKey], each])))
  const isOwn = (/** @type {any} */ key) => is.has(key) && !isEqual(was.get(key), is.get(key))
  const there = new Set(now.map((each) => each?.[byKey]))
  return [
    ...now.flatMap((each) => {
      const key = each?.[byKey]
      if (isOwn(key)) return [is.get(key)]
      return was.has(key) && !is.has(key) ? [] : [each]
    }),
    ...to.filter((each) => isOwn(each?.[byKey]) && !there.has(each?.[byKey])),
  ]
}

/**
 * One change after the other, as one.
 * @param {Edit | undefined} first
 * @param {Edit} second
 * @returns {Edit | null} null: nothing is other than it was
 */
export function joined(first, second) {
  if (!first || second.isGone) return second
  if (first.isGone) return { ...second, isNew: true }
  const from = { ...second.from, ...first.from }
  const to = { ...first.to }
  const counts = { ...first.counts }
  for (const [name, value] of Object.entries(second.to)) {
    to[name] = Object.hasOwn(to, name) ? withOwn(second.from[name], value, to[name]) : value
    delete counts[name] // a total that is set is what it is
  }
  for (const [name, by] of Object.entries(second.counts)) {
    if (Object.hasOwn(to, name)) to[name] += by
    else counts[name] = (counts[name] ?? 0) + by
  }
  for (const name of Object.keys(to)) {
    if (first.isNew || !isEqual(from[name], to[name])) continue
    delete from[name]
    delete to[name]
  }
  const isNothing = Object.keys(to).length + Object.keys(counts).length === 0
  const { key, isNew, at } = first
  return isNothing ? null : { key, isNew, at, from, to, counts }
}

/**
 * What is left of a change that was not written, when another one that came after it was, or may be.
 * @param {Edit} edit
 * @param {Edit} later of the same row
 * @returns {Edit | null} null: nothing
 */
export function outlasting(edit, later) {
  if (edit.isGone || later.isGone) return null
  const to = { ...edit.to }
  const counts = { ...edit.counts }
  for (const [name, value] of Object.entries(later.to)) {
    if (Object.hasOwn(to, name)) to[name] = withOwn(later.from[name], value, to[name])
    delete counts[name]
  }
  return { ...edit, to, counts }
}

/**
 * The row as this change leaves it.
 * @param {Edit} edit
 * @param {Record<string, any>} row
 * @param {(field: string) => string | undefined} byKey the keys of the elements of a list
 * @param {Record<string, number>} [upTo] counters that may or may not be counted already, and what they come to
 * @returns {Record<string, any>}
 */
export function withEdit({ from, to, counts }, row, byKey, upTo) {
  const now = { ...row }
  for (const [name, value] of Object.entries(to)) {
    now[name] = withOwn(from[name], value, row[name], byKey(name))
  }
  for (const [name, by] of Object.entries(counts)) {
    const total = row[name] ?? 0
    now[name] = upTo ? Math.max(total, upTo[name]) : total + by
  }
  return now
}

/**
 * Somebody types: texts of rows that were there changed, and nothing else.
 * @param {{ edits: Edit[], gone: string[] }} change
 */
export function isTyping({ edits, gone }) {
  /** @param {any} a @param {any} b @returns {boolean} */
  const areTexts = (a, b) => {
    if (typeof b === 'string') return typeof a === 'string' || a === undefined || a === null
    return isObject(a) && isObject(b) && Object.keys(b).every((name) => isSame(a, b, name))
  }
  /** @param {any} a @param {any} b @param {string} name @returns {boolean} */
  const isSame = (a, b, name) => isEqual(a[name], b[name]) || areTexts(a[name], b[name])
  return (
    gone.length === 0 &&
    edits.every(
      ({ isNew, from, to }) =>
        !isNew && Object.keys(to).every((name) => areTexts(from[name], to[name])),
    )
  )
}

/** @param {unknown} value */
function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
