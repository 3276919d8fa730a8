// A stand-in for the compiled core that keeps its contract (wasm/protocol/protocol.hpp,
// wasm/engine/engine.hpp) far enough for tests of the shim: one commit at a time, which names whom it
// settles, rollback on failure, load at any time. It merges nothing: the later segment wins.
//
// Its server, when a test gives one through `fetch`, answers {rows: [[collection, key, fields]],
// rejected: [...], overwritten: [...]}.

import { errorCodes } from '../../js/error.js'
import { fakeFs } from './fake-fs.js'

/** @typedef {{ op: string, collection: string, key: string, fields?: any, field?: string, by?: number }} Op */
/** @typedef {{ ticket: number, ops: Op[] }} Waiting */

/** Of all of them: a segment, and an event. */
const memory = new Uint8Array(2 ** 24)
const eventsAt = 2 ** 23

/** What dist/module.js exports, as a factory of modules with a fake engine. */
export const createFakeModule = async () => ({
  ...fakeFs(),
  Engine: FakeEngine,
  HEAPU8: memory,
  journalFormat: () => 2,
  errorCodes: () =>
    JSON.stringify(Object.entries(errorCodes).map(([name, retryable]) => ({ name, retryable }))),
})

/** Engines that were made and not deleted: a test that leaves some behind leaks. */
export const liveEngines = new Set()

export class FakeEngine {
  /** @param {string} configJson @param {import('../../js/load-module.js').Hooks} hooks */
  constructor(configJson, hooks) {
    this.config = JSON.parse(configJson)
    this.hooks = hooks
    this.isEntered = false
    /** @type {{ type: string }[]} effects of the call under way */
    this.out = []
    /** @type {Op[]} in the order of the journal */
    this.durable = []
    /** @type {Waiting[]} in the commit under way */
    this.committing = []
    /** @type {Waiting[]} for the next one */
    this.waiting = []
    this.isCommitting = false
    this.isLoaded = false
    this.isGone = false
    this.segmentBytes = 0
    this.leads = true
    /** @type {number[]} tickets of sync() */
    this.syncs = []
    /** @type {any[]} */
    this.rejected = []
    /** @type {any[]} */
    this.overwritten = []
    this.pending = 0
    /** @type {number | null} */
    this.lastSyncedAt = null
    liveEngines.add(this)
    if (!this.config.schema.collections) {
      hooks.effects(JSON.stringify([{ type: 'failed', code: 'invalid-value', message: 'schema' }]))
    }
    this.fold()
  }

  delete() {
    liveEngines.delete(this)
  }

  /** Nobody asked for it: the effects go to the hook. @param {() => void} work */
  enter(work) {
    this.run(work)
    const effects = this.effects()
    if (effects) this.hooks.effects(effects)
  }

  /** @param {() => void} work */
  run(work) {
    if (!liveEngines.has(this)) throw new Error('BindingError: deleted object')
    if (this.isEntered) throw new Error('the engine was entered twice')
    this.isEntered = true
    work()
    this.isEntered = false
  }

  /** @param {number} seq @param {Uint8Array} bytes */
  load(seq, bytes) {
    this.enter(() => {
      const text = new TextDecoder().decode(bytes)
      if (text.startsWith('newer')) {
        this.tell({ type: 'failed', code: 'reload-needed', message: `segment ${seq} is newer` })
        return
      }
      let segment
      try {
        segment = JSON.parse(text)
      } catch {
        this.tell({ type: 'failed', code: 'storage-damaged', message: `segment ${seq}` })
        return
      }
      this.durable.push(...segment.ops)
      this.pending += segment.ops.length
      this.changed(segment.ops)
    })
  }

  segmentAt() {
    const ops = this.committing.flatMap((write) => write.ops)
    const segment = JSON.stringify({ boot: this.config.entropy, ops })
    this.segmentBytes = new TextEncoder().encodeInto(segment, memory).written
    return 0
  }

  segmentSize() {
    return this.segmentBytes
  }

  roomFor() {
    return eventsAt
  }

  /** @param {number} size */
  handle(size) {
    const event = JSON.parse(new TextDecoder().decode(memory.subarray(eventsAt, eventsAt + size)))
    this.run(() => {
      if (event.type === 'trap') throw new WebAssembly.RuntimeError('unreachable')
      if (!this.isLoaded && event.type !== 'loaded') throw new Error('not loaded')
      const handlers = /** @type {any} */ (this)
      if (!handlers[event.type]) throw new Error(`unknown event ${event.type}`)
      handlers[event.type](event)
    })
    return this.out.some((effect) => effect.type === 'commit')
  }

  effects() {
    return this.out.length > 0 ? JSON.stringify(this.out.splice(0)) : ''
  }

  loaded() {
    this.isLoaded = true
  }

  /** @param {{ writes: Waiting[] }} event */
  writes({ writes }) {
    for (const each of writes) this.write(each)
  }

  /** @param {Waiting} write */
  write({ ticket, ops }) {
    for (const op of ops) {
      const problem = this.problemOf(op)
      if (problem) return this.settle(ticket, ...problem)
    }
    this.waiting.push({ ticket, ops })
    this.pending += ops.length
    this.changed(ops)
    this.commit()
  }

  /** @param {Op} op @returns {[string, string] | null} */
  problemOf({ collection, fields = {} }) {
    const spec = this.config.schema.collections[collection].fields
    for (const [name, value] of Object.entries(fields)) {
      if (!Object.hasOwn(spec, name)) return ['unknown-field', `no field ${name}`]
      if (spec[name].type === 'integer' && value !== null && !Number.isInteger(value)) {
        return ['invalid-value', `${name} must be an integer`]
      }
    }
    return null
  }

  commit() {
    if (this.isCommitting || this.waiting.length === 0) return
    this.isCommitting = true
    this.committing = this.waiting.splice(0)
    this.tell({ type: 'commit', tickets: this.committing.map(({ ticket }) => ticket) })
  }

  flushed() {
    const written = this.committing.splice(0)
    this.isCommitting = false
    for (const { ops } of written) this.durable.push(...ops)
    this.fold()
    this.commit()
  }

  /** @param {{ code: string, message: string }} error */
  flushFailed({ code, message }) {
    const lost = this.committing.splice(0)
    this.isCommitting = false
    this.pending -= lost.flatMap(({ ops }) => ops).length
    for (const { ticket } of lost) this.settle(ticket, code, message)
    this.tell({ type: 'failed', code, message })
    this.changed(lost.flatMap(({ ops }) => ops))
    this.commit()
  }

  /** @param {{ ticket: number }} event */
  syncNow({ ticket }) {
    this.syncs.push(ticket)
    if (this.syncs.length === 1) this.tell({ type: 'askSession', refresh: false })
  }

  /** @param {{ ticket: number }} event */
  abortSync({ ticket }) {
    this.syncs = this.syncs.filter((other) => other !== ticket)
  }

  /** @param {{ here: boolean }} event */
  leaderIs({ here }) {
    this.leads = here
  }

  poke() {
    this.poked = (this.poked ?? 0) + 1
    if (this.leads && this.config.autoSync && this.syncs.length === 0) {
      this.syncs.push(0)
      this.tell({ type: 'askSession', refresh: false })
    }
  }

  /** @param {{ accessToken: string, error: string }} event */
  sessionIs({ accessToken, error }) {
    if (error) return this.syncFailed('offline', error)
    if (!accessToken || this.isGone) return this.syncFailed('signed-out', 'no session')
    this.tell({ type: 'progress', phase: 'push', done: 0, total: this.pending })
    const init = {
      method: 'POST',
      headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
      body: '{"request":{}}',
    }
    this.hooks.fetch('/rest/v1/rpc/sync', init).then(
      async (response) => this.fetched(response.status, await response.text()),
      (error) => this.fetched(0, String(error)),
    )
  }

  /** @param {number} status @param {string} body */
  fetched(status, body) {
    if (!liveEngines.has(this)) return
    this.enter(() => {
      if (status === 0) return this.syncFailed('offline', body)
      if (status === 401) return this.tell({ type: 'askSession', refresh: true })
      if (status !== 200) return this.syncFailed('server', `status ${status}`)
      const { rows = [], rejected = [], overwritten = [] } = JSON.parse(body)
      const ops = rows.map((/** @type {any[]} */ [collection, key, fields]) => ({
        op: 'put',
        collection,
        key,
        fields,
      }))
      this.durable.push(...ops)
      this.rejected.push(...rejected)
      this.overwritten.push(...overwritten)
      for (const detail of rejected) this.tell({ type: 'notify', event: 'rejected', detail })
      for (const detail of overwritten) this.tell({ type: 'notify', event: 'overwritten', detail })
      const pushed = this.pending
      this.pending = 0
      this.lastSyncedAt = this.hooks.wallMs()
      this.changed(ops)
      const report = {
        ...{ pushed, pulled: ops.length, conflicts: 0, rejected: rejected.length },
        ...{ requests: 1, bytesSent: 0, bytesReceived: body.length, durationMs: 0 },
      }
      for (const ticket of this.syncs.splice(0)) {
        this.tell({ type: 'settled', ticket, code: '', message: '', report })
      }
    })
  }

  /** @param {string} code @param {string} message */
  syncFailed(code, message) {
    for (const ticket of this.syncs.splice(0)) this.settle(ticket, code, message)
    this.tell({ type: 'failed', code, message }, { type: 'setTimer', at: this.hooks.wallMs() + 20 })
  }

  timerFired() {
    this.timers = (this.timers ?? 0) + 1
  }

  /** @param {{ ticket: number, id: string }} event */
  discardRejected({ ticket, id }) {
    this.rejected = this.rejected.filter((one) => one.id !== id)
    this.tell({ type: 'statusChanged' })
    this.settle(ticket)
  }

  /** @param {{ ticket: number, id: string }} event */
  retryRejected(event) {
    this.discardRejected(event)
  }

  /** @param {{ ticket: number, id: string }} event */
  restoreOverwritten({ ticket, id }) {
    const found = this.overwritten.find((one) => one.id === id)
    if (!found) return this.settle(ticket, 'invalid-value', `no text ${id}`)
    const { collection, key, field, text } = found
    this.write({ ticket, ops: [{ op: 'patch', collection, key, fields: { [field]: text } }] })
  }

  userGone() {
    this.isGone = true
    this.syncFailed('signed-out', 'the user signed out')
  }

  close() {
    for (const { ticket } of [...this.committing, ...this.waiting])
      this.settle(ticket, 'closed', '')
    for (const ticket of this.syncs.splice(0)) this.settle(ticket, 'closed', 'closed')
  }

  /** @param {...{ type: string, [member: string]: any }} effects */
  tell(...effects) {
    this.out.push(...effects)
  }

  /** @param {number} ticket @param {string} [code] @param {string} [message] */
  settle(ticket, code = '', message = '') {
    this.tell({ type: 'settled', ticket, code, message, report: null })
  }

  /** @param {Op[]} ops */
  changed(ops) {
    this.fold()
    for (const collection of new Set(ops.map((op) => op.collection))) {
      const keys = [
        ...new Set(ops.filter((op) => op.collection === collection).map((op) => op.key)),
      ]
      this.tell({ type: 'changed', collection, keys })
    }
    this.tell({ type: 'statusChanged' })
  }

  /** State is the fold of every op that was not taken back. */
  fold() {
    /** @type {Record<string, Map<string, any>>} */
    this.rows = {}
    for (const name of Object.keys(this.config.schema.collections ?? {}))
      this.rows[name] = new Map()
    const open = [...this.committing, ...this.waiting].flatMap(({ ops }) => ops)
    for (const { op, collection, key, fields = {}, field = '', by = 1 } of [
      ...this.durable,
      ...open,
    ]) {
      const rows = this.rows[collection]
      if (op === 'remove') {
        rows.delete(key)
        continue
      }
      const spec = this.config.schema.collections[collection]
      const row =
        rows.get(key) ?? Object.fromEntries(Object.keys(spec.fields).map((name) => [name, null]))
      if (spec.key !== 'self') row[spec.key] = key
      if (op === 'increment') row[field] = (row[field] ?? 0) + by
      rows.set(key, { ...row, ...fields })
    }
  }

  /** @param {string} questionJson */
  query(questionJson) {
    if (!liveEngines.has(this)) throw new Error('BindingError: deleted object')
    const question = JSON.parse(questionJson)
    return JSON.stringify(this.answer(question) ?? null)
  }

  /** @param {any} question @returns {any} */
  answer({ get, rows, list, size, status, rejected, overwritten, collection }) {
    const all = this.rows?.[collection] ?? new Map()
    if (get !== undefined) return all.get(get)
    if (rows) return rows.map((/** @type {string} */ key) => all.get(key) ?? null)
    if (size) return all.size
    if (rejected) return this.rejected
    if (overwritten) return this.overwritten
    if (status) {
      return {
        state: this.isGone ? 'signed-out' : this.syncs.length > 0 ? 'syncing' : 'idle',
        ...{ pending: this.pending, rejected: this.rejected.length },
        ...{ lastSyncedAt: this.lastSyncedAt, lastError: null, nextRetryAt: null },
      }
    }
    if (!list) return null
    const { where = {}, desc = false, limit = Number.POSITIVE_INFINITY } = list
    const keys = [...all.keys()].sort()
    if (desc) keys.reverse()
    return keys
      .filter((key) =>
        Object.entries(where).every(([path, value]) => at(all.get(key), path) === value),
      )
      .slice(0, limit)
  }
}

/** @param {any} row @param {string} path */
function at(row, path) {
  return path.split('.').reduce((value, step) => value?.[step], row)
}
