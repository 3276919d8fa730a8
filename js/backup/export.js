// Owns writing a backup, piece by piece, as fast as somebody takes the pieces: at no time is more
// than one of them, or one file of vectors, in memory. Knows the format's outline, no row.

import { SyncError } from '../error.js'
import { format } from './format.js'

/** Rows asked for at a time while a file of vectors is in memory. */
const rowsAtOnce = 100
/** For the names of counts. Each waits for a commit; more than a few only while the app never stops writing. */
const triesMax = 20

/**
 * @param {import('../client-state.js').ClientState} state
 * @param {(text: string) => Promise<void>} write
 */
export async function writeBackup(state, write) {
  const { userId, schema } = state.parts
  const refusal = state.refusal()
  if (refusal) throw refusal
  await state.writes.settled()
  const unsent = await askUnsent(state)
  const exportedAt = new Date(state.serverNow()).toISOString()
  const head = JSON.stringify({ format, exportedAt, userId })
  const pending = JSON.stringify(unsent)
  const overwritten = JSON.stringify(ask(state, { overwritten: 'backup' }))
  await write(
    `${head.slice(0, -1)},\n"pending":${pending},\n"overwritten":${overwritten},\n"collections":{`,
  )
  let separator = ''
  for (const [name, spec] of Object.entries(schema.collections)) {
    if (spec.localOnly) continue
    await write(`${separator}\n${JSON.stringify(name)}:[`)
    separator = ','
    await new RowsWriter(state, name, write).run()
    await write(']')
  }
  await write('}}\n')
}

/** The rows of one collection; those whose vector is on the disk come last, in the order found there. */
class RowsWriter {
  /** @param {import('../client-state.js').ClientState} state @param {string} name @param {(text: string) => Promise<void>} write */
  constructor(state, name, write) {
    this.state = state
    this.name = name
    this.write = write
    this.vectors = state.rows.get(name)?.vectors ?? []
    this.separator = '\n'
    /** @type {Map<string, string[]>} name of a vector on the disk -> keys of the rows it is in */
    this.wanted = new Map()
  }

  async run() {
    if (this.vectors.length > 1) await this.state.loadVectors()
    /** @type {string | undefined} */
    let told = ''
    while (told !== undefined) {
      const { rows, last } = ask(this.state, { told, collection: this.name })
      await this.rows(rows)
      told = last
    }
    if (this.wanted.size === 0) return
    const { core } = this.state.parts
    await core?.vectors.read(async (file) => this.vectorsOf(core.vectors.textsIn(file)))
    await this.named([...this.wanted.values()].flat(), null)
  }

  /** @param {Record<string, string>} texts by name of a vector */
  async vectorsOf(texts) {
    const keys = Object.keys(texts).flatMap((name) => {
      const wanting = this.wanted.get(name) ?? []
      this.wanted.delete(name)
      return wanting
    })
    await this.named(keys, texts)
  }

  /** @param {string[]} keys @param {Record<string, string> | null} texts null: what is missing is lost */
  async named(keys, texts) {
    for (let i = 0; i < keys.length; i += rowsAtOnce) {
      const told = keys.slice(i, i + rowsAtOnce)
      const rows = ask(this.state, { told, collection: this.name })
      await this.rows(rows.filter(Boolean), texts)
    }
  }

  /** @param {any[]} rows @param {Record<string, string> | null} [texts] */
  async rows(rows, texts = {}) {
    let text = ''
    for (const row of rows) {
      const json = this.json(row, texts)
      if (json === null) continue
      text += this.separator + json
      this.separator = ',\n'
    }
    if (text) await this.write(text)
  }

  /** @param {any} row @param {Record<string, string> | null} texts @returns {string | null} null: not yet */
  json(row, texts) {
    const field = this.vectors.find((each) => typeof row[each] === 'string')
    if (field === undefined) return JSON.stringify(row)
    const { [field]: vector, ...rest } = row
    if (texts && !Object.hasOwn(texts, vector)) {
      const key = row[/** @type {any} */ (this.state.rows.get(this.name)).spec.key] ?? 'self'
      const keys = this.wanted.get(vector)
      if (keys) keys.push(key)
      else this.wanted.set(vector, [key])
      return null
    }
    const numbers = texts ? texts[vector] : 'null'
    return `${JSON.stringify(rest).slice(0, -1)},${JSON.stringify(field)}:${numbers}}`
  }
}

/**
 * What is unsent, once each count in it has a name that is durable. A disk that takes nothing any more
 * must not keep anybody from leaving with the data: then some have none.
 * @param {import('../client-state.js').ClientState} state
 */
async function askUnsent(state) {
  /** @type {any[]} */
  let unsent = []
  for (let tries = 0; tries < triesMax; tries++) {
    await state.ask((ticket) => JSON.stringify({ type: 'export', ticket })).catch(() => {})
    unsent = ask(state, { unsent: true })
    if (unsent.every(({ counts, id }) => !counts || id)) break // else one came in between
  }
  return unsent
}

/** @param {import('../client-state.js').ClientState} state @param {object} question */
function ask(state, question) {
  const answer = state.query(question)
  if (answer === null) {
    throw state.refusal() ?? new SyncError('aborted', 'the export ended: its client broke down')
  }
  return answer
}
