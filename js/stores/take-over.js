// Owns taking over what a store had persisted before its rows were kept here: once for each user and store, all of it
// together with the note that it was done, or nothing. What is refused for its value is left out and told. Knows no
// store.

import { adoptable } from './adoption.js'
import { isAboutValues } from './row-writer.js'

/** @typedef {import('./own-change.js').Edit} Edit */
/** @typedef {import('./own-change.js').Rows} Rows */

export class TakeOver {
  /**
   * @param {import('../client.js').SyncClient<any>} client
   * @param {import('./row-writer.js').RowWriter} writer
   * @param {string} name of the store
   */
  constructor(client, writer, name) {
    this.client = client
    this.writer = writer
    this.name = name
    /** still to be taken over, as it was persisted @type {Rows} */
    this.rows = {}
    this.isUnderWay = false
    this.isOver = false
  }

  /** @param {Rows} rows @param {Rows} initial */
  plan(rows, initial) {
    this.rows = adoptable(rows, initial)
  }

  /** Here, or at an earlier start. */
  isDone() {
    if (this.isOver) return true
    if (this.isUnderWay) return false // the note may be seen, and not be stored
    return this.hasNotes() && this.client.collection('stores').get(this.name)?.isTakenOver === true
  }

  /**
   * @param {(edit: Edit, error: unknown) => void} onRefused before anything is stored; whoever hears it keeps it
   * @returns {Promise<void>} rejects having stored nothing: all is as it was
   */
  async run(onRefused) {
    this.isUnderWay = true
    const planned = this.rows
    /** @type {Edit[]} */
    const refused = []
    try {
      await this.write().catch(async (error) => {
        if (!isAboutValues(error)) throw error
        for (const [edit, problem] of await this.problems()) {
          this.leaveOut(edit)
          refused.push(edit)
          onRefused(edit, problem)
        }
        await this.write()
      })
      this.rows = {}
      this.isOver = true
    } catch (error) {
      for (const { key } of refused) this.rows[key] = { ...planned[key], ...this.rows[key] }
      throw Object.assign(new Error('nothing was taken over'), { cause: error, refused })
    } finally {
      this.isUnderWay = false
    }
  }

  write() {
    return this.client.batch(() => {
      for (const edit of this.edits()) this.writer.add(edit)
      if (!this.hasNotes()) return
      const note = this.client.collection('stores').put(this.name, { isTakenOver: true })
      note.catch(() => {}) // the batch tells
    })
  }

  edits() {
    return Object.entries(this.rows).map(([key, fields]) => this.writer.adoption(key, fields))
  }

  /** @returns {Promise<[Edit, unknown][]>} */
  async problems() {
    const edits = this.edits()
    const parts = this.writer.partsOf(edits)
    const tried = parts.length > 0 ? parts : edits
    const problems = await Promise.all(tried.map((edit) => this.writer.problemWith(edit)))
    return tried.flatMap((edit, i) =>
      problems[i] ? [/** @type {[Edit, unknown]} */ ([edit, problems[i]])] : [],
    )
  }

  /** @param {Edit} edit */
  leaveOut({ key, isPart, to, counts }) {
    const { [key]: fields, ...others } = this.rows
    this.rows = others
    if (!isPart) return
    const rest = Object.entries(fields).filter(([name]) => !(name in to || name in counts))
    this.rows[key] = Object.fromEntries(rest)
  }

  /** The user goes on where this stopped. @param {Edit} edit */
  changed({ key, isGone, counts }) {
    const fields = this.rows[key]
    if (!fields) return
    if (isGone) delete this.rows[key]
    for (const [name, by] of Object.entries(counts)) {
      if (typeof fields[name] === 'number')
        this.rows[key] = { ...fields, [name]: fields[name] + by }
    }
  }

  hasNotes() {
    return this.writer.state.parts.schema.collections.stores !== undefined
  }
}
