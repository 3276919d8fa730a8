// Owns the embedders that come with the package: text to vector. Knows no row and no store.

import { SyncError } from '../error.js'
import { pause } from '../within.js'

/**
 * @typedef {object} Embedder
 * @property {string} model vectors of different models are never compared
 * @property {384} dimensions
 * @property {(texts: string[], kind: 'query' | 'passage') => Promise<ArrayLike<number>[]>} embed one
 *   vector for each text, in order
 */

export const dimensions = 384
const defaultModel = 'BAAI/bge-small-en-v1.5'
/** What bge-*-en wants before a query, and not before a passage. */
const bgeQueryPrefix = 'Represent this sentence for searching relevant passages: '
/** A text that the model finds too long is cut, and tried again, so often. */
const cutsMost = 4
const triesMost = 5
const waitMsMost = 60_000
/** A model that loads takes half a minute. */
const requestMsMost = 60_000

/**
 * Vectors from Hugging Face's inference API, or from an endpoint of the app's own that passes requests
 * on, so that no token is in the page.
 * @param {object} options
 * @param {string} [options.token] an access token; not needed with a proxy
 * @param {string} [options.endpoint] default the public router, for the model
 * @param {string} [options.model] default BAAI/bge-small-en-v1.5
 * @param {typeof globalThis.fetch} [options.fetch]
 * @param {(ms: number) => Promise<void>} [options.wait] for tests: how waiting is done
 * @param {number} [options.requestMs] for tests: after which a request counts as lost
 * @returns {Embedder} whose embed() rejects with a SyncError: "offline", "unauthorized", "server"; its cause has
 *   the service's `status`, where it answered one
 */
export function huggingFaceEmbedder({
  token,
  endpoint,
  model = defaultModel,
  fetch,
  wait = pause,
  requestMs = requestMsMost,
}) {
  const url =
    endpoint ??
    `https://router.huggingface.co/hf-inference/models/${model}/pipeline/feature-extraction`
  const prefix = /(^|\/)bge-.*-en/.test(model) ? bgeQueryPrefix : ''
  const headers = {
    'content-type': 'application/json',
    ...(token ? { authorization: `Bearer ${token}` } : {}),
  }

  /** @param {string[]} inputs @returns {Promise<{ status: number, answer: any, retryAfter: string | null }>} */
  async function ask(inputs) {
    const send = fetch ?? globalThis.fetch
    const body = JSON.stringify({ inputs, options: { wait_for_model: true } })
    const signal = AbortSignal.timeout(requestMs)
    try {
      const response = await send(url, { method: 'POST', headers, body, signal })
      return {
        status: response.status,
        answer: parsed(await response.text()),
        retryAfter: response.headers.get('retry-after'),
      }
    } catch (error) {
      throw new SyncError('offline', 'the embedding service cannot be reached', error)
    }
  }

  /** @param {string[]} inputs @param {number} cuts @returns {Promise<ArrayLike<number>[]>} */
  async function embed(inputs, cuts) {
    for (let attempt = 1; ; attempt++) {
      const { status, answer, retryAfter } = await ask(inputs)
      if (status === 200) return vectorsIn(answer, inputs.length)
      const message = messageIn(answer)
      if (isTooLong(status, message)) {
        if (cuts === 0) throw failure(status, message)
        // one long text among many: only that one is cut
        if (inputs.length > 1) return inTurn(inputs, (each) => embed([each], cuts))
        return embed([inputs[0].slice(0, Math.ceil(inputs[0].length / 2))], cuts - 1)
      }
      const isBusy = status === 429 || status >= 500
      if (!isBusy || attempt === triesMost) throw failure(status, message)
      await wait(Math.min(waitMsMost, waitMs(answer, retryAfter, attempt)))
    }
  }

  return {
    model,
    dimensions,
    embed: (texts, kind) =>
      texts.length === 0
        ? Promise.resolve([])
        : embed(kind === 'query' ? texts.map((text) => prefix + text) : [...texts], cutsMost),
  }
}

/**
 * No model: words and parts of words, hashed into 384 numbers. It finds texts that share words, not
 * texts that mean the same. For offline use, demos and tests.
 * @returns {Embedder}
 */
export function lexicalEmbedder() {
  return { model: 'lexical-hash-384', dimensions, embed: async (texts) => texts.map(lexicalVector) }
}

/** @param {string} text @returns {Float32Array} of length 1 */
function lexicalVector(text) {
  const vector = new Float32Array(dimensions)
  const words =
    text
      .normalize('NFKD')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  /** @param {string} feature @param {number} weight */
  const add = (feature, weight) => {
    const hash = hashOf(feature)
    vector[(hash >>> 1) % dimensions] += hash & 1 ? weight : -weight
  }
  for (const word of words) {
    add(word, 1)
    const padded = `^${word}$`
    for (let at = 0; at + 3 <= padded.length; at++) add(padded.slice(at, at + 3), 0.3)
  }
  // a text without a word still has a direction
  if (words.length === 0) vector[0] = 1
  const length = Math.hypot(...vector)
  // features that took each other out
  if (length === 0) vector[0] = 1
  return length === 0 ? vector : vector.map((number) => number / length)
}

/** FNV-1a. @param {string} text */
function hashOf(text) {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  }
  // the low bits of FNV are poor
  hash ^= hash >>> 15
  return Math.imul(hash, 0x2c1b3c6d) >>> 0
}

/**
 * The service answers a list of vectors; for one text sometimes the vector alone; from some models a
 * vector for each token, of which the first stands for the text (bge pools so).
 * @param {any} answer
 * @param {number} count
 * @returns {number[][]}
 */
function vectorsIn(answer, count) {
  const list = count === 1 && isVector(answer) ? [answer] : answer
  const vectors = Array.isArray(list) ? list.map(pooled) : []
  if (vectors.length !== count || !vectors.every(isVector)) {
    throw new SyncError('server', `the embedding service did not answer ${count} vectors`)
  }
  return vectors
}

/** @param {any} answer */
function pooled(answer) {
  let vector = answer
  while (Array.isArray(vector) && Array.isArray(vector[0])) vector = vector[0]
  return vector
}

/** @param {any} value */
function isVector(value) {
  return (
    Array.isArray(value) && value.length === dimensions && value.every((n) => Number.isFinite(n))
  )
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** @param {any} answer */
function messageIn(answer) {
  const error = answer?.error
  return Array.isArray(error) ? error.join('; ') : String(error?.message ?? error ?? '')
}

/** @param {number} status @param {string} message */
function isTooLong(status, message) {
  if (status === 413) return true
  return (
    status >= 400 &&
    /too long|too large|sequence length|must be less than|maximum.*length/i.test(message)
  )
}

/** @param {any} answer @param {string | null} retryAfter @param {number} attempt */
function waitMs(answer, retryAfter, attempt) {
  const told = Number(retryAfter ?? answer?.estimated_time)
  return Number.isFinite(told) && told > 0 ? told * 1000 : 1000 * 2 ** (attempt - 1)
}

/** @param {number} status @param {string} message */
function failure(status, message) {
  const code = status === 401 || status === 403 ? 'unauthorized' : 'server'
  const text = `the embedding service refused (status ${status}): ${message}`
  return new SyncError(code, text, { status })
}

/**
 * @template T, R
 * @param {T[]} list
 * @param {(each: T) => Promise<ArrayLike<R>>} work
 */
async function inTurn(list, work) {
  /** @type {R[]} */
  const results = []
  for (const each of list) results.push(...Array.from(await work(each)))
  return results
}
