// Owns what a client is made of and what happens to it: the effects of the core, the user who is gone,
// the end. The app never holds it; it holds the SyncClient of client.js.

import { Caches } from './cached.js'
import { closedError, errorInfo, messageOf, SyncError } from './error.js'
import { deepFreeze } from './freeze.js'
import { Listeners } from './listeners.js'
import { Rows } from './rows.js'
import { Status } from './status.js'
import { Writes } from './writes.js'

/** @typedef {'userchange' | 'archetypeDue' | 'rejected' | 'overwritten'} ClientEvent */

/**
 * @typedef {object} ClientParts
 * @property {string | null} userId
 * @property {import('./schema.js').Schema} schema
 * @property {import('./engine.js').Core | null} core null: nobody was ever signed in here
 * @property {import('./contexts/contexts.js').Contexts | null} contexts null without a core
 * @property {() => number} now
 * @property {'durable' | 'memory'} storage
 * @property {((error: import('./error.js').SyncErrorInfo) => void) | undefined} onError
 * @property {import('./rpc.js').Rpc | null} rpc null without a user
 * @property {import('./search/embedders.js').Embedder} [embedder]
 * @property {() => Promise<unknown>} forgetUser who was signed in last on this device
 * @property {() => Promise<void>} release stops requests, timers, listeners; closes the database
 */

export class ClientState {
  /** @param {ClientParts} parts */
  constructor(parts) {
    this.parts = parts
    /** nobody is signed in, or somebody else: nothing is read, written or sent */
    this.isGone = parts.core === null
    /** @type {Promise<void> | null} */
    this.closing = null
    this.isClosing = false
    this.isClosed = false
    /** @param {unknown} error */
    const onThrow = (error) => {
      this.report(new SyncError('invariant', `a listener threw: ${messageOf(error)}`, error))
    }
    this.status = new Status(() => this.lookAtStatus(), onThrow)
    /** @type {Listeners<import('./client.js').SyncProgress>} */
    this.onProgress = new Listeners(onThrow)
    /** @type {Record<ClientEvent, Listeners<unknown>>} */
    this.on = {
      userchange: new Listeners(onThrow),
      archetypeDue: new Listeners(onThrow),
      rejected: new Listeners(onThrow),
      overwritten: new Listeners(onThrow),
    }
    this.writes = new Writes(
      parts.schema,
      () => this.refusal(),
      (collection) => this.rows.get(collection)?.listeners.hasAny ?? false,
      (ops, isHeard) =>
        this.ask((ticket) => `{"type":"write","ticket":${ticket},"ops":${ops}}`, {
          isSoon: !isHeard,
        }),
    )
    const reads = {
      query: (/** @type {object} */ question) => this.query(question),
      isReadable: () => {
        this.parts.core?.catchUp()
        return !this.isGone && !this.isClosed
      },
      onThrow,
    }
    /** @type {Promise<import('./search/search.js').Search> | null} made by the first search */
    this.searching = null
    /** @type {import('./insights/insights.js').Insights | null} */
    this.insights = null
    /** @type {(() => Promise<void>)[]} what end() stops first */
    this.helpers = []
    /** @type {Set<() => void>} write what they hold back, as long as that is possible */
    this.holders = new Set()
    /** what was here was forgotten */
    this.isWiped = false
    /** @type {Map<string, Rows>} by collection */
    this.rows = new Map()
    for (const [name, spec] of Object.entries(parts.schema.collections)) {
      this.rows.set(name, new Rows(name, spec, reads))
    }
    this.caches = new Caches(this)
  }

  /**
   * @param {string} name
   * @returns {import('./schema.js').CollectionSpec}
   * @throws {SyncError} "unknown-collection"
   */
  specOf(name) {
    const rows = this.rows.get(name)
    if (rows) return rows.spec
    const known = [...this.rows.keys()].join(', ')
    throw new SyncError('unknown-collection', `there is no collection "${name}", only ${known}`)
  }

  /** Refuses new work, lets what was written become durable, lets go of everything. */
  close() {
    this.closing ??= this.end()
    return this.closing
  }

  async end() {
    if (!this.isWiped) this.letGo()
    this.isClosing = true
    this.status.changed()
    await Promise.all(this.helpers.map((stop) => stop()))
    await this.writes.settled()
    this.status.get() // the core is asked for the last time
    this.isClosed = true
    await this.parts.core?.close()
    await this.parts.release()
    for (const rows of this.rows.values()) rows.clear()
  }

  /** Nothing is held back any more. */
  letGo() {
    for (const write of this.holders) write()
  }

  /** Its own module: who never searches never loads it. */
  search() {
    const refusal = this.refusal()
    if (refusal) return Promise.reject(refusal)
    this.searching ??= import('./search/search.js').then(({ Search }) => {
      const search = new Search(this, this.parts.embedder)
      this.helpers.push(() => search.stop())
      return search
    })
    this.searching.catch(() => {
      this.searching = null
    })
    return this.searching
  }

  async loadVectors() {
    const refusal = this.refusal()
    if (refusal) throw refusal
    await this.parts.core?.vectors.keep()
    for (const rows of this.rows.values()) if (rows.vectors.length > 0) rows.clear()
  }

  /** @returns {Promise<import('./backup/format.js').Backup>} */
  async exportData() {
    const { writeBackup } = await import('./backup/export.js')
    /** @type {string[]} */
    const parts = []
    await writeBackup(this, async (text) => void parts.push(text))
    return JSON.parse(parts.join(''))
  }

  /** @returns {ReadableStream<Uint8Array<ArrayBuffer>>} */
  exportStream() {
    // a piece is made when one was taken
    const { readable, writable } = new TransformStream({}, undefined, { highWaterMark: 0 })
    const writer = writable.getWriter()
    const encoder = new TextEncoder()
    const write = async () => {
      const { writeBackup } = await import('./backup/export.js')
      await writeBackup(this, (text) => writer.write(encoder.encode(text)))
      await writer.close()
    }
    // the reader hears of it, or went away
    write().catch((error) => writer.abort(error).catch(() => {}))
    writer.closed.catch(() => {})
    return readable
  }

  /** @param {unknown} backup */
  async importData(backup) {
    const { readBackup } = await import('./backup/import.js')
    return readBackup(this, backup)
  }

  /** @param {boolean} isForced */
  async wipe(isForced) {
    const refusal = this.refusal()
    if (refusal) throw refusal
    this.letGo()
    await this.writes.settled()
    await this.parts.core?.wipe(() => {
      const status = this.query({ status: true })
      if (!status) throw this.refusal() ?? this.parts.core?.broken ?? closedError()
      const { pending, rejected } = status
      if (isForced || pending + rejected === 0) return
      throw new SyncError(
        'unsent-work',
        `${pending} rows were not sent yet and ${rejected} were refused: sync() or discard them, or wipe({ force: true })`,
      )
    })
    this.isWiped = true
    await this.leave()
  }

  async deleteAccount() {
    const { core, rpc } = this.parts
    const refusal = this.refusal()
    if (refusal || !core || !rpc) throw refusal
    await this.writes.settled()
    const givenUp = this.refusal()
    if (givenUp) throw givenUp
    await rpc('delete_account', {}) // fails offline, and nothing has changed then
    try {
      // No context has anything left to send; what was under way meanwhile goes with the second call.
      await core.wipe(() => {})
      this.isWiped = true
      await rpc('delete_account', {})
    } catch (error) {
      await this.leave().catch(() => {}) // less important than why
      throw error
    }
    await this.leave()
  }

  /** Closes, whatever becomes of forgetting who was here. */
  async leave() {
    try {
      await this.parts.forgetUser()
    } finally {
      await this.close()
    }
  }

  /** @returns {SyncError | null} why nothing may be written or sent */
  refusal() {
    if (this.isClosing) return closedError()
    if (this.isGone) {
      const who =
        this.parts.userId === null ? 'nobody is signed in' : 'this user is no longer signed in'
      return new SyncError('signed-out', `${who}: open a new client`)
    }
    return null
  }

  /** @param {object} question @returns {any} */
  query(question) {
    return this.isGone || this.isClosed ? null : (this.parts.core?.query(question) ?? null)
  }

  /** Milliseconds since 1970 by the server's clock, or by this device's while that is not known. */
  serverNow() {
    return this.query({ time: true }) ?? this.parts.now()
  }

  /** @param {(ticket: number) => string} makeJson @param {{ isSoon?: boolean }} [options] @returns {Promise<any>} */
  ask(makeJson, options) {
    const { core } = this.parts
    return core ? core.ask(makeJson, options).done : Promise.reject(this.refusal())
  }

  /** @param {string} type @param {string} id @returns {Promise<void>} */
  async command(type, id) {
    const refusal = this.refusal()
    if (refusal) throw refusal
    if (typeof id !== 'string') throw new SyncError('invalid-value', 'the id must be a text')
    await this.change((ticket) => JSON.stringify({ type, ticket, id }))
  }

  /** Asks for a change that close() waits for. @param {(ticket: number) => string} makeJson @returns {Promise<any>} */
  async change(makeJson) {
    const refusal = this.refusal()
    if (refusal) throw refusal
    const done = this.ask(makeJson)
    this.writes.pending.add(done)
    return await done.finally(() => this.writes.pending.delete(done))
  }

  lookAtStatus() {
    const { core, storage } = this.parts
    return {
      ...{ storage, isClosed: this.isClosing, isGone: this.isGone },
      told: core?.query({ status: true }) ?? null,
      broken: core?.broken ?? null,
      isReadOnly: core?.isReadOnly ?? false,
      isFailing: core?.isFailing ?? false,
    }
  }

  /** Rows read differently now. @param {string} name @param {string[]} keys @param {import('./engine.js').Later} later */
  onChanged(name, keys, later) {
    const rows = this.rows.get(name)
    rows?.invalidate(keys)
    later(() => rows?.tell(keys))
  }

  /** @param {string} event @param {unknown} detail @param {import('./engine.js').Later} later */
  onNotify(event, detail, later) {
    const listeners = Object.hasOwn(this.on, event)
      ? this.on[/** @type {ClientEvent} */ (event)]
      : null
    later(() => listeners?.call(deepFreeze(detail)))
  }

  /**
   * The user signed out, or another one signed in: from here on this client reads empty.
   *
   * @param {string | null} newUserId
   */
  userGone(newUserId) {
    if (this.isClosed) return
    /** @type {[Rows, string[]][]} */
    const former = [...this.rows.values()].map((rows) => [rows, rows.keys()])
    const wasGone = this.isGone
    this.parts.core?.feed({ type: 'userGone' })
    this.status.get() // the core is asked for the last time
    this.isGone = true
    for (const [rows, keys] of former) {
      rows.clear()
      if (!wasGone && keys.length > 0) rows.tell(keys)
    }
    this.status.changed()
    this.on.userchange.call(Object.freeze({ userId: newUserId }))
  }

  /** @param {{ code: string, message: string }} error @param {import('./engine.js').Later} later */
  onFailed(error, later) {
    if (error.code === 'storage-damaged') {
      this.status.damage = error
      this.status.changed()
    }
    later(() => this.report(error))
  }

  /** @param {{ code: string, message: string }} error */
  report(error) {
    try {
      this.parts.onError?.(errorInfo(error))
    } catch {
      // the place for failures failed: there is nobody left to tell
    }
  }
}
