// Owns the names that page and worker call each other by, and the mark on a request for module.wasm.
// Knows neither.

/** Of the one-off and of the periodic sync. */
export const syncTag = 'somatic-sync'

/** `{ type }` of a page's message: push now, and answer through the port. */
export const pushMessage = 'somatic-sync:push'

/**
 * The URL of module.wasm with the build it must be of in its fragment: a fragment reaches a fetch
 * handler and no server, so that the worker can answer with exactly these bytes and any host will do.
 * @param {string} url
 * @param {string} buildId
 */
export function markedUrl(url, buildId) {
  const hasOwnRules = /^(?!https?:)[a-z][a-z\d+.-]*:/i.test(url) || url.includes('#')
  return hasOwnRules ? url : url + mark(buildId)
}

/** @param {string} url @param {string} buildId */
export function isMarked(url, buildId) {
  return url.endsWith(mark(buildId))
}

/** @param {string} buildId */
const mark = (buildId) => `#somatic-sync-${buildId}`
