// Ids for tests and benches, by number. Imports nothing, so that pages may use it too.

/** A UUID that says its number. @param {number} i */
export const idOf = (i) => `00000000-0000-4000-8000-${i.toString(16).padStart(12, '0')}`

/** The number of such a UUID. @param {string} id */
export const numberOf = (id) => Number.parseInt(id.slice(24), 16)
