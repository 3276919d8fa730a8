// Owns client.cached(): when a stored answer of an API is fresh, who calls the API when none is, and what
// becomes of the answer. What fresh means is in freshness.js. Knows no API and no table.
//
//   fresh here? -> pull, fresh now? -> this context's turn, fresh now? -> loader -> stored -> answered
//
// Each step spares a call: the APIs behind such caches count them. None of them is needed for
// correctness: two devices that load at once store two answers, and the later one stays.

import { inTurn } from './contexts/turn.js'
import { SyncError } from './error.js'
import { deepFreeze } from './freeze.js'
import { agesOf, canonicalInputs, entriesOf, entryOf, isYoung, surplus } from './freshness.js'
import { encodeFields } from './value.js'
import { within } from './within.js'

/** Not the caller's: what cached() itself keeps in a row. */
const ownFields = ['cachedAt', 'fresh']
/** How many loads of its own a context remembers: more than a screen shows. */
const ownLoadsMax = 1000

/**
 * One question to a cache, checked.
 * @typedef {object} Ask
 * @property {string} collection
 * @property {string} key
 * @property {string[]} fields sorted
 * @property {string} inputs canonical
 * @property {(field: string) => number} maxAge
 * @property {() => any} loader
 * @property {import('./schema.js').CollectionSpec} spec
 */

/** @typedef {{ fields?: string[], inputs?: unknown, maxAgeMs?: number }} CachedOptions */

export class Caches {
  /** @param {import('./client-state.js').ClientState} state */
  constructor(state) {
    this.state = state
    this.limits = {
      /** how long the server may take to tell what another device loaded */
      pullMs: 1_500,
      /** longer than any API takes that answers at all */
      loadMs: 30_000,
      /** how long another context may be loading before this one does, too */
      turnMs: 10_000,
      /** rows of a collection that ages as a whole: a season of days */
      rowsKept: 100,
    }
    /** @type {Map<string, Promise<any>>} under way, shared by all who ask the same */
    this.loads = new Map()
    /** @type {Map<string, { inputs: string, at: number }>} what this context loaded itself, by field */
    this.own = new Map()
  }

  /**
   * @param {string} collection
   * @param {string} key
   * @param {() => any} loader
   * @param {CachedOptions} [options]
   * @returns {Promise<any>}
   */
  async get(collection, key, loader, options = {}) {
    const refusal = this.state.refusal()
    if (refusal) throw refusal
    const ask = this.checked(collection, key, loader, options)
    return this.look(ask) ?? this.shared(ask)
  }

  /** @param {Ask} ask @returns {Promise<any>} */
  shared(ask) {
    const { collection, key, fields, inputs } = ask
    const id = JSON.stringify([collection, key, fields, inputs])
    const known = this.loads.get(id)
    if (known) return known
    const load = this.load(ask).finally(() => this.loads.delete(id))
    this.loads.set(id, load)
    return load
  }

  /** @param {Ask} ask @returns {Promise<any>} rejects as soon as the client is closed */
  async load(ask) {
    const { state } = this
    let stop = () => {}
    const end = new Promise((_, reject) => {
      stop = state.status.followers.add(() => {
        const refusal = state.refusal()
        if (refusal) reject(refusal)
      })
    })
    end.catch(() => {})
    /** @type {<T>(work: Promise<T>) => Promise<T>} */
    const untilEnd = (work) => /** @type {any} */ (Promise.race([work, end]))
    try {
      if (this.isOnline()) {
        await untilEnd(this.pull())
        const found = this.look(ask)
        if (found) return found
      }
      const turn = () => untilEnd(this.loadUnlessFresh(ask))
      return await untilEnd(this.inTurn(ask, turn))
    } finally {
      stop()
    }
  }

  isOnline() {
    return globalThis.navigator?.onLine !== false && this.state.status.get().state !== 'offline'
  }

  /** Another device may have loaded it. A failure or a slow server costs a call of the API, no more. */
  async pull() {
    const { core } = this.state.parts
    if (!core) return
    const { ticket, done } = core.ask((ticket) => JSON.stringify({ type: 'syncNow', ticket }))
    await within(this.limits.pullMs, done, () => new Error('slow')).catch(() =>
      core.tickets.forget(ticket),
    )
  }

  /**
   * One context of the database loads it, the others look again when it has.
   * @param {Ask} ask @param {() => Promise<any>} work @returns {Promise<any>}
   */
  inTurn({ collection, key, fields }, work) {
    const { name = '' } = this.state.parts.contexts ?? {}
    if (name === '') return work() // in memory: nobody else has it
    const lock = `somatic-sync:${name}:cached:${collection}/${key}/${fields}`
    return inTurn(lock, this.limits.turnMs, work)
  }

  /** @param {Ask} ask @returns {Promise<any>} */
  async loadUnlessFresh(ask) {
    await this.state.parts.contexts?.refresh()
    const found = this.look(ask)
    if (found) return found
    let result
    try {
      this.checkWritable()
      result = await this.call(ask)
    } catch (error) {
      const stale = this.stale(ask)
      if (stale) return stale
      throw error
    }
    return this.store(ask, result)
  }

  /** Before the API is called: an answer that cannot be kept would be asked for again and again. */
  checkWritable() {
    const { core } = this.state.parts
    const refusal = this.state.refusal() ?? core?.broken
    if (refusal) throw refusal
    if (core?.isReadOnly) {
      throw new SyncError('reload-needed', 'a newer version of the app wrote here: reload')
    }
  }

  /** Calls the loader, for so long. @param {Ask} ask @returns {Promise<any>} */
  call(ask) {
    const { collection, key, loader } = ask
    const { loadMs } = this.limits
    const before = this.marks(ask)
    let isLate = false
    const called = (async () => loader())()
    called.then(
      (result) => {
        if (isLate) this.storeLate(ask, before, result)
      },
      () => {},
    )
    return within(loadMs, called, () => {
      isLate = true
      const text = `the loader of ${collection} "${key}" did not answer within ${loadMs / 1000} s`
      return new SyncError('aborted', text)
    })
  }

  /**
   * Nobody waits for it any more, but the call was made. What was loaded meanwhile is newer.
   * @param {Ask} ask @param {string} before @param {any} result
   */
  async storeLate(ask, before, result) {
    if (this.marks(ask) === before) await this.store(ask, result).catch(() => {})
  }

  /** What the row says of these fields. @param {Ask} ask @returns {string} */
  marks({ collection, key, fields }) {
    const fresh = this.row(collection, key)?.fresh
    return JSON.stringify(fields.map((field) => fresh?.[field] ?? null))
  }

  /** @param {Ask} ask @param {any} result @returns {Promise<any>} what reads as stored, once it is durable */
  async store(ask, result) {
    if (result === null || result === undefined) return result
    const { collection, key, fields, inputs, spec } = ask
    const values = valuesOf(ask, result)
    // nothing found is no answer to keep: it may be there the next time
    if (fields.every((field) => values[field] === null)) return deepFreeze(pick(values, fields))
    const { state } = this
    const at = state.serverNow()
    const kept = this.row(collection, key)?.fresh
    const entries = entriesOf(spec, pick(values, fields), at, inputs)
    /** @type {Record<string, unknown>} */
    const written = { ...values, fresh: { ...(isObject(kept) ? kept : {}), ...entries } }
    if (spec.fields.cachedAt) written.cachedAt = new Date(state.parts.now()).toISOString()
    const done = state.writes.write(collection, { op: 'patch', key, fields: written })
    const stored = this.picked(ask) // at once: another write may come before this one is durable
    await done
    for (const field of fields) this.remember(ask, field, at)
    this.prune(ask)
    return stored
  }

  /** @param {Ask} ask @param {string} field @param {number} at */
  remember({ collection, key, inputs }, field, at) {
    const id = `${collection}/${key}/${field}`
    this.own.delete(id)
    this.own.set(id, { inputs, at })
    for (const oldest of this.own.keys()) {
      if (this.own.size <= ownLoadsMax) break
      this.own.delete(oldest)
    }
  }

  /** The rows of a cache that ages as a whole are of days gone by. @param {Ask} ask */
  prune({ collection, key, spec }) {
    const { writes, rows } = this.state
    const all = rows.get(collection)
    if (typeof spec.maxAgeMs !== 'number' || !all || all.size() <= this.limits.rowsKept) return
    const others = all.list({}).filter((row) => row[spec.key] !== key)
    const old = surplus(others, this.limits.rowsKept - 1)
    writes
      .batch(() => {
        for (const row of old) writes.write(collection, { op: 'remove', key: row[spec.key] })
      })
      .catch(() => {}) // the next one who stores tries again
  }

  /** @param {string} collection @param {string} key @returns {any} */
  row(collection, key) {
    return this.state.rows.get(collection)?.get(key)
  }

  /** @param {Ask} ask @returns {any} */
  picked({ collection, key, fields }) {
    return Object.freeze(pick(this.row(collection, key) ?? {}, fields))
  }

  /** The stored fields, if all are fresh. @param {Ask} ask @returns {any | null} */
  look(ask) {
    const { collection, key, fields, inputs, maxAge } = ask
    const row = this.row(collection, key)
    const now = this.state.serverNow()
    const isFresh = fields.every((field) => {
      const entry = entryOf(row, field, inputs)
      if (!entry) return false
      if (isYoung(entry.at, maxAge(field), now)) return true
      // Loaded here, or after that: whatever has replaced it is younger. Without this two devices,
      // one of them with a wrong clock, would find each other's answers stale for ever.
      const own = this.own.get(`${collection}/${key}/${field}`)
      return own?.inputs === inputs && isYoung(own.at, maxAge(field), now)
    })
    return isFresh ? this.picked(ask) : null
  }

  /** What was loaded for these inputs, whenever that was. @param {Ask} ask @returns {any | null} */
  stale(ask) {
    const { collection, key, fields, inputs } = ask
    const row = this.row(collection, key)
    return fields.every((field) => entryOf(row, field, inputs)) ? this.picked(ask) : null
  }

  /**
   * @param {string} collection @param {string} key @param {() => any} loader @param {CachedOptions} options
   * @returns {Ask}
   */
  checked(collection, key, loader, options) {
    const spec = this.state.specOf(collection)
    check(spec.fields.fresh?.type === 'json', `"${collection}" has no JSON field "fresh"`)
    check(typeof key === 'string' && key !== '', 'the key must be a text')
    check(typeof loader === 'function', 'the loader must be a function')
    check(isObject(options), 'options must be an object')
    const { fields, inputs, maxAgeMs } = options
    const isAge = maxAgeMs === undefined || (typeof maxAgeMs === 'number' && maxAgeMs >= 0)
    check(isAge, 'options.maxAgeMs must be milliseconds from 0')
    return {
      ...{ collection, key, loader, spec },
      fields: fieldsOf(collection, spec, fields),
      inputs: canonicalInputs(inputs),
      maxAge: agesOf(spec, maxAgeMs),
    }
  }
}

/**
 * @param {string} collection @param {import('./schema.js').CollectionSpec} spec
 * @param {unknown} asked
 */
function fieldsOf(collection, spec, asked) {
  const own = [...ownFields, spec.key]
  if (asked === undefined)
    return Object.keys(spec.fields)
      .filter((name) => !own.includes(name))
      .sort()
  check(Array.isArray(asked) && asked.length > 0, 'options.fields must name fields')
  const fields = [.../** @type {unknown[]} */ (asked)].map(String)
  for (const field of fields) {
    if (!Object.hasOwn(spec.fields, field)) {
      throw new SyncError('unknown-field', `"${collection}" has no field "${field}"`)
    }
    check(!own.includes(field), `options.fields: "${field}" is not loaded`)
  }
  return [...new Set(fields)].sort()
}

/**
 * The loader's result as plain JSON that nobody else holds.
 * @param {Ask} ask @param {unknown} result @returns {Record<string, any>}
 */
function valuesOf({ collection, fields, spec }, result) {
  const isVector = (/** @type {string} */ name) => spec.fields[name]?.type === 'vector'
  const values = JSON.parse(encodeFields(result, isVector))
  for (const name of Object.keys(values)) {
    // a whole row names its key, which the write compares
    if (fields.includes(name) || name === spec.key) continue
    throw new SyncError(
      'unknown-field',
      `the loader of "${collection}" gave "${name}": not asked for`,
    )
  }
  for (const field of fields) {
    check(Object.hasOwn(values, field), `the loader of "${collection}" gave no "${field}"`)
  }
  return values
}

/** @param {Record<string, any>} row @param {string[]} fields @returns {Record<string, any>} */
function pick(row, fields) {
  return Object.fromEntries(fields.map((field) => [field, row[field] ?? null]))
}

/** @param {unknown} value @returns {value is object} */
function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** @param {boolean} holds @param {string} problem */
function check(holds, problem) {
  if (!holds) throw new SyncError('invalid-value', `cached(): ${problem}`)
}
