// Owns the totals of counters that each client's app was last known to have. What an app reports is a total; what it
// means is how many more than that. Shared by all that take reports, so that one told twice counts once.

/** @type {WeakMap<object, Map<string, number>>} */
const shadows = new WeakMap()

/** @param {object} client @returns {Map<string, number>} by "collection/key/field"; may be changed */
export function shadowOf(client) {
  let shadow = shadows.get(client)
  if (!shadow) {
    shadow = new Map()
    shadows.set(client, shadow)
  }
  return shadow
}
