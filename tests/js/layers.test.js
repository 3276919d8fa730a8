// The rules of the source tree itself: who may include whom, how long a file may be, and that each
// one says first what it owns. Reads text only; builds nothing.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const layers = ['base', 'protocol', 'store', 'sync', 'engine', 'host']
// A module of its own: knows no layer, and none knows it.
const apart = 'vectors'
// Beside the layers: knows base only, and only host knows it.
const beside = 'insights'
const linesMax = 400

/** @param {string} folder @param {RegExp} name */
function sources(folder, name) {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && name.test(entry.name))
    .map((entry) => {
      const path = join(entry.parentPath ?? entry.path, entry.name)
      return { path: path.slice(root.length), text: readFileSync(path, 'utf8') }
    })
}

const cpp = sources('wasm', /\.[ch]pp$/)
const js = sources('js', /\.js$/)

/** @param {string} path `wasm/<layer>/...` @param {string} included */
function includeFault(path, included) {
  const from = path.split('/')[1]
  if (/^emscripten/.test(included)) return from === 'host' ? null : 'only host may know Emscripten'
  const to = included.split('/')[0]
  if ((from === apart) !== (to === apart) && [...layers, apart].includes(to)) {
    return `${from} must not know ${to}`
  }
  if (from === beside && layers.includes(to) && to !== 'base') return `${from} must not know ${to}`
  if (to === beside && ![beside, 'host'].includes(from)) return `${from} must not know ${to}`
  if (from === beside || !layers.includes(to)) return null
  return layers.indexOf(to) <= layers.indexOf(from) ? null : `${from} must not know ${to}`
}

test('includes point leftwards: base <- protocol <- store <- sync <- engine <- host', () => {
  for (const { path, text } of cpp) {
    for (const [, included] of text.matchAll(/^\s*#\s*include\s*[<"]([^>"]+)[>"]/gm)) {
      assert.equal(includeFault(path, included), null, `${path} includes ${included}`)
    }
  }
})

test('an include to the right, or of Emscripten outside host, is a fault', () => {
  assert.equal(includeFault('wasm/sync/x.cpp', 'base/error.hpp'), null)
  assert.equal(includeFault('wasm/sync/x.cpp', 'sync/y.hpp'), null)
  assert.equal(includeFault('wasm/host/x.cpp', 'emscripten/val.h'), null)
  assert.notEqual(includeFault('wasm/sync/x.cpp', 'engine/engine.hpp'), null)
  assert.notEqual(includeFault('wasm/base/x.cpp', 'emscripten.h'), null)
  assert.equal(includeFault('wasm/vectors/x.cpp', 'vectors/y.hpp'), null)
  assert.notEqual(includeFault('wasm/vectors/x.cpp', 'base/error.hpp'), null)
  assert.notEqual(includeFault('wasm/store/x.cpp', 'vectors/y.hpp'), null)
  assert.equal(includeFault('wasm/insights/x.cpp', 'base/json.hpp'), null)
  assert.equal(includeFault('wasm/host/x.cpp', 'insights/y.hpp'), null)
  assert.notEqual(includeFault('wasm/insights/x.cpp', 'store/row.hpp'), null)
  assert.notEqual(includeFault('wasm/engine/x.cpp', 'insights/y.hpp'), null)
})

test('every file of the core lies in a layer', () => {
  const folders = [...layers, apart, beside]
  for (const { path } of cpp) assert.ok(folders.includes(path.split('/')[1]), path)
})

test('each source file opens with a comment', () => {
  for (const { path, text } of [...cpp, ...js]) assert.match(text, /^(\/\/|\/\*)/, path)
})

test(`no file is over ${linesMax} lines`, () => {
  for (const { path, text } of [...cpp, ...js]) {
    assert.ok(text.split('\n').length - 1 <= linesMax, path)
  }
})
