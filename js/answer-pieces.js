// Owns giving the core a long answer of rpc/sync in pieces, one a task, as a server of shorter answers would: a
// page must not stand still while it takes thousands of rows. Knows of an answer what it takes to cut it.
//
//   request -> server: 5,000 rows -> the first 400, "more" -> core
//   request, from there on -> not sent: the next 400, "more" -> core
//   a request that says or asks anything else -> server: what is left of the pieces is dropped

import { nextTask } from './next-task.js'

/** Some rows of a page's data, parsed, merged and stored in a few milliseconds. */
const pieceBytes = 150_000
const path = '/rest/v1/rpc/sync'
const utf8 = { encode: new TextEncoder(), decode: new TextDecoder() }

/** @typedef {(path: string, init: RequestInit) => Promise<Response>} Fetch */
/** @typedef {{ version: number, put(into: any): void }} Item a row or a tombstone, and its place in an answer */

/**
 * @param {Fetch} fetch
 * @returns {Fetch} whose answers also tell `received`: how many bytes came for this request, 0 for a further piece
 */
export function inPieces(fetch) {
  /** @type {Pieces | null} */
  let kept = null
  return async (to, init) => {
    const pieces = kept
    kept = null
    if (pieces?.answer(to, init)) {
      kept = pieces
      await nextTask()
      return pieces.next()
    }
    const response = await fetch(to, init)
    if (to !== path || response.status !== 200) return response
    const bytes = await response.arrayBuffer()
    const cut = bytes.byteLength > 2 * pieceBytes ? cutUp(bytes, init) : null
    if (!cut) return answerOf(bytes, bytes.byteLength)
    kept = cut
    return cut.next()
  }
}

class Pieces {
  /** @param {any} request @param {any} answer @param {Item[]} items by version @param {number} bytes */
  constructor(request, answer, items, bytes) {
    this.request = request
    this.whole = answer
    this.items = items
    this.bytes = bytes
    this.each = Math.max(1, Math.floor((items.length * pieceBytes) / bytes))
    this.given = 0
    /** the cursor that asks for the next piece */
    this.cursor = request.cursor
  }

  /** Whether the next piece is all that this request asks for. @param {string} to @param {RequestInit} init */
  answer(to, init) {
    if (to !== path || this.given === this.items.length) return false
    const request = requestIn(init)
    return (
      request?.push.length === 0 &&
      request.cursor === this.cursor &&
      request.epoch === this.whole.epoch &&
      ['device', 'limit'].every((name) => request[name] === this.request[name])
    )
  }

  next() {
    const isFirst = this.given === 0
    // rows of one transaction may share no version, but nothing may be cut apart that does
    let end = Math.min(this.items.length, this.given + this.each)
    while (end < this.items.length && this.items[end].version === this.items[end - 1].version) end++
    const { answers, cursor, more, ...rest } = this.whole
    const isLast = end === this.items.length
    const piece = {
      ...rest,
      answers: isFirst ? answers : [],
      rows: {},
      tombstones: [],
      cursor: isLast ? cursor : this.items[end - 1].version,
      more: isLast ? more : true,
    }
    for (const item of this.items.slice(this.given, end)) item.put(piece)
    this.given = end
    this.cursor = piece.cursor
    return answerOf(utf8.encode.encode(JSON.stringify(piece)), isFirst ? this.bytes : 0)
  }
}

/** null: it is none that can be cut. @param {ArrayBuffer} bytes @param {RequestInit} init */
function cutUp(bytes, init) {
  const request = requestIn(init)
  const answer = parsed(bytes)
  if (!request || !Array.isArray(answer?.tombstones) || typeof answer.rows !== 'object') return null
  /** @type {Item[]} */
  const items = answer.tombstones.map((/** @type {any} */ each) => ({
    version: each[2],
    put: (/** @type {any} */ into) => into.tombstones.push(each),
  }))
  for (const [table, rows] of Object.entries(answer.rows)) {
    for (const row of /** @type {any[]} */ (rows)) {
      const put = (/** @type {any} */ into) => {
        into.rows[table] ??= []
        into.rows[table].push(row)
      }
      items.push({ version: row.version, put })
    }
  }
  if (!items.every(({ version }) => Number.isSafeInteger(version))) return null
  items.sort((a, b) => a.version - b.version)
  return new Pieces(request, answer, items, bytes.byteLength)
}

/** @param {RequestInit} init @returns {any} null: nothing that is known here */
function requestIn({ body }) {
  const request = body instanceof Uint8Array ? parsed(body)?.request : null
  return Array.isArray(request?.push) ? request : null
}

/** An integer that a JavaScript number cannot hold, in a text or not. */
const longInteger = /[^.\d]\d{16}/

/**
 * @param {ArrayBuffer | Uint8Array} bytes
 * @returns {any} null: no JSON, which the core will say; or what would not be the same again
 */
function parsed(bytes) {
  try {
    const text = utf8.decode.decode(/** @type {BufferSource} */ (bytes))
    return longInteger.test(text) ? null : JSON.parse(text)
  } catch {
    return null
  }
}

/** @param {ArrayBuffer | Uint8Array} bytes @param {number} received */
function answerOf(bytes, received) {
  const response = new Response(/** @type {BodyInit} */ (bytes), {
    headers: { 'content-type': 'application/json' },
  })
  return Object.assign(response, { received })
}
