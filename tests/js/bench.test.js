// The bench of a sync, one round of it: a figure a line, each with all that a reader needs, and the bars on requests
// hold. Times are for people: a busy machine is no fault.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

test('bench -- sync --json: push and pull beside supabase-js', async () => {
  const program = fileURLToPath(new URL('../../bench/main.js', import.meta.url))
  const args = [program, 'sync', '--json', '--rounds', '1']
  const { stdout } = await promisify(execFile)(process.execPath, args)
  const figures = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  const members = ['bar', 'env', 'name', 'ok', 'ours', 'peer', 'peerName', 'ratio']
  for (const figure of figures) {
    assert.deepEqual(Object.keys(figure).sort(), members)
    assert.ok(figure.ours > 0 && figure.peer > 0, JSON.stringify(figure))
    const judged = figure.name.endsWith('(requests)') ? figure.ours : figure.ratio
    assert.equal(figure.ok, judged <= figure.bar)
  }
  const of = (/** @type {RegExp} */ name) => figures.filter((figure) => name.test(figure.name))
  assert.deepEqual(
    of(/\(requests\)/).map(({ bar, ok }) => [bar, ok]),
    [
      [3, true],
      [4, true],
    ],
  )
  assert.ok(of(/^push 1,000.*\(ms\)/).some(({ bar }) => bar === 3))
  assert.ok(of(/^pull 10,000.*\(ms\)/).some(({ bar }) => bar === 3))
})
