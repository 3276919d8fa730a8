// Owns reading a backup: all of it is read and checked before the first row is written, then it is
// given to the core in pieces, each durable before the next. Knows no merge rule.

import { messageOf } from '../error.js'
import { nextTask } from '../next-task.js'
import { checkBackup, refused } from './format.js'

/** About how much is one commit, in UTF-16 units of JSON: what a page can take in without standing still. */
const pieceUnits = 150_000

/**
 * @param {import('../client-state.js').ClientState} state
 * @param {unknown} given
 * @returns {Promise<{ written: number, skipped: number }>}
 */
export async function readBackup(state, given) {
  const refusal = state.refusal()
  if (refusal) throw refusal
  const parsed = parse(await textOf(given))
  await nextTask()
  const backup = checkBackup(parsed, state.parts)
  await state.writes.settled()
  const sum = { written: 0, skipped: 0 }
  let overwritten = JSON.stringify(backup.overwritten)
  for (const rows of pieces(backup, state.parts.schema)) {
    const report = await state.change(
      (ticket) =>
        `{"type":"import","ticket":${ticket},"rows":[${rows}],"overwritten":${overwritten}}`,
    )
    sum.written += report.written
    sum.skipped += report.skipped
    overwritten = '[]'
  }
  return sum
}

/** @param {unknown} given a Blob, a stream of bytes, or the value itself */
async function textOf(given) {
  if (typeof given !== 'object' || given === null) throw refused('it is no object, Blob or stream')
  try {
    if (given instanceof ReadableStream) return await textOfStream(given)
    if (given instanceof Blob) return await textOfStream(given.stream())
    return JSON.stringify(given) // a copy, as JSON has it
  } catch (error) {
    throw refused(`it could not be read (${messageOf(error)}): try again, or another copy`, error)
  }
}

/** @param {ReadableStream<Uint8Array>} stream */
async function textOfStream(stream) {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const reader = stream.getReader()
  let text = ''
  for (;;) {
    const { done, value } = await reader.read()
    text += decoder.decode(value, { stream: !done })
    if (done) return text
  }
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw refused('it is cut off, or no JSON at all: use another copy', error)
  }
}

/**
 * What belongs to one row goes together; what is unsent of rows that are not there any more comes last.
 * @param {import('./format.js').Backup} backup
 * @param {import('../schema.js').Schema} schema
 * @returns {Generator<string>} the elements of an event's `rows`
 */
function* pieces({ collections, pending }, schema) {
  /** @type {Map<string, any[]>} */
  const unsent = new Map()
  for (const item of /** @type {any[]} */ (pending)) {
    const name = JSON.stringify([item.collection, item.key])
    unsent.set(name, [...(unsent.get(name) ?? []), item])
  }
  let piece = ''
  for (const [collection, rows] of Object.entries(collections)) {
    const keyField = schema.collections[collection].key
    for (const row of /** @type {any[]} */ (rows)) {
      const name = JSON.stringify([collection, keyField === 'self' ? 'self' : row[keyField]])
      const told = JSON.stringify({ collection, row, unsent: unsent.get(name) ?? [] })
      unsent.delete(name)
      if (piece && piece.length + told.length > pieceUnits) {
        yield piece
        piece = ''
      }
      piece += piece ? `,${told}` : told
    }
  }
  for (const items of unsent.values()) {
    const told = JSON.stringify({ collection: items[0].collection, unsent: items })
    piece += piece ? `,${told}` : told
  }
  yield piece
}
