// The compiled module from whatever `wasm` may be: its place, its bytes, its bytes compiled; and what is said
// of something that is none.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { createBareModule, createCoreModule, wasmUrl } from '../../js/core-module.js'
import { loadModule } from '../../js/load-module.js'

const bytes = await readFile(new URL(wasmUrl()))

/** @type {[string, any][]} */
const given = [
  ['its place', wasmUrl()],
  ['bytes', bytes],
  ['an ArrayBuffer', bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)],
  ['compiled', await WebAssembly.compile(bytes)],
  ['nothing', undefined],
]
for (const [name, wasm] of given) {
  test(`the module comes to life from ${name}`, async () => {
    for (const createModule of [createBareModule, createCoreModule]) {
      const { errorCodes } = await loadModule(createModule, wasm)
      assert.match(errorCodes(), /signed-out/)
    }
  })
}

test('bytes that are no module are refused', { timeout: 20_000 }, async () => {
  for (const wasm of [new Uint8Array(4), bytes.subarray(0, bytes.length - 1)]) {
    const error = { name: 'SyncError', code: 'invariant', message: /from what was given/ }
    await assert.rejects(loadModule(createBareModule, wasm), error)
  }
})

test('another module than the one of this glue is refused', { timeout: 20_000 }, async () => {
  const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)
  await assert.rejects(loadModule(createBareModule, empty), { code: 'invariant' })
})
