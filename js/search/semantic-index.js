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
    /** @type {Map<string, string[]>} name of a vector that is on the disk -> keys that want it */
    this.wanted = new Map()
    const { fields } = state.parts.schema.collections[name]
    const vector = Object.values(fields).find(({ type }) => type === 'vector')
    this.columns = [vector?.column, fields.metadata?.column]
    /** rows whose vector is nowhere, or is none */
    this.missing = 0
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

  /** Resolves when everything written before the call is found. */
  async current() {
    await this.following.current()
    if (this.wanted.size > 0) await this.readFiles()
  }

  /** @param {string[]} keys */
  take(keys) {
    const { core } = this.state.parts
    const question = { raw: this.columns, collection: this.name, keys }
    const answers = this.state.query(question) ?? []
    for (const [i, key] of keys.entries()) {
      const [vector, metadata] = answers[i] ?? []
      const numbers = core && typeof vector === 'string' ? core.vectors.get(vector) : null
      if (numbers) this.add(key, numbers, metadata)
      else this.index.remove(key)
      if (!numbers && typeof vector === 'string') this.want(vector, key)
    }
  }

  /** @param {string} name @param {string} key */
  want(name, key) {
    const keys = this.wanted.get(name)
    if (keys) keys.push(key)
    else this.wanted.set(name, [key])
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
    const wanted = this.wanted
    this.wanted = new Map()
    await core?.vectors.read((file) => {
      for (const [name, numbers] of vectorsIn(file)) {
        const keys = wanted.get(name)
        if (!keys) continue
        wanted.delete(name)
        this.addStored(keys, name, numbers)
      }
    })
    this.missing = wanted.size
  }

  /** Unless the row has another by now. @param {string[]} keys @param {string} name @param {Float32Array} numbers */
  addStored(keys, name, numbers) {
    const answers = this.state.query({ raw: this.columns, collection: this.name, keys }) ?? []
    for (const [i, key] of keys.entries()) {
      const [vector, metadata] = answers[i] ?? []
      if (vector === name) this.add(key, numbers, metadata)
    }
  }

  stop() {
    this.following.stop()
  }
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
