// Owns doing something as often as it is needed, not as often as it is asked for.

/**
 * Calls share: one is under way, and one more serves all who asked meanwhile.
 * @param {() => Promise<void>} work must not reject
 * @returns {() => Promise<void>} resolves after work that began with the call or later
 */
export function coalesced(work) {
  /** @type {Promise<void> | null} */
  let underWay = null
  /** @type {Promise<void> | null} */
  let next = null
  /** @returns {Promise<void>} */
  function call() {
    if (!underWay) {
      underWay = work().finally(() => {
        underWay = null
      })
      return underWay
    }
    next ??= underWay.then(() => {
      next = null
      return call()
    })
    return next
  }
  return call
}
