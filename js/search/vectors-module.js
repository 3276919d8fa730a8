// Owns bringing the vector index's module to life: the build for relaxed SIMD where the engine knows it,
// else the plain one. Knows nothing of what is stored in it.

// biome-ignore lint/suspicious/noTsIgnore: the build, which makes it, need not have run
// @ts-ignore
import * as files from '#vectors'
import { messageOf, SyncError } from '../error.js'

/**
 * What wasm/vectors/exports.cpp exports. Places are addresses in `memory`, which may have grown, and its
 * views have been detached, after any call.
 * @typedef {object} VectorExports
 * @property {WebAssembly.Memory} memory
 * @property {() => number} isRight
 * @property {(dimensions: number) => number} create
 * @property {() => number} stagedId
 * @property {() => number} stagedVector
 * @property {(count: number) => number} stagedFacets
 * @property {(facetCount: number) => number} add
 * @property {() => number} remove
 * @property {() => number} has
 * @property {() => number} vector
 * @property {() => number} size
 * @property {(threshold: number, limit: number, facetCount: number) => number} search
 * @property {() => void} prepare
 * @property {() => number} way
 * @property {() => number} nearest
 * @property {() => number} foundCount
 * @property {() => number} foundIds
 * @property {() => number} foundScores
 */

/** @typedef {string | URL | BufferSource | WebAssembly.Module} Wasm where it is, or its bytes, compiled or not */

// A function of one i32x4.relaxed_dot_i8x16_i7x16_add_s.
// biome-ignore format: sections
const relaxedProbe = Uint8Array.of(
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
  1, 5, 1, 0x60, 0, 1, 0x7b,
  3, 2, 1, 0,
  10, 19, 1, 17, 0,
  0x41, 1, 0xfd, 15, 0x41, 1, 0xfd, 15, 0x41, 1, 0xfd, 15,
  0xfd, 0x93, 2, 0x0b,
)

/** Whether this engine has relaxed SIMD. */
export const hasRelaxedSimd = () => WebAssembly.validate(relaxedProbe)

/** @type {(isRelaxed: boolean) => string} where the package's file is, as far as a bundler left it there */
export const vectorsUrl = (isRelaxed) => files.vectorsUrl(isRelaxed)

/**
 * @param {Wasm} [wasm] default: the package's own file, by what the engine knows and does right
 * @returns {Promise<VectorExports>}
 * @throws {SyncError} "invariant" when the file is missing or damaged
 */
export async function loadVectors(wasm) {
  if (wasm !== undefined) return instantiate(wasm)
  if (hasRelaxedSimd()) {
    const relaxed = await instantiate(vectorsUrl(true))
    if (relaxed.isRight()) return relaxed
  }
  return instantiate(vectorsUrl(false))
}

/** @param {Wasm} wasm @returns {Promise<VectorExports>} */
async function instantiate(wasm) {
  const isPlace = typeof wasm === 'string' || wasm instanceof URL
  try {
    const source = isPlace ? await files.read(String(wasm)) : wasm
    /** @type {any} */
    const made = await WebAssembly.instantiate(/** @type {any} */ (source), {})
    return (made.instance ?? made).exports
  } catch (error) {
    const place = isPlace ? String(wasm) : 'what was given'
    throw new SyncError(
      'invariant',
      `the vector index could not be loaded from ${place}: ${messageOf(error)}`,
      error,
    )
  }
}
