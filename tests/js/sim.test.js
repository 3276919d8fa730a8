// The simulator as a command: its last line is a summary, and a seed that fails says how to run it again.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

/** @param {string[]} args as after `npm run sim --` */
function sim(...args) {
  const script = fileURLToPath(new URL('../../scripts/sim.sh', import.meta.url))
  const { status, stdout } = spawnSync('bash', [script, ...args], { encoding: 'utf8' })
  const lines = stdout.trimEnd().split('\n')
  return { status, lines, summary: JSON.parse(lines.at(-1) ?? '') }
}

test('N worlds from seed S on', () => {
  const { status, summary } = sim('--seeds', '5', '--from', '7')
  assert.deepEqual([status, summary.seeds, summary.from, summary.failed], [0, 5, 7, []])
  assert.ok(summary.edits > 0 && summary.requests > 0 && summary.kills > 0)
})

test('a failing seed prints its own command line, and that fails again', () => {
  const { status, lines, summary } = sim('--seeds', '3', '--from', '1', '--plant', 'no-ledger')
  assert.equal(status, 1)
  assert.ok(summary.failed.length > 0)
  const [, command] =
    /^seed \d+ failed: npm run sim -- (.*)$/.exec(
      lines.find((line) => /failed:/.test(line)) ?? '',
    ) ?? assert.fail(lines.join('\n'))
  const again = sim(...command.split(' '))
  assert.deepEqual([again.status, again.summary.failed], [1, [summary.failed[0]]])
})
