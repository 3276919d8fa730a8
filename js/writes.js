// Owns turning calls into Write events: checks what crosses the border, gathers what belongs to one
// batch, and answers each call. Knows no merge rule and no row.

import { SyncError } from './error.js'
import { encodeFields, encodeValue } from './value.js'

/** @typedef {{ op: 'put' | 'patch' | 'remove' | 'increment', key: unknown, fields?: unknown, field?: unknown, by?: unknown }} Op */

/**
 * @typedef {object} Batch
 * @property {string[]} ops as JSON
 * @property {boolean} isHeard
 * @property {unknown[]} problem why it cannot be done: none, or one
 * @property {{ resolve: () => void, reject: (error: unknown) => void }[]} calls
 */

export class Writes {
  /**
   * @param {import('./schema.js').Schema} schema
   * @param {() => SyncError | null} refusal why nothing may be written now
   * @param {(collection: string) => boolean} isHeard somebody wants to hear of a write before the call returns
   * @param {(opsJson: string, isHeard: boolean) => Promise<void>} send resolves once durable
   */
  constructor(schema, refusal, isHeard, send) {
    this.schema = schema
    this.refusal = refusal
    this.isHeard = isHeard
    this.send = send
    /** @type {Batch | null} */
    this.open = null
    /** @type {Set<Promise<void>>} not durable yet */
    this.pending = new Set()
  }

  /**
   * One write; part of the batch that is open, if one is.
   * @param {string} collection
   * @param {Op} op
   * @returns {Promise<void>} never throws synchronously
   */
  write(collection, op) {
    const batch = this.open
    try {
      const refusal = this.refusal()
      if (refusal) throw refusal
      const json = encodeOp(collection, op, this.schema)
      const isHeard = this.isHeard(collection)
      if (!batch) return this.commit([json], isHeard)
      batch.ops.push(json)
      batch.isHeard ||= isHeard
    } catch (error) {
      if (!batch) return Promise.reject(error)
      batch.problem.push(error)
    }
    const call = new Promise((resolve, reject) => {
      batch.calls.push({ resolve: () => resolve(undefined), reject })
    })
    // the batch's own promise tells of the failure: this one need not be awaited
    call.catch(() => {})
    return call
  }

  /**
   * Gathers the writes made inside `work` and sends them as one, or none of them. A batch inside a
   * batch is part of it.
   * @param {() => void} work synchronous
   * @returns {Promise<void>}
   */
  batch(work) {
    if (this.open) return this.join(this.open, work)
    /** @type {Batch} */
    const batch = { ops: [], isHeard: false, problem: [], calls: [] }
    this.open = batch
    try {
      runSynchronously(work)
    } catch (error) {
      batch.problem.push(error)
    } finally {
      this.open = null
    }
    const done =
      batch.problem.length > 0
        ? Promise.reject(batch.problem[0])
        : this.commit(batch.ops, batch.isHeard)
    done.then(
      () => {
        for (const { resolve } of batch.calls) resolve()
      },
      (error) => {
        const reason =
          error instanceof SyncError
            ? error
            : new SyncError('aborted', 'the batch this write belongs to was given up', error)
        for (const { reject } of batch.calls) reject(reason)
      },
    )
    return done
  }

  /** @param {Batch} batch @param {() => void} work @returns {Promise<void>} */
  join(batch, work) {
    try {
      runSynchronously(work)
    } catch (error) {
      batch.problem.push(error) // the outer one must not go on as if nothing had happened
    }
    const call = new Promise((resolve, reject) => {
      batch.calls.push({ resolve: () => resolve(undefined), reject })
    })
    call.catch(() => {})
    return call
  }

  /** @param {string[]} ops @param {boolean} isHeard @returns {Promise<void>} */
  commit(ops, isHeard) {
    const refusal = this.refusal()
    if (refusal) return Promise.reject(refusal)
    if (ops.length === 0) return Promise.resolve()
    const done = this.send(`[${ops.join(',')}]`, isHeard)
    this.pending.add(done)
    const settled = () => this.pending.delete(done)
    done.then(settled, settled)
    return done
  }

  /** Resolves when every write so far is durable or refused. */
  async settled() {
    await Promise.allSettled(this.pending)
  }
}

/** @param {() => void} work */
function runSynchronously(work) {
  const result = /** @type {any} */ (work())
  if (typeof result?.then !== 'function') return
  Promise.resolve(result).catch(() => {})
  throw new SyncError(
    'invalid-value',
    'batch() takes a synchronous function: what it does after an await would be outside of the batch',
  )
}

/**
 * @param {string} collection
 * @param {Op} op
 * @param {import('./schema.js').Schema} schema
 * @returns {string} an Op of wasm/protocol/protocol.hpp
 */
function encodeOp(collection, { op, key, fields, field, by }, schema) {
  if (typeof key !== 'string' || key === '') {
    throw new SyncError('invalid-value', `the key of a row of "${collection}" must be a text`)
  }
  const specs = schema.collections[collection].fields
  const isVector = (/** @type {string} */ name) =>
    Object.hasOwn(specs, name) && specs[name].type === 'vector'
  const head = `{"op":"${op}","collection":${JSON.stringify(collection)},"key":${encodeValue(key, 'key')}`
  if (op === 'remove') return `${head}}`
  let amount = ''
  if (op === 'increment') {
    if (typeof field !== 'string' || !Object.hasOwn(specs, field)) {
      throw new SyncError('unknown-field', `"${collection}" has no field "${String(field)}"`)
    }
    amount = `,${encodeFields({ field, by }).slice(1, -1)}`
  }
  return `${head}${amount},"fields":${encodeFields(fields, isVector)}}`
}
