// Cache Storage in memory, as far as the package uses it. Knows nothing of what is kept.

/** @returns {CacheStorage & { stored: Map<string, Map<string, ArrayBuffer>> }} */
export function makeCaches() {
  /** @type {Map<string, Map<string, ArrayBuffer>>} */
  const stored = new Map()
  /** @type {any} */
  const caches = {
    stored,
    /** @param {string} name */
    async open(name) {
      const files = stored.get(name) ?? new Map()
      stored.set(name, files)
      return {
        /** @param {string} url */
        async match(url) {
          const bytes = files.get(url)
          return bytes && new Response(bytes)
        },
        /** @param {string} url @param {Response} response */
        async put(url, response) {
          files.set(url, await response.arrayBuffer())
        },
      }
    },
    keys: async () => [...stored.keys()],
    /** @param {string} name */
    delete: async (name) => stored.delete(name),
  }
  return caches
}
