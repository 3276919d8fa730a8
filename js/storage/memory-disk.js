// Owns a disk that forgets: for `storage: 'memory'` and where there is no IndexedDB.

/** @typedef {import('./disk.js').Disk} Disk */

/** @implements {Disk} */
export class MemoryDisk {
  constructor() {
    /** @type {'memory'} */
    this.kind = 'memory'
    this.head = 0
  }

  async load() {}
  async refresh() {}

  /** @param {() => Uint8Array} _segment */
  async commit(_segment) {
    return ++this.head
  }

  isFoldDue() {
    return false
  }

  isFoldOverdue() {
    return false
  }

  wantsWhole() {
    return false
  }

  async fold() {
    return false
  }

  /** The engine keeps them. */
  async readVectors() {}

  /** @param {unknown} _onSegment @param {() => void} check */
  async wipe(_onSegment, check) {
    check()
  }

  rest() {}
  wake() {}

  async close() {}
}
