// Owns what may cross the border into the core: checks a value and writes it as JSON text in one
// walk, so that nothing is read twice and nothing but the checked text goes on. Knows no collection;
// types and bounds of fields are the core's.

import { messageOf, SyncError } from './error.js'

/** Deepest nesting of objects and arrays in one field. */
export const maxDepth = 100
/** Largest JSON text of one write's fields, in bytes of UTF-8. */
export const maxValueBytes = 1_000_000

const loneSurrogate = /\p{Surrogate}/u
/** Holds no half of a surrogate pair. @type {(text: string) => boolean} */
export const isWellFormed =
  'isWellFormed' in String.prototype
    ? (text) => /** @type {any} */ (text).isWellFormed()
    : (text) => !loneSurrogate.test(text)

/**
 * Checks the fields of a write and gives them as the JSON text of an object.
 *
 * As JSON.stringify, but: a member that is undefined is left out (at the top: "not given"), an
 * undefined array element is refused instead of becoming null; what JSON cannot hold is refused
 * instead of being changed; toJSON is never called; own keys named `__proto__` are kept.
 * @param {unknown} fields a plain object
 * @param {(field: string) => boolean} [isVector] which fields may hold a typed array of numbers
 * @returns {string} JSON text
 * @throws {SyncError} "invalid-value" or "too-large", naming the place and what is wrong
 */
export function encodeFields(fields, isVector = () => false) {
  const out = new Writer()
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
    throw out.invalid(`must be an object of fields, not ${nameOf(fields)}`)
  }
  try {
    writeMembers(out, fields, isVector)
    return out.text()
  } catch (error) {
    if (error instanceof SyncError) throw error
    // a getter or a proxy of the caller threw
    throw new SyncError('invalid-value', `reading the value failed: ${messageOf(error)}`, error)
  }
}

/**
 * The same for any single JSON value, for example the options of list().
 * @param {unknown} value
 * @param {string} name what to call it in a message
 * @returns {string} JSON text
 */
export function encodeValue(value, name) {
  const out = new Writer()
  out.path.push(name)
  write(out, value)
  return out.text()
}

/** The text so far, and where the walk is. Paths become text only when something is wrong. */
class Writer {
  constructor() {
    /** @type {string[]} */
    this.parts = []
    this.units = 0
    /** @type {(string | number)[]} */
    this.path = []
    /** @type {object[]} the containers around the walk below the top, outermost first */
    this.ancestors = []
  }

  /** @param {string} part */
  add(part) {
    // UTF-16 units are never more than bytes of UTF-8. Asked on the way, before a graph of shared
    // references explodes into text.
    this.units += part.length
    if (this.units > maxValueBytes) throw tooLarge()
    this.parts.push(part)
  }

  text() {
    const text = this.parts.join('')
    if (this.units * 3 > maxValueBytes && utf8Bytes(text) > maxValueBytes) throw tooLarge()
    return text
  }

  /** @param {string} problem @returns {SyncError} */
  invalid(problem) {
    let path = ''
    for (const step of this.path) {
      if (typeof step === 'number') path += `[${step}]`
      else path += path ? `.${step}` : step
    }
    // a path 100 levels deep helps nobody; its two ends do
    if (path.length > 120) path = `${path.slice(0, 60)}...${path.slice(-50)}`
    return new SyncError('invalid-value', `${path || 'the value'} ${problem}`)
  }
}

/** @param {Writer} out @param {unknown} value */
function write(out, value) {
  switch (typeof value) {
    case 'string':
      return out.add(quote(out, value))
    case 'number':
      if (!Number.isFinite(value)) throw out.invalid(`is ${value}, which JSON cannot hold`)
      return out.add(JSON.stringify(value))
    case 'boolean':
      return out.add(value ? 'true' : 'false')
    case 'object':
      return value === null ? out.add('null') : writeContainer(out, value)
    default:
      throw out.invalid(`is ${nameOf(value)}, which JSON cannot hold`)
  }
}

/** @param {Writer} out @param {object} value */
function writeContainer(out, value) {
  if (out.ancestors.includes(value)) throw out.invalid('contains itself')
  if (out.ancestors.length === maxDepth) {
    throw out.invalid(`is nested deeper than ${maxDepth} levels`)
  }
  out.ancestors.push(value)
  if (Array.isArray(value)) writeElements(out, value)
  else writeMembers(out, value, () => false)
  out.ancestors.pop()
}

/** @param {Writer} out @param {ArrayLike<unknown>} array */
function writeElements(out, array) {
  out.add('[')
  for (let i = 0; i < array.length; i++) {
    if (i > 0) out.add(',')
    out.path.push(i)
    write(out, array[i])
    out.path.pop()
  }
  out.add(']')
}

/** @param {Writer} out @param {object} object @param {(field: string) => boolean} isVector */
function writeMembers(out, object, isVector) {
  if (!isPlain(object)) throw out.invalid(`is ${nameOf(object)}, not plain data`)
  if (Object.getOwnPropertySymbols(object).length > 0) {
    throw out.invalid('has a member named by a symbol')
  }
  let first = true
  out.add('{')
  for (const name of Object.keys(object)) {
    const value = /** @type {Record<string, unknown>} */ (object)[name]
    if (value === undefined) continue
    out.path.push(name)
    out.add(`${first ? '' : ','}${quote(out, name)}:`)
    first = false
    if (isNumbers(value) && isVector(name)) writeElements(out, value)
    else write(out, value)
    out.path.pop()
  }
  out.add('}')
}

/** @param {Writer} out @param {string} text @returns {string} */
function quote(out, text) {
  if (text.length > maxValueBytes) throw tooLarge() // before anything walks through it
  if (text.includes('\0')) throw out.invalid('contains a NUL character')
  if (!isWellFormed(text)) throw out.invalid('contains half of a surrogate pair')
  return JSON.stringify(text)
}

/** Made by {} or JSON.parse, in this realm or another. @param {object} value */
function isPlain(value) {
  const prototype = Object.getPrototypeOf(value)
  return (
    prototype === null ||
    prototype === Object.prototype ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf'))
  )
}

/** @param {unknown} value @returns {value is ArrayLike<number>} */
function isNumbers(value) {
  return (
    ArrayBuffer.isView(value) &&
    !(value instanceof DataView) &&
    !(value instanceof BigInt64Array) &&
    !(value instanceof BigUint64Array)
  )
}

/** @param {unknown} value @returns {string} what to call it: "a Date", "a function", "undefined" */
function nameOf(value) {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'an array'
  const name = typeof value === 'object' ? value.constructor?.name || 'object' : typeof value
  return /^[AEIOaeio]/.test(name) ? `an ${name}` : `a ${name}`
}

function tooLarge() {
  return new SyncError('too-large', `the value is larger than ${maxValueBytes} bytes`)
}

/** @param {string} text well-formed @returns {number} */
export function utf8Bytes(text) {
  return new TextEncoder().encode(text).length
}
