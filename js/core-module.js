// Owns which module.wasm this package was built with: its factory, its place, its build. The glue and
// its module.wasm fit together or not at all; the build's id tells.

// biome-ignore lint/suspicious/noTsIgnore: the build, which makes it, need not have run
// @ts-ignore
import createModule, * as glue from '#module'
import { markedUrl } from './background/names.js'

/** @typedef {import('./load-module.js').ModuleFactory} ModuleFactory */

/** @type {ModuleFactory} as Emscripten made it */
export const createBareModule = createModule

/** @type {string} the first 16 digits of module.wasm's SHA-256 */
export const buildId = glue.buildId

/** @type {() => string} where module.wasm is, as far as a bundler left it where it was */
export const wasmUrl = glue.wasmUrl

/**
 * Fetches module.wasm so that a service worker of the same build may answer.
 * @type {ModuleFactory}
 */
export function createCoreModule(options) {
  /** @type {any} */
  const { locateFile = wasmUrl } = options
  return createBareModule({
    ...options,
    locateFile: (/** @type {string} */ file, /** @type {string} */ folder) =>
      markedUrl(locateFile(file, folder), buildId),
  })
}
