// Owns the BroadcastChannel between the contexts (tabs, workers) of one database. A message says that
// there is something, never what. It may be lost, so nothing may depend on it.

/** @typedef {{ type: string, [member: string]: unknown }} Message */

export class Channel {
  /** @param {string} name @param {(message: Message) => void} hear what the others say */
  constructor(name, hear) {
    this.name = name
    this.hear = hear
    /** @type {BroadcastChannel | null} */
    this.port = null
  }

  static isSupported() {
    return typeof globalThis.BroadcastChannel === 'function'
  }

  open() {
    if (this.port || !Channel.isSupported()) return
    /** @type {any} Node's has more to it */
    const port = new BroadcastChannel(this.name)
    port.onmessage = (/** @type {MessageEvent} */ { data }) => {
      // a message that was under way when the channel was closed is for nobody
      if (this.port === port && typeof data?.type === 'string') this.hear(data)
    }
    port.unref?.() // it must not keep a Node process alive
    this.port = port
  }

  /** @param {Message} message */
  post(message) {
    try {
      this.port?.postMessage(message)
    } catch {
      // lost, like any other
    }
  }

  close() {
    this.port?.close()
    this.port = null
  }
}
