// localStorage for Node, as the pages of one origin see it, with a way to act between two calls. Knows
// no session.

/** Replaces the global one; returns what puts it back. */
export function useLocalStorage() {
  /** @type {Map<string, string>} */
  const items = new Map()
  const before = Object.getOwnPropertyDescriptor(globalThis, 'localStorage')
  const localStorage = {
    getItem: (/** @type {string} */ key) => items.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => items.set(key, value),
    removeItem: (/** @type {string} */ key) => items.delete(key),
  }
  Object.defineProperty(globalThis, 'localStorage', { value: localStorage, configurable: true })
  return {
    items,
    /** A worker has none. */
    restore() {
      if (before) Object.defineProperty(globalThis, 'localStorage', before)
      else Reflect.deleteProperty(globalThis, 'localStorage')
    },
  }
}
