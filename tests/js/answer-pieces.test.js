// A long answer in pieces says what it said at once, sends nothing more, and is dropped for any other request.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inPieces } from '../../js/answer-pieces.js'

const path = '/rest/v1/rpc/sync'
const head = { protocol: 1, now: 1795389955374, epoch: 'e', horizon: 0 }

/** @param {object} [members] */
const request = (members) => ({
  method: 'POST',
  body: new TextEncoder().encode(
    JSON.stringify({
      request: { device: 'd', epoch: 'e', cursor: 0, limit: 5000, push: [], ...members },
    }),
  ),
})

/** @param {number} count @param {string} [table] @param {number} [from] */
const rowsOf = (count, table = 'sovereign_logs', from = 1) => ({
  [table]: Array.from({ length: count }, (_, i) => ({
    ...{ id: `row ${i}`, version: from + 2 * i, content: 'x'.repeat(1000) },
  })),
})

/** A server that gives the same answer each time. @param {any} answer */
function serverOf(answer) {
  const body = typeof answer === 'string' ? answer : JSON.stringify(answer)
  const server = {
    requests: 0,
    async fetch() {
      server.requests += 1
      return new Response(body)
    },
  }
  return server
}

test('the pieces together are the answer: every row once, in order, up to its cursor', async () => {
  const tombstones = [200, 400, 900].map((version) => ['achievements', `t${version}`, version, ''])
  const rows = { ...rowsOf(600), ...rowsOf(300, 'achievements', 2) }
  const whole = { ...head, answers: [{ mid: 'm' }], rows, tombstones, cursor: 2000, more: true }
  const server = serverOf(whole)
  const fetch = inPieces(server.fetch)
  /** @type {any[]} */
  const pieces = []
  const received = []
  for (let cursor = 0; cursor < whole.cursor; cursor = pieces[pieces.length - 1].cursor) {
    // before first contact the epoch is not known
    const response = await fetch(path, request({ cursor, epoch: cursor === 0 ? null : 'e' }))
    received.push(/** @type {any} */ (response).received)
    pieces.push(await response.json())
  }
  assert.equal(server.requests, 1)
  assert.ok(pieces.length >= 6, `${pieces.length} pieces`)
  assert.deepEqual(
    received.map((bytes) => bytes > 0),
    pieces.map((_, i) => i === 0),
  )
  const all = (/** @type {string} */ table) => pieces.flatMap((piece) => piece.rows[table] ?? [])
  assert.deepEqual([all('sovereign_logs'), all('achievements')], Object.values(rows))
  assert.deepEqual(
    pieces.flatMap((piece) => piece.tombstones),
    tombstones,
  )
  let before = 0
  for (const [i, piece] of pieces.entries()) {
    const { rows: own, tombstones: gone, cursor, more, answers, ...rest } = piece
    assert.deepEqual(rest, head)
    assert.deepEqual(answers, i === 0 ? whole.answers : [])
    assert.equal(more, true)
    /** @type {any[]} */
    const versions = [
      ...Object.values(own).flat(),
      ...gone.map((/** @type {any[]} */ [, , version]) => ({ version })),
    ]
    for (const { version } of versions) assert.ok(before < version && version <= cursor)
    before = cursor
  }
  assert.equal(before, whole.cursor)
})

test('any other request goes to the server, and what was left of the pieces is forgotten', async () => {
  const others = [{ push: [{}] }, { cursor: 7 }, { epoch: 'other' }, { device: 'x' }, { limit: 0 }]
  for (const other of others) {
    const answer = { ...head, answers: [], rows: rowsOf(900), tombstones: [], cursor: 1800 }
    const server = serverOf({ ...answer, more: false })
    const fetch = inPieces(server.fetch)
    const { cursor } = await (await fetch(path, request())).json()
    await fetch(path, request({ cursor, ...other }))
    assert.equal(server.requests, 2, JSON.stringify(other))
    await fetch('/rest/v1/rpc/match_embeddings', request())
    await fetch(path, request({ cursor }))
    assert.equal(server.requests, 4)
  }
})

test('what is short, no answer, or would not be the same again is given as it came', async () => {
  const long = JSON.stringify({
    ...head,
    answers: [],
    rows: rowsOf(900),
    tombstones: [],
    cursor: 9,
  })
  const texts = [
    JSON.stringify({ ...head, answers: [], rows: rowsOf(9), tombstones: [], cursor: 9 }),
    long.replace('"cursor"', '"rows2":{"n":12345678901234567890},"cursor"'),
    long.slice(0, -1),
    long.replace('"version":1', '"version":"one"'),
    'x'.repeat(1_000_000),
  ]
  for (const text of texts) {
    const server = serverOf(text)
    const fetch = inPieces(server.fetch)
    assert.equal(await (await fetch(path, request())).text(), text)
  }
})
