// Owns the vectors of one collection as something to search: read once from the disk and the engine,
// then kept up to date. Knows no text and no model.

import { facetsOf } from './facets.js'
import { following } from './following.js'
import { VectorIndex } from './vector-index.js'

/** A file of vectors (docs/storage-format.md): where its parts are. */
const headerBytes = 16
const idBytes = 16

export class SemanticIndex {
  /**
   * @param {import('../client-state.js').ClientState} state
   * @param {string} name of the collection
   * @param {VectorIndex} index
   */
  constructor(state, name, index) {
    this.state = state
    this.name = name
    this.index = index
    /** @type {Map<string, string>} key of a row -> name of its vector, which is not in memory */
    this.wanted = new Map()
    /** @type {Set<string>} of those, keys whose vector a reading of all files did not find */
    this.nowhere = new Set()
    /** @type {Promise<void> | null} */
    this.reading = null
    const { fields } = state.parts.schema.collections[name]
    const vector = Object.values(fields).find(({ type }) => type === 'vector')
    this.columns = [vector?.column, fields.metadata?.column]
    const rows = /** @type {import('../rows.js').Rows} */ (state.rows.get(name))
    this.following = following(rows, (keys) => this.take(keys), { isEager: true })
  }

  /**
   * @param {import('../client-state.js').ClientState} state
   * @param {string} name
   * @param {import('./vectors-module.js').Wasm} [wasm]
   */
  static async load(state, name, wasm) {
    return new SemanticIndex(state, name, await VectorIndex.load({ wasm }))
  }

  /** How many rows are not found, though they have a vector. */
  get missing() {
    return this.wanted.size
  }

  /**
   * Resolves when everything written before the call is found. Rejects when the disk could not be read: what is
   * wanted of it is read by the next call.
   */
  async current() {
    await this.following.current()
    // one that is under way may have begun before the last change
    while (this.reading || this.wanted.size > this.nowhere.size) {
      this.reading ??= this.readFiles().finally(() => {
        this.reading = null
      })
      await this.reading
    }
  }

  /** @param {string[]} keys */
  take(keys) {
    const { core } = this.state.parts
    const question = { raw: this.columns, collection: this.name, keys }
    const answers = this.state.query(question) ?? []
    for (const [i, key] of keys.entries()) {
      const [vector, metadata] = answers[i] ?? []
      this.settle(key)
      const numbers = core && typeof vector === 'string' ? core.vectors.get(vector) : null
      if (numbers) this.add(key, numbers, metadata)
      else this.index.remove(key)
      if (!numbers && typeof vector === 'string') this.wanted.set(key, vector)
    }
  }

  /** Nothing is wanted of the disk for it. @param {string} key */
  settle(key) {
    this.wanted.delete(key)
    this.nowhere.delete(key)
  }

  /** @param {string} key @param {ArrayLike<number>} numbers @param {unknown} metadata */
  add(key, numbers, metadata) {
    if (numbers.length !== this.index.dimensions) return
    try {
      this.index.add(key, numbers, facetsOf(metadata))
    } catch {
      // zero, or not finite: written by somebody else. It is similar to nothing.
      this.index.remove(key)
    }
  }

  /** Those wanted from the disk, a file at a time. */
  async readFiles() {
    const { core } = this.state.parts
    const keysOf = keysByName(this.wanted)
    await core?.vectors.read((file) => {
      for (const [name, numbers] of vectorsIn(file)) {
        this.addStored(keysOf.get(name) ?? [], name, numbers)
        keysOf.delete(name)
      }
    })
    for (const [name, keys] of keysOf) {
      for (const key of keys) if (this.wanted.get(key) === name) this.nowhere.add(key)
    }
  }

  /** Unless the row has another by now. @param {string[]} keys @param {string} name @param {Float32Array} numbers */
  addStored(keys, name, numbers) {
    if (keys.length === 0) return
    const answers = this.state.query({ raw: this.columns, collection: this.name, keys }) ?? []
    for (const [i, key] of keys.entries()) {
      if (this.wanted.get(key) === name) this.settle(key)
      const [vector, metadata] = answers[i] ?? []
      if (vector === name) this.add(key, numbers, metadata)
    }
  }

  stop() {
    this.following.stop()
  }
}

/** @param {Map<string, string>} names by key @returns {Map<string, string[]>} */
function keysByName(names) {
  /** @type {Map<string, string[]>} */
  const keysOf = new Map()
  for (const [key, name] of names) {
    const keys = keysOf.get(name)
    if (keys) keys.push(key)
    else keysOf.set(name, [key])
  }
  return keysOf
}

/** @param {Uint8Array} file one that the engine found sound @returns {Generator<[string, Float32Array]>} */
function* vectorsIn(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const dimensions = view.getUint32(headerBytes, true)
  const count = view.getUint32(headerBytes + 4, true)
  const ids = headerBytes + 8
  const floats = new Float32Array(file.slice(ids + count * idBytes).buffer)
  for (let i = 0; i < count; i++) {
    const id = file.subarray(ids + i * idBytes, ids + (i + 1) * idBytes)
    yield [nameOf(id), floats.subarray(i * dimensions, (i + 1) * dimensions)]
  }
}

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** @param {Uint8Array} id */
function nameOf(id) {
  let name = 'vector:'
  for (let i = 0; i < idBytes; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) name += '-'
    name += hex[id[i]]
  }
  return name
}
