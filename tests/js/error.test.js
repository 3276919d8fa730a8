// SyncError and its list of codes, which repeats the core's: held against the C++ source, and
// against the compiled module where it was built.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { errorCodes, errorInfo, messageOf, SyncError } from '../../js/error.js'
import { engines } from '../support/open-client.js'

test('the codes are those of wasm/base/error.hpp, in its order', async () => {
  const source = await readFile(new URL('../../wasm/base/error.hpp', import.meta.url), 'utf8')
  const declared = [...source.matchAll(/ErrorCode\{"([a-z-]+)", (true|false)\}/g)]
  assert.ok(declared.length > 10, 'the list was found')
  assert.deepEqual(
    declared.map(([, name, retryable]) => [name, retryable === 'true']),
    Object.entries(errorCodes),
  )
})

for (const { name, createModule } of engines) {
  test(`the codes are those of the ${name}`, async () => {
    const { errorCodes: exported } = await createModule({ print() {}, printErr() {} })
    assert.deepEqual(
      JSON.parse(exported()).map((/** @type {any} */ code) => [code.name, code.retryable]),
      Object.entries(errorCodes),
    )
  })
}

const cases = [
  { code: 'offline', retryable: true },
  { code: 'invalid-value', retryable: false },
  { code: 'something new', retryable: false },
  { code: 'toString', retryable: false },
]
for (const { code, retryable } of cases) {
  test(`"${code}" is ${retryable ? '' : 'not '}retryable`, () => {
    const cause = new Error('underneath')
    const error = new SyncError(code, 'what happened', cause)
    assert.ok(error instanceof Error)
    assert.deepEqual({ ...error }, { name: 'SyncError', code, retryable, cause })
    assert.equal(error.message, 'what happened')
    assert.deepEqual(errorInfo(error), { code, message: 'what happened', retryable })
  })
}

test('anything that was thrown has a text', () => {
  const texts = [new Error('a'), new TypeError(), { message: 'b' }, 'c', null, undefined, 3]
  assert.deepEqual(texts.map(messageOf), ['a', 'TypeError', 'b', 'c', 'null', 'undefined', '3'])
})
