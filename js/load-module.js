// Owns bringing the WebAssembly module to life and the types of what it exports. Knows no event.

import { messageOf, SyncError } from './error.js'

/**
 * The core's engine as Embind exports it; wasm/engine/engine.hpp says what the calls mean.
 * @typedef {object} WasmEngine
 * @property {(seq: number, bytes: Uint8Array, isMore: boolean) => boolean} load false: it is damaged
 * @property {(size: number) => number} roomFor where in HEAPU8 events of at most so many bytes go, from now on
 * @property {(size: number, wallMs: number, monoMs: number) => boolean} handle the event there, JSON in so many bytes of UTF-8;
 *   true: a commit is among the effects
 * @property {() => string} effects of what was handled, as JSON; empty: none
 * @property {() => number} segmentAt where it is in HEAPU8, to be copied before the next call
 * @property {() => number} segmentSize bytes
 * @property {(isWhole: boolean) => boolean} beginSnapshot
 * @property {() => Uint8Array} nextPiece a copy; empty when there is none left
 * @property {() => Uint8Array} nextVectors a copy; empty when there is none left
 * @property {() => number} namedVectors
 * @property {(file: Uint8Array) => Uint8Array} vectorsStillNamed a copy
 * @property {(name: string) => Uint8Array} vector a copy; empty when it is not in memory
 * @property {(file: Uint8Array) => boolean} giveVectors false: it is damaged
 * @property {(isKept: boolean) => void} endSnapshot
 * @property {(questionJson: string) => string} query
 * @property {() => void} delete
 */

/**
 * The core's pattern insights; wasm/insights/patterns.hpp says what the calls mean.
 * @typedef {object} WasmPatterns
 * @property {(key: string, entryJson: string) => void} set
 * @property {(key: string) => void} remove
 * @property {() => void} clear
 * @property {(today: string) => string} result
 * @property {() => void} delete
 */

/**
 * What the engine calls. `effects` is called synchronously from inside load, and after a
 * finished fetch.
 * @typedef {object} Hooks
 * @property {(json: string) => void} effects
 * @property {(path: string, init: RequestInit) => Promise<Response>} fetch
 * @property {() => number} wallMs
 */

/**
 * @typedef {object} EngineExports
 * @property {new (configJson: string, hooks: Hooks) => WasmEngine} Engine
 * @property {new () => WasmPatterns} Patterns
 * @property {() => string} errorCodes
 * @property {(file: Uint8Array) => string} vectorTexts the vectors of a file by name, as JSON
 * @property {() => number} journalFormat the newest that this build reads and writes
 * @property {Uint8Array} HEAPU8 its memory; another one once that has grown
 */

/** @typedef {EngineExports & import('./storage/mount.js').FileModule} Module */

/** @typedef {(options: Record<string, unknown>) => Promise<Module>} ModuleFactory */

const silent = () => {}

/**
 * @param {ModuleFactory} createModule the default export of dist/module.js
 * @param {string | URL | BufferSource | WebAssembly.Module} [wasm] where module.wasm is, or its bytes,
 *   compiled or not; default beside dist/module.js
 * @returns {Promise<Module>}
 * @throws {SyncError} "invariant" when the package's file is missing or damaged
 */
export async function loadModule(createModule, wasm) {
  /** @type {Record<string, unknown>} */
  const options = { print: silent, printErr: silent }
  if (typeof wasm === 'string' || wasm instanceof URL) {
    options.locateFile = (/** @type {string} */ file, /** @type {string} */ folder) =>
      file.endsWith('.wasm') ? String(wasm) : folder + file
  }
  try {
    if (wasm === undefined || options.locateFile) return await createModule(options)
    return await instantiate(createModule, options, /** @type {BufferSource} */ (wasm))
  } catch (error) {
    // In a worker Emscripten reports a missing file as "XMLHttpRequest is not defined".
    const place = options.locateFile
      ? String(wasm)
      : wasm
        ? 'what was given'
        : 'its place beside dist/module.js'
    throw new SyncError(
      'invariant',
      `module.wasm could not be loaded from ${place}: ${messageOf(error)}`,
      error,
    )
  }
}

/**
 * Emscripten leaves it to us to make an instance of anything but a file, and would wait for ever for
 * one that cannot be made.
 * @param {ModuleFactory} createModule
 * @param {Record<string, unknown>} options
 * @param {BufferSource | WebAssembly.Module} wasm
 * @returns {Promise<Module>}
 */
function instantiate(createModule, options, wasm) {
  return new Promise((resolve, reject) => {
    /** @param {WebAssembly.Imports} imports @param {(instance: WebAssembly.Instance) => void} done */
    const instantiateWasm = (imports, done) => {
      /** @type {Promise<any>} */
      const made = WebAssembly.instantiate(/** @type {any} */ (wasm), imports)
      made.then((result) => done(result.instance ?? result)).catch(reject)
      return {}
    }
    createModule({ ...options, instantiateWasm }).then(resolve, reject)
  })
}
