// Owns how edits of a store's rows become writes of a collection: under which key, and what of a total is new. To be
// called inside a batch, which tells of a failure. Knows no store.

import { shadowOf } from '../app/shadow.js'
import { stateOf } from '../client.js'
import { adoptedFields } from './adoption.js'

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
    this.fields = this.state.specOf(mapping.collection).fields
  }

  /** @param {import('./own-change.js').Edit} edit @param {Record<string, any> | undefined} whole the row as the store has it */
  write({ key, isNew, fields }, whole) {
    const place = this.keyOf(key)
    const row = this.rows.get(place)
    const rest = { ...fields }
    /** @type {[field: string, by: number][]} */
    const added = []
    for (const [name, by] of this.countsIn(key, fields)) {
      if (by >= 0) delete rest[name]
      if (by > 0) added.push([name, by])
    }
    for (const names of this.mapping.together ?? []) {
      if (!names.some((name) => name in rest)) continue
      for (const name of names) rest[name] = whole?.[name] ?? rest[name]
    }
    const values = Object.fromEntries(
      Object.entries(rest).map(([name, value]) => [
        name,
        value === null && isNew ? undefined : value,
      ]),
    )
    const done = []
    const [first, ...others] = added
    if (first) done.push(this.rows.increment(place, first[0], first[1], values))
    for (const [name, by] of others) done.push(this.rows.increment(place, name, by))
    if (!first && Object.keys(values).length > 0) {
      const put = () => this.rows.put(place, { ...whole, ...values })
      done.push(row ? this.rows.patch(place, values) : put())
    }
    leaveToBatch(done)
  }

  /**
   * What the totals of a row mean: how many more than this context was last known to have. Seen from here on.
   * @param {string} key @param {Record<string, any>} fields
   * @returns {[field: string, by: number][]}
   */
  countsIn(key, fields) {
    const shadow = shadowOf(this.client)
    return Object.entries(fields).flatMap(([name, total]) => {
      if (this.fields[name]?.merge !== 'counter' || typeof total !== 'number') return []
      const place = this.placeOf(key, name)
      const by = total - (shadow.get(place) ?? 0)
      shadow.set(place, total)
      return [/** @type {[string, number]} */ ([name, by])]
    })
  }

  /** @param {string} key @param {Record<string, any>} fields */
  saw(key, fields) {
    for (const [name, total] of Object.entries(fields)) {
      if (this.fields[name]?.merge !== 'counter' || typeof total !== 'number') continue
      shadowOf(this.client).set(this.placeOf(key, name), total)
    }
  }

  /** Of a row as it was persisted: what the collection does not have. @param {string} key @param {Record<string, any>} fields */
  adopt(key, fields) {
    const place = this.keyOf(key)
    const row = this.rows.get(place)
    const { added, values } = adoptedFields(fields, row, this.fields)
    const done = added.map(([name, by]) => this.rows.increment(place, name, by))
    const isThere = row || added.length > 0
    if (Object.keys(values).length > 0) {
      done.push(isThere ? this.rows.patch(place, values) : this.rows.put(place, values))
    }
    leaveToBatch(done)
  }

  /** @param {string} key */
  remove(key) {
    leaveToBatch([this.rows.remove(this.keyOf(key))])
  }

  /** In the collection. @param {string} key of the store's @returns {string} */
  keyOf(key) {
    const { nameOf } = this.mapping
    return nameOf ? (this.state.query({ uuid: nameOf(key) }) ?? key) : key
  }

  /** @param {string} key @param {string} field */
  placeOf(key, field) {
    return `${this.mapping.collection}/${key}/${field}`
  }
}

/** @param {Promise<void>[]} writes */
function leaveToBatch(writes) {
  for (const each of writes) each.catch(() => {})
}
