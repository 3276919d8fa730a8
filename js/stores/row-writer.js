// Owns how edits of a store's rows become writes of a collection: under which key, and what of a total is new. Knows
// no store.

import { shadowOf } from '../app/shadow.js'
import { stateOf } from '../client.js'
import { messageOf, SyncError } from '../error.js'
import { adoptedFields } from './adoption.js'
import { withOwn } from './own-change.js'

/** @typedef {import('./own-change.js').Edit} Edit */

export class RowWriter {
  /**
   * @param {import('../client.js').SyncClient<any>} client
   * @param {import('./store-sync.js').StoreMapping<any>} mapping
   */
  constructor(client, mapping) {
    this.client = client
    this.mapping = mapping
    this.state = stateOf(client)
    this.rows = client.collection(mapping.collection)
    this.spec = this.state.specOf(mapping.collection)
    this.fields = this.spec.fields
    /** @param {string} name @returns {string | undefined} of a list: the member that is an element's key */
    this.byKey = (name) => /** @type {any} */ (this.fields[name]?.merge)?.byKey
    /** rows under other keys than their names give: older versions of an app made random ones @type {Map<string, string>} */
    this.homes = new Map()
  }

  /**
   * All of these or none.
   * @param {Edit[]} edits
   * @param {Record<string, Record<string, any>>} whole the rows as the store has them
   * @returns {Promise<void>} rejects having written nothing
   */
  write(edits, whole) {
    return this.client.batch(() => {
      for (const edit of edits) this.add(edit, whole[edit.key])
    })
  }

  /** Inside a batch, which tells of a failure. @param {Edit} edit @param {Record<string, any>} [whole] */
  add({ key, isNew, isGone, isPart, from, to, counts }, whole) {
    const place = this.homeOf(key, isNew)
    if (isGone) return leaveToBatch([this.rows.remove(place)])
    const row = this.rows.get(place)
    /** @type {Record<string, any>} */
    const values = {}
    for (const [name, value] of Object.entries(to)) {
      const own = row ? withOwn(from[name], value, row[name], this.byKey(name)) : value
      values[name] = own === null && isNew ? undefined : own
    }
    for (const names of this.mapping.together ?? []) {
      if (!names.some((name) => name in values)) continue
      for (const name of names) values[name] = whole?.[name] ?? values[name]
    }
    const done = []
    const [first, ...others] = Object.entries(counts)
    if (first) done.push(this.rows.increment(place, first[0], first[1], values))
    for (const [name, by] of others) done.push(this.rows.increment(place, name, by))
    if (!first && Object.keys(values).length > 0) {
      const put = () => this.rows.put(place, { ...(isPart ? {} : whole), ...values })
      done.push(row ? this.rows.patch(place, values) : put())
    }
    leaveToBatch(done)
  }

  /**
   * Of a row that is not there, or no longer, all that the store has.
   * @param {Edit} edit @param {Record<string, any>} [whole] @returns {Edit}
   */
  completed(edit, whole) {
    const { key, isNew, isGone, counts } = edit
    if (isGone || this.spec.key === 'self' || this.rows.get(this.homeOf(key, isNew))) return edit
    const rest = Object.entries(whole ?? {}).filter(([name]) => !(name in counts))
    return { ...edit, isNew: true, from: {}, to: { ...Object.fromEntries(rest), ...edit.to } }
  }

  /**
   * The same edit with its totals as what they mean: how many more than this context was last known to have. Seen
   * from here on.
   * @param {Edit} edit @returns {Edit}
   */
  counted(edit) {
    const shadow = shadowOf(this.client)
    const [from, to] = [{ ...edit.from }, { ...edit.to }]
    const counts = { ...edit.counts }
    for (const [name, total] of Object.entries(to)) {
      if (!this.isTotal(name, total)) continue
      const place = this.placeOf(edit.key, name)
      const by = total - (shadow.get(place) ?? 0)
      shadow.set(place, total)
      if (by < 0) continue // set
      delete from[name]
      delete to[name]
      if (by > 0) counts[name] = by
    }
    return { ...edit, from, to, counts }
  }

  /** @param {string} key @param {Record<string, any>} fields */
  saw(key, fields) {
    for (const [name, total] of Object.entries(fields)) {
      if (this.isTotal(name, total)) shadowOf(this.client).set(this.placeOf(key, name), total)
    }
  }

  /**
   * Of a row as it was persisted: what the collection does not have.
   * @param {string} key @param {Record<string, any>} fields
   * @returns {Edit}
   */
  adoption(key, fields) {
    const row = this.rows.get(this.keyOf(key))
    const { added, values } = adoptedFields(fields, row, this.fields)
    const from = Object.fromEntries(Object.keys(values).map((name) => [name, row?.[name]]))
    return { key, isNew: !row, from, to: values, counts: Object.fromEntries(added) }
  }

  /**
   * What of a store that is opened stands over the rows.
   * @param {Record<string, Record<string, any>>} stored rows as the store has them
   * @param {boolean} isOurs the store says that it is this user's; else it says nothing
   * @returns {Edit[]}
   */
  ahead(stored, isOurs) {
    return Object.entries(stored).flatMap(([key, fields]) => {
      const row = this.rows.get(this.keyOf(key))
      const names = this.mapping.ahead?.(fields, row, isOurs, this.client.userId) ?? []
      if (names.length === 0) return []
      const pick = (/** @type {any} */ from) =>
        Object.fromEntries(names.map((name) => [name, from?.[name] ?? null]))
      return [{ key, isNew: !row, from: pick(row), to: pick(fields), counts: {} }]
    })
  }

  /**
   * What can be refused by itself: of the one row of a user each field, else each row.
   * @param {Edit[]} edits @returns {Edit[]} none: they are one already
   */
  partsOf(edits) {
    if (this.spec.key !== 'self') return edits.length > 1 ? edits : []
    return edits.flatMap((edit) => {
      const { from, to, counts } = edit
      if (edit.isPart || edit.isGone) return []
      const pick = (/** @type {any} */ fields, /** @type {string[]} */ names) =>
        Object.fromEntries(Object.entries(fields).filter(([name]) => names.includes(name)))
      const groups = new Set(Object.keys(to).map((name) => this.groupOf(name) ?? name))
      const common = { key: edit.key, isNew: edit.isNew, at: edit.at, isPart: true }
      return [
        ...[...groups].map((group) => {
          const names = [group].flat()
          return { ...common, from: pick(from, names), to: pick(to, names), counts: {} }
        }),
        ...Object.entries(counts).map(([name, by]) => {
          return { ...common, from: {}, to: {}, counts: { [name]: by } }
        }),
      ]
    })
  }

  /** Those it is written together with. @param {string} name */
  groupOf(name) {
    return this.mapping.together?.find((names) => names.includes(name))
  }

  /**
   * Why this would be refused, or null. It is tried together with what always is, so that nothing is written.
   * @param {Edit} edit @returns {Promise<unknown>} rejects when that cannot be told now
   */
  async problemWith(edit) {
    try {
      await this.client.batch(() => {
        this.add(edit)
        leaveToBatch([this.rows.patch(this.keyOf(edit.key), { [never]: true })])
      })
      throw new SyncError('invariant', `"${never}" was written`)
    } catch (/** @type {any} */ error) {
      if (!isAboutValues(error)) throw error
      return messageOf(error).includes(never) ? null : error
    }
  }

  /** What the counters of an edit come to. @param {Edit} edit @returns {Record<string, number>} */
  totalsOf({ key, isNew, counts }) {
    const row = this.rows.get(this.homeOf(key, isNew))
    return Object.fromEntries(
      Object.entries(counts).map(([name, by]) => [name, (row?.[name] ?? 0) + by]),
    )
  }

  /** Where the row is. @param {string} key of the store's @param {boolean} [isNew] @returns {string} */
  homeOf(key, isNew) {
    const place = this.keyOf(key)
    const row = /** @type {any} */ (this.rows.get(place))
    if (row) return row[this.spec.key] ?? place
    if (isNew || !this.mapping.nameOf) return place
    const known = this.homes.get(key)
    if (known !== undefined && this.rows.get(known)) return known
    const home = this.rows.keys().find((each) => this.isRowOf(each, key))
    if (home !== undefined) this.homes.set(key, home)
    return home ?? place
  }

  /** @param {string} place @param {string} key */
  isRowOf(place, key) {
    const { fromRows, toRows } = this.mapping
    const row = /** @type {any} */ (this.rows.get(place))
    return row !== undefined && Object.hasOwn(toRows(fromRows({ [place]: row }, {})), key)
  }

  /** In the collection. @param {string} key of the store's @returns {string} */
  keyOf(key) {
    const { nameOf } = this.mapping
    return nameOf ? (this.state.query({ uuid: nameOf(key) }) ?? key) : key
  }

  /** What a row has that toRows() leaves to its key. @param {string} key */
  keyFields(key) {
    return this.spec.key === 'self' || this.mapping.nameOf ? {} : { [this.spec.key]: key }
  }

  /** @param {string} name @param {unknown} value */
  isTotal(name, value) {
    return this.fields[name]?.merge === 'counter' && typeof value === 'number'
  }

  /** @param {string} key @param {string} field */
  placeOf(key, field) {
    return `${this.mapping.collection}/${key}/${field}`
  }
}

/** No field. */
const never = 'a field of no collection'
const valueCodes = ['invalid-value', 'too-large', 'unknown-field', 'unknown-collection']

/** It is the values that are wrong, and trying again does not help. @param {any} error */
export function isAboutValues(error) {
  return !(error instanceof SyncError) || valueCodes.includes(error.code)
}

/** @param {Promise<void>[]} writes */
function leaveToBatch(writes) {
  for (const each of writes) each.catch(() => {})
}
