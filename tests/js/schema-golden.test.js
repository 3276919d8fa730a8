// The native tests read the app's schema from a golden file: it must say what the package says.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { somaticSchema } from '../../js/somatic-schema.js'

const golden = new URL('../golden/somatic-schema.json', import.meta.url)

test('tests/golden/somatic-schema.json is the declared schema', () => {
  const said = JSON.parse(readFileSync(golden, 'utf8'))
  assert.deepEqual(said, JSON.parse(JSON.stringify(somaticSchema)))
})
