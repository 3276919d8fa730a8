// Owns keeping one store and one collection equal: what the store's own changes say is written, and what the rows say
// is shown. What is known to be agreed on (`agreed`) is compared with what the store has, so what is shown is no edit.
//
//   store --change--> own-change.js --> held.js --typing? wait--> row-writer.js --> collection
//   collection --rows--> with what is held on top --> mapping.fromRows --> setState
//
// Knows no store library and no field of any collection.

import { stateOf } from '../client.js'
import { asSyncError } from '../error.js'
import { isEqual } from '../is-equal.js'
import { idleTimeout } from '../within.js'
import { Beginning } from './beginning.js'
import { Held } from './held.js'
import { onLeaving } from './leaving.js'
import { putHeld, putPlanned } from './overlay.js'
import { changeBetween, isTyping } from './own-change.js'
import { isAboutValues, RowWriter } from './row-writer.js'
import { TakeOver } from './take-over.js'
import { editsIn, noteOf } from './unwritten.js'

/**
 * @template State
 * @typedef {object} StoreApiLike a zustand store, or what looks like one
 * @property {() => State} getState
 * @property {(partial: any) => void} setState
 * @property {() => State} [getInitialState]
 * @property {(listener: (state: State, former: State) => void) => () => void} subscribe
 * @property {PersistLike} [persist]
 */

/**
 * @typedef {object} PersistLike zustand's persist, as far as it is needed
 * @property {() => boolean} hasHydrated
 * @property {(listener: (state: any) => void) => () => void} onHydrate
 * @property {(listener: (state: any) => void) => () => void} onFinishHydration
 * @property {() => { name?: string }} getOptions
 */

/** @typedef {import('./own-change.js').Rows} Rows */

/**
 * @template State
 * @typedef {object} StoreMapping
 * @property {string} collection
 * @property {(state: State) => Rows} toRows which part of the state is which rows, by key; pure
 * @property {(rows: Rows, state: State) => Partial<State>} fromRows the part of the state that these rows are; all its
 *   members also for no rows
 * @property {'none' | 'diff'} [deletes] "none" (default): what is missing in the state is never deleted; "diff": it is
 *   when one change of the store took it out, and added nothing
 * @property {boolean} [adopt] take over persisted state that names no user, once per user and store
 * @property {(key: string) => string} [nameOf] the keys of toRows are not those of the collection, but this name of
 *   one is what, with the user, its UUID is made of
 * @property {(fields: Record<string, any>, row: Record<string, any> | undefined, isOurs: boolean, userId: string | null) => string[]} [ahead]
 *   the fields in which a store that is opened is newer than the row; isOurs: it names this user, else nobody
 * @property {string[][]} [together] fields that are written together when one of them changed
 */

/** The member of the state that names whose it is. */
const ownerField = 'somaticUserId'
/** The member that notes what the rows lack. */
const noteField = 'somaticUnwritten'
/** What could not be written is tried again by itself after so long, at first; never longer than the second. */
const retryMs = 10_000
const longestRetryMs = 300_000
/** Somebody who types is waited for so long; never longer than the second. */
const quietMs = 300
const longestMs = 5000

export class StoreSync {
  /**
   * @param {StoreApiLike<any>} store
   * @param {import('../client.js').SyncClient<any>} client
   * @param {StoreMapping<any>} mapping
   */
  constructor(store, client, mapping) {
    this.store = store
    this.client = client
    this.mapping = mapping
    this.state = stateOf(client)
    this.rows = client.collection(mapping.collection)
    this.writer = new RowWriter(client, mapping)
    this.beginning = new Beginning(store, mapping)
    this.name = store.persist?.getOptions().name ?? mapping.collection
    /** what store and collection agree on, as rows of the store @type {Rows} */
    this.agreed = {}
    /** what the store has and the rows may not have */
    this.held = new Held()
    /** 0: nobody does */
    this.typedSince = 0
    /** waits until it is known what the server has */
    this.takeOver = new TakeOver(client, this.writer, this.name)
    /** the last write was not possible */
    this.isFailing = false
    /** taken out of the store without being deleted @type {Set<string>} */
    this.hidden = new Set()
    /** the last show() had something over the rows that was on its way to them */
    this.isCovering = false
    this.isShown = false
    this.isRehydrating = false
    this.isStopped = false
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.retryTimer = undefined
    this.retryMs = retryMs
    /** @type {(() => void)[]} */
    this.undo = []
    /** Resolves when the store shows the rows. @type {Promise<void>} */
    this.hydrated = new Promise((resolve) => {
      this.onShown = resolve
    })
  }

  start() {
    const { persist } = this.store
    if (this.client.userId === null) return
    this.undo.push(this.client.on('userchange', () => this.leave()))
    if (!persist) return this.begin()
    this.undo.push(
      persist.onHydrate(() => {
        this.isRehydrating = true
      }),
      persist.onFinishHydration(() => {
        this.isRehydrating = false
        if (!this.isShown) return this.begin()
        this.show()
        this.retry()
      }),
    )
    if (persist.hasHydrated()) this.begin()
  }

  /** The store has what it persisted: whose is it? */
  begin() {
    const state = this.store.getState()
    const owner = state[ownerField]
    const isOurs = owner === this.client.userId
    if (owner !== undefined && !isOurs) this.reset()
    const isTakenOver = this.takeOver.isDone()
    const mayAdopt = (isOurs || (owner === undefined && this.mapping.adopt)) && !isTakenOver
    if (isOurs && isTakenOver && state[noteField]) {
      this.held.giveBack(editsIn(state[noteField], this.toRows(state), this.writer))
      this.isFailing = true
    }
    if (isOurs || owner === undefined)
      this.held.giveBack(this.writer.ahead(this.toRows(state), isOurs))
    if (mayAdopt) this.takeOver.plan(this.toRows(state), this.beginning.rows())
    else if (owner === undefined) this.store.setState(this.beginning.mappedData())
    this.store.setState({ [ownerField]: this.client.userId })
    this.undo.push(
      this.store.subscribe((now) => this.changed(now)),
      this.rows.subscribe(() => this.show()),
      this.client.subscribe(({ state }) => {
        if (state === 'closed') this.end()
        else if (!this.isFailing) this.adopt()
      }),
      ...onLeaving(() => this.flush()),
      this.holdBack(),
    )
    this.show()
    this.retry()
  }

  /** The rows, with what is not written yet, in the store. */
  show() {
    if (this.isStopped || this.isRehydrating) return
    const { store, mapping } = this
    /** @type {Rows} */
    const rows = {}
    for (const key of this.rows.keys()) {
      const row = this.rows.get(key)
      if (row) rows[key] = row
    }
    putPlanned(rows, this.takeOver.rows, this.writer)
    this.isCovering = putHeld(rows, this.held, this.agreed, this.writer)
    for (const key of this.hidden) delete rows[this.writer.keyOf(key)]
    const state = store.getState()
    const told = Object.entries(mapping.fromRows(rows, state))
    told.push([noteField, this.note(state[noteField])])
    const news = Object.fromEntries(told.filter(([name, value]) => !isEqual(state[name], value)))
    this.agreed = this.toRows({ ...state, ...news })
    for (const [key, fields] of Object.entries(this.agreed)) this.writer.saw(key, fields)
    this.isShown = true
    if (Object.keys(news).length > 0) store.setState(news)
    this.onShown?.()
  }

  /** What the next start is to know. @param {Rows | undefined} known @returns {Rows | undefined} */
  note(known) {
    const { refused, waiting, flights } = this.held
    const edits = [...refused.values(), ...(this.isFailing ? waiting.values() : [])]
    // what is on its way is in the rows, and may not be stored: that note stays
    const note = { ...(flights.size > 0 ? known : {}), ...noteOf(edits, this.writer) }
    return Object.keys(note).length > 0 ? note : undefined
  }

  /** @param {any} state the store has now */
  changed(state) {
    if (this.isStopped || this.isRehydrating) return
    const before = this.agreed
    const after = this.toRows(state)
    const change = changeBetween(before, after)
    if (change.edits.length === 0 && change.gone.length === 0) return
    this.agreed = after
    for (const { key } of change.edits) this.hidden.delete(key)
    if (this.beginning.isReachedBy(change, state, after)) {
      for (const [key, fields] of Object.entries(after)) this.writer.saw(key, fields)
      for (const key of change.gone) this.hidden.add(key)
      return
    }
    for (const edit of change.edits) this.hold(this.writer.counted(edit))
    if (isTyping(change)) return this.wait()
    this.takeOut(change)
    this.flush()
  }

  /** @param {{ edits: import('./own-change.js').Edit[], gone: string[] }} change */
  takeOut({ edits, gone }) {
    const isDeletion = this.mapping.deletes === 'diff' && !edits.some(({ isNew }) => isNew)
    for (const key of gone) {
      this.held.refused.delete(key)
      if (isDeletion) this.hold({ key, isGone: true, from: {}, to: {}, counts: {} })
      else this.hidden.add(key)
    }
  }

  /** @param {import('./own-change.js').Edit} edit */
  hold(edit) {
    this.takeOver.changed(edit)
    this.held.add(edit)
  }

  /** For the end of the typing. */
  wait() {
    const now = performance.now()
    this.typedSince ||= now
    clearTimeout(this.timer)
    const left = this.typedSince + longestMs - now
    this.timer = idleTimeout(() => this.flush(), Math.max(0, Math.min(quietMs, left)))
    if (this.isFailing) this.show() // notes it
  }

  /** Writes what waits, as one. */
  flush() {
    clearTimeout(this.timer)
    this.typedSince = 0
    const edits = this.held.take()
    if (edits.length > 0) this.send(edits)
  }

  /** @param {import('./own-change.js').Edit[]} changes */
  async send(changes) {
    const { flights } = this.held
    const edits = changes.map((edit) => this.writer.completed(edit, this.agreed[edit.key]))
    const upTo = new Map(edits.map((edit) => [edit, this.writer.totalsOf(edit)]))
    const flight = { edits, upTo }
    flights.add(flight)
    try {
      await this.writer.write(edits, this.agreed)
      flights.delete(flight)
      this.succeeded()
      if (this.isCovering || this.store.getState()[noteField]) this.show()
    } catch (error) {
      this.failed(this.held.crashed(flight), error)
      this.show()
    }
  }

  /** @param {import('./own-change.js').Edit[]} edits nothing of them was written @param {unknown} error */
  failed(edits, error) {
    if (!isAboutValues(error)) {
      // the client told of it
      this.held.giveBack(edits)
      return this.retryLater()
    }
    const parts = this.writer.partsOf(edits)
    for (const part of parts) this.send([part])
    if (parts.length > 0 || edits.length === 0) return
    const [edit] = edits
    // somebody is just changing it: tried again with that
    if (this.held.waiting.has(edit.key)) this.held.giveBack([edit])
    else if (this.held.refuse(edit)) this.report(error)
  }

  succeeded() {
    this.isFailing = false
    this.retryMs = retryMs
  }

  retryLater() {
    if (this.isStopped) return
    clearTimeout(this.retryTimer)
    this.isFailing = true
    this.retryTimer = idleTimeout(() => this.retry(), this.retryMs)
    this.retryMs = Math.min(2 * this.retryMs, longestRetryMs)
  }

  retry() {
    this.flush()
    this.adopt()
  }

  /** Takes over what was persisted, once the first pull told what there is. */
  async adopt() {
    const { held, takeOver } = this
    if (this.isStopped || takeOver.isUnderWay || takeOver.isDone()) return
    if (this.client.status().lastSyncedAt === null) return
    try {
      await takeOver.run((edit, problem) => {
        if (held.refuse(edit)) this.report(problem)
        this.show() // notes it before the rest is stored: nobody looks at it any more afterwards
      })
      this.succeeded()
    } catch (/** @type {any} */ { cause, refused }) {
      for (const { key } of refused) held.refused.delete(key)
      if (isAboutValues(cause)) this.report(cause)
      this.retryLater()
    }
    this.show()
  }

  /** @param {unknown} error */
  report(error) {
    if (!this.isStopped && !this.state.refusal())
      this.state.report(asSyncError(error, 'invalid-value'))
  }

  /** The client is asked to let what was typed be written before it closes. */
  holdBack() {
    const { holders } = this.state
    const write = () => this.flush()
    holders.add(write)
    return () => holders.delete(write)
  }

  /** The client is closed; what was forgotten must not stay in a store, which may persist it. */
  end() {
    if (this.state.isWiped) this.leave()
    else this.stop()
  }

  /** Another user: nothing of this one's may show, or be persisted. */
  leave() {
    this.held.clear()
    this.stop()
    this.reset()
  }

  stop() {
    if (this.isStopped) return
    this.flush()
    clearTimeout(this.retryTimer)
    this.isStopped = true
    for (const step of this.undo) step()
  }

  /** All of the store as it was at the very beginning. */
  reset() {
    const marks = { [ownerField]: undefined, [noteField]: undefined }
    this.store.setState({ ...this.beginning.data(), ...marks })
  }

  /** @param {any} state @returns {Rows} */
  toRows(state) {
    return this.mapping.toRows(state)
  }
}
