// Owns the place in the core's memory where events are written: kept for ordinary ones, made and given back for a long
// one. Knows no event.

const encoder = new TextEncoder()

/** Bytes: so much is kept for events, whatever comes. Longer ones than the most are rare, and may be very long. */
const least = 16_384
const most = 1_000_000

export class EventRoom {
  /** @param {import('./load-module.js').Module} module @param {import('./load-module.js').WasmEngine} engine */
  constructor(module, engine) {
    this.module = module
    this.engine = engine
    this.at = 0
    this.size = 0
  }

  /** To be handled before the next one is written. @param {string} json @returns {number} bytes */
  write(json) {
    const enough = 3 * json.length // bytes of UTF-8 for one unit of UTF-16
    if (enough > most) return this.writeLong(encoder.encode(json))
    if (enough > this.size) this.make(Math.max(enough, least))
    const room = this.module.HEAPU8.subarray(this.at, this.at + this.size)
    return encoder.encodeInto(json, room).written
  }

  /** The next event makes room for itself, and so gives this back. @param {Uint8Array} bytes @returns {number} how many */
  writeLong(bytes) {
    this.make(bytes.length)
    this.module.HEAPU8.set(bytes, this.at)
    this.size = 0
    return bytes.length
  }

  /** @param {number} size bytes */
  make(size) {
    this.at = this.engine.roomFor(size)
    this.size = size
  }
}
