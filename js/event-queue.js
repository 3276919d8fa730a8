// Owns the order in which the core hears of events, and which writes it hears of together. Knows no core.
//
// A write by itself costs the way into WebAssembly and back, and a word about each row. Those that are made by one run
// of the app's code, with nobody listening, are one event.

/** Of writes in one event, in UTF-16 units: more would stand in the way of everything else. */
const writesMost = 250_000

export class EventQueue {
  constructor() {
    /** @type {string[]} as JSON */
    this.events = []
    /** @type {string[]} after those, as JSON */
    this.writes = []
    this.length = 0
  }

  /** @param {string} eventJson */
  add(eventJson) {
    this.gather()
    this.events.push(eventJson)
  }

  /** @param {string} writeJson a Write event */
  addWrite(writeJson) {
    this.writes.push(writeJson)
    this.length += writeJson.length
  }

  get hasWrites() {
    return this.writes.length > 0
  }

  /** So many writes that they should not wait for others. */
  get isFull() {
    return this.length > writesMost
  }

  /** @returns {string | undefined} */
  next() {
    if (this.events.length === 0) this.gather()
    return this.events.shift()
  }

  clear() {
    this.events = []
    this.writes = []
    this.length = 0
  }

  /** Nothing that comes later goes before what was written. */
  gather() {
    if (!this.hasWrites) return
    this.events.push(`{"type":"writes","writes":[${this.writes.join(',')}]}`)
    this.writes = []
    this.length = 0
  }
}
