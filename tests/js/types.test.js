// The declarations that the build generates keep the promised API (tests/types/api.test-d.ts).

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

test('the generated declarations hold against tests/types/api.d.ts', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const { status, stdout, stderr } = spawnSync(
    `${root}/node_modules/.bin/tsc`,
    ['-p', `${root}/tests/types/tsconfig.json`],
    { encoding: 'utf8' },
  )
  assert.equal(status, 0, `${stdout}\n${stderr}`)
})

test('the package names declarations first, and ships what it names', () => {
  const { exports, files } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  )
  for (const entry of Object.values(exports)) {
    if (typeof entry === 'object') assert.equal(Object.keys(entry)[0], 'types')
    for (const path of typeof entry === 'string' ? [entry] : Object.values(entry)) {
      assert.ok(files.includes(path.split('/')[1]), path)
    }
  }
})
