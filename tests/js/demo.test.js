// The demo, as anyone would run it once everything is built: its last line is the promise of the package.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

test('the demo converges: nothing lost, doubled or leaked', async () => {
  const program = fileURLToPath(new URL('../../demo/main.js', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [program])
  const last = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')
  const { converged, lost, duplicated, foreignRowsVisible, devices, conflicts, rows } = last
  assert.deepEqual(
    { converged, lost, duplicated, foreignRowsVisible, devices },
    { converged: true, lost: 0, duplicated: 0, foreignRowsVisible: 0, devices: 3 },
  )
  assert.ok(conflicts > 20, `both devices edited the same rows: ${conflicts} conflicts`)
  assert.ok(rows > 1000, `a month of data: ${rows} rows`)
})
