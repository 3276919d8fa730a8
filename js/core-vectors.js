// Owns how vectors that the core does not hold come from the disk into it. Knows nothing of searching.

import { asSyncError } from './error.js'

export class CoreVectors {
  /** @param {import('./engine.js').Core} core */
  constructor(core) {
    this.core = core
  }

  /** Reads the stored ones into memory; they stay there. */
  async keep() {
    this.core.feed({ type: 'keepVectors' })
    await this.read()
  }

  /** @param {(file: Uint8Array) => Promise<void> | void} [onFile] is given those that are sound */
  read(onFile = () => {}) {
    const { core } = this
    return core.host.disk.readVectors(async (file) => {
      const isSound = core.give(() => core.engine.giveVectors(file))
      if (isSound) await onFile(file)
      return isSound
    })
  }

  /** @param {Uint8Array} file @returns {Record<string, string>} its vectors by name, as JSON arrays */
  textsIn(file) {
    return JSON.parse(this.core.module.vectorTexts(file)) ?? {}
  }

  /** @param {string} name @returns {Float32Array | null} null: it is not in memory */
  get(name) {
    const { core } = this
    if (core.isClosed || core.broken) return null
    const bytes = core.engine.vector(name)
    return bytes.length === 0 ? null : new Float32Array(bytes.buffer)
  }

  /** A request needs some that are not in memory. */
  async give() {
    const answer = { type: 'vectorsGiven', code: '', message: '' }
    try {
      await this.read()
    } catch (error) {
      const { code, message } = asSyncError(error, 'storage-lost')
      Object.assign(answer, { code, message })
    }
    this.core.feed(answer)
  }
}
