// What may cross the border into the core, as a table: the JSON text it becomes, or why not.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import vm from 'node:vm'
import { encodeFields, maxValueBytes } from '../../js/value.js'

/** @param {number} levels */
function nested(levels) {
  /** @type {any} */
  let value = 1
  for (let i = 0; i < levels; i++) value = i % 2 ? [value] : { a: value }
  return value
}
/** @type {any} */
const cyclic = { a: {} }
cyclic.a.b = cyclic.a
/** @type {any} */
const cyclicArray = []
cyclicArray.push([cyclicArray])
class Point {
  x = 1
}
/** @type {any} */
let bomb = 'x'.repeat(100)
for (let i = 0; i < 60; i++) bomb = [bomb, bomb]

const accepted = [
  {
    name: 'every JSON type',
    value: { s: 'ä€😀', n: -1.5e-7, t: true, f: false, z: null, a: [1, []] },
  },
  { name: 'undefined at the top is not given', value: { a: undefined, b: 1 }, want: '{"b":1}' },
  {
    name: 'undefined deeper is dropped',
    value: { a: { b: undefined, c: 1 } },
    want: '{"a":{"c":1}}',
  },
  {
    name: 'an own __proto__',
    value: JSON.parse('{"a":{"__proto__":{"x":1}}}'),
    want: '{"a":{"__proto__":{"x":1}}}',
  },
  { name: 'no prototype', value: Object.assign(Object.create(null), { a: 1 }), want: '{"a":1}' },
  { name: 'another realm', value: vm.runInNewContext('({a: [{b: 1}]})'), want: '{"a":[{"b":1}]}' },
  { name: '100 levels', value: { a: nested(100) } },
  { name: 'the same object twice, no cycle', value: { a: [bomb[0][0][0] && 1], b: [[1], [1]] } },
  { name: 'minus zero', value: { a: -0 }, want: '{"a":0}' },
  { name: 'escapes', value: { a: '"\\\n\u2028' } },
  {
    name: 'a Float32Array in a vector',
    value: { v: new Float32Array([1, 0.5]) },
    want: '{"v":[1,0.5]}',
  },
  {
    name: 'a part of a buffer in a vector',
    value: { v: new Float64Array([9, 1, 2]).subarray(1) },
    want: '{"v":[1,2]}',
  },
  { name: 'numbers in a vector', value: { v: [1, 2] }, want: '{"v":[1,2]}' },
  { name: 'just small enough', value: { a: 'x'.repeat(maxValueBytes - 8) } },
]

for (const { name, value, want } of accepted) {
  test(`accepts ${name}`, () => {
    const text = encodeFields(value, (field) => field === 'v')
    assert.equal(text, want ?? JSON.stringify(value))
  })
}

/** @type {{ name: string, value: any, says: RegExp, code?: string }[]} */
const refused = [
  { name: 'no object', value: 'text', says: /the value must be an object of fields, not a string/ },
  { name: 'null', value: null, says: /not null/ },
  { name: 'an array', value: [], says: /not an array/ },
  { name: 'a class instance at the top', value: new Point(), says: /the value is a Point/ },
  { name: '101 levels', value: { a: nested(101) }, says: /^a\.a.* deeper than 100 levels/ },
  { name: '300 levels', value: { a: nested(300) }, says: /deeper than 100 levels/ },
  { name: '100,000 levels', value: { a: nested(100_000) }, says: /deeper than 100 levels/ },
  { name: 'a cycle', value: cyclic, says: /^a\.b contains itself/ },
  { name: 'a cycle of arrays', value: { a: cyclicArray }, says: /^a\[0\]\[0\] contains itself/ },
  {
    name: 'too much text',
    value: { a: 'x'.repeat(maxValueBytes - 7) },
    says: /larger than 1000000 bytes/,
    code: 'too-large',
  },
  {
    name: 'too much in bytes, not in characters',
    value: { a: '€'.repeat(340_000) },
    says: /larger/,
    code: 'too-large',
  },
  { name: 'a graph that explodes', value: { a: bomb }, says: /larger/, code: 'too-large' },
  { name: 'NUL', value: { a: { b: ['x\0'] } }, says: /^a\.b\[0\] contains a NUL/ },
  { name: 'NUL in a name', value: { a: { 'b\0': 1 } }, says: /NUL/ },
  {
    name: 'a high surrogate',
    value: { a: 'x\ud83d' },
    says: /^a contains half of a surrogate pair/,
  },
  { name: 'a low surrogate', value: { a: '\ude00x' }, says: /surrogate/ },
  { name: 'a lone surrogate in a name', value: { a: { '\ud83d': 1 } }, says: /surrogate/ },
  { name: 'a Date', value: { a: new Date() }, says: /^a is a Date, not plain data/ },
  { name: 'a Map', value: { a: new Map() }, says: /^a is a Map/ },
  { name: 'a Set', value: { a: { b: new Set() } }, says: /^a\.b is a Set/ },
  { name: 'a RegExp', value: { a: /x/ }, says: /^a is a RegExp/ },
  { name: 'an Error', value: { a: new Error('x') }, says: /^a is an Error/ },
  { name: 'a Promise', value: { a: Promise.resolve() }, says: /^a is a Promise/ },
  { name: 'a boxed string', value: { a: Object('x') }, says: /^a is a String/ },
  {
    name: 'a Float32Array outside a vector',
    value: { a: new Float32Array(2) },
    says: /^a is a Float32Array/,
  },
  {
    name: 'a Float32Array deep in a vector',
    value: { v: { v: new Float32Array(2) } },
    says: /Float32Array/,
  },
  {
    name: 'a DataView in a vector',
    value: { v: new DataView(new ArrayBuffer(8)) },
    says: /DataView/,
  },
  { name: 'big integers in a vector', value: { v: new BigInt64Array(2) }, says: /BigInt64Array/ },
  {
    name: 'NaN in a vector',
    value: { v: new Float32Array([1, Number.NaN]) },
    says: /^v\[1\] is NaN/,
  },
  { name: 'an ArrayBuffer', value: { a: new ArrayBuffer(2) }, says: /^a is an ArrayBuffer/ },
  { name: 'a function', value: { a: () => 1 }, says: /^a is a function/ },
  { name: 'a toJSON method', value: { a: { toJSON: () => 1 } }, says: /^a\.toJSON is a function/ },
  { name: 'a BigInt', value: { a: 1n }, says: /^a is a bigint/ },
  { name: 'a symbol', value: { a: Symbol('x') }, says: /^a is a symbol/ },
  {
    name: 'a symbol as a name',
    value: { a: { [Symbol('x')]: 1 } },
    says: /^a has a member named by a symbol/,
  },
  { name: 'NaN', value: { a: Number.NaN }, says: /^a is NaN/ },
  { name: 'Infinity', value: { a: [1, Number.POSITIVE_INFINITY] }, says: /^a\[1\] is Infinity/ },
  { name: '-Infinity', value: { a: Number.NEGATIVE_INFINITY }, says: /^a is -Infinity/ },
  { name: 'undefined in an array', value: { a: [undefined] }, says: /^a\[0\] is undefined/ },
  {
    name: 'a hole in an array',
    value: { a: new Array(4_000_000_000) },
    says: /^a\[0\] is undefined/,
  },
  { name: 'a class instance', value: { a: new Point() }, says: /^a is a Point, not plain data/ },
  {
    name: 'a subclass of a plain object',
    value: { a: Object.create({}) },
    says: /^a is an Object/,
  },
]

for (const { name, value, says, code = 'invalid-value' } of refused) {
  test(`refuses ${name}`, () => {
    assert.throws(
      () => encodeFields(value, (field) => field === 'v'),
      (/** @type {any} */ error) => {
        assert.equal(error.name, 'SyncError')
        assert.equal(error.code, code)
        assert.match(error.message, says)
        assert.ok(error.message.length < 200, 'the message stays short')
        return true
      },
    )
  })
}

test('runs a getter once and never calls an inherited toJSON', () => {
  let reads = 0
  const value = {
    get a() {
      reads += 1
      return reads
    },
  }
  assert.equal(encodeFields(value), '{"a":1}')
  assert.equal(reads, 1)
})

test('a getter that throws refuses the value and keeps the cause', () => {
  const cause = new Error('boom')
  const value = {
    get a() {
      throw cause
    },
  }
  assert.throws(
    () => encodeFields(value),
    (/** @type {any} */ error) => error.code === 'invalid-value' && error.cause === cause,
  )
})
