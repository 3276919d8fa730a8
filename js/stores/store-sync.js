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
import { adoptable } from './adoption.js'
import { Held } from './held.js'
import { onLeaving } from './leaving.js'
import { changeBetween, isTyping, withEdit } from './own-change.js'
import { isAboutValues, RowWriter } from './row-writer.js'

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

/** @typedef {Record<string, Record<string, any>>} Rows */

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
 * @property {string[][]} [together] fields that are written together when one of them changed
 */

/** The member of the state that names whose it is. */
const ownerField = 'somaticUserId'
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
    this.name = store.persist?.getOptions().name ?? mapping.collection
    /** what store and collection agree on, as rows of the store @type {Rows} */
    this.agreed = {}
    /** what the store has and the rows may not have */
    this.held = new Held()
    /** 0: nobody does */
    this.typedSince = 0
    /** taken over once it is known what the server has @type {Rows} */
    this.toAdopt = {}
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
        if (this.isShown) this.show()
        else this.begin()
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
    const mayAdopt = (isOurs || (owner === undefined && this.mapping.adopt)) && !this.isTakenOver()
    if (mayAdopt) this.toAdopt = adoptable(this.toRows(state), this.initialRows())
    else if (owner === undefined) this.resetMapped()
    this.store.setState({ [ownerField]: this.client.userId })
    this.undo.push(
      this.store.subscribe((now) => this.changed(now)),
      this.rows.subscribe(() => this.show()),
      this.client.subscribe(({ state }) => {
        if (state === 'closed') this.end()
        else this.adopt()
      }),
      ...onLeaving(() => this.flush()),
      this.holdBack(),
    )
    this.show()
    this.adopt()
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
    for (const key of this.hidden) delete rows[this.writer.keyOf(key)]
    for (const [key, fields] of Object.entries(this.toAdopt)) {
      const place = this.writer.keyOf(key)
      // what is not there yet shows as it was persisted, and never over what is there
      if (!rows[place]) rows[place] = { ...this.writer.keyFields(key), ...fields }
    }
    this.showHeld(rows)
    const state = store.getState()
    const told = Object.entries(mapping.fromRows(rows, state))
    const news = Object.fromEntries(told.filter(([name, value]) => !isEqual(state[name], value)))
    this.agreed = this.toRows({ ...state, ...news })
    for (const [key, fields] of Object.entries(this.agreed)) this.writer.saw(key, fields)
    this.isShown = true
    if (Object.keys(news).length > 0) store.setState(news)
    this.onShown?.()
  }

  /** @param {Rows} rows what is held is put over them */
  showHeld(rows) {
    this.isCovering = false
    for (const { edit, upTo } of this.held.all()) {
      const { key } = edit
      const place = this.writer.homeOf(key, edit.isNew)
      if (this.hidden.has(key)) continue
      if (edit.isGone) {
        if (upTo && rows[place]) this.isCovering = true
        delete rows[place]
        continue
      }
      // a row that is gone meanwhile is as the store had it last
      const row = rows[place] ?? { ...this.writer.keyFields(key), ...this.agreed[key] }
      const shown = withEdit(edit, row, upTo)
      if (upTo && !isEqual(shown, rows[place])) this.isCovering = true
      rows[place] = shown
    }
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
    if (this.isReset(change, after)) {
      for (const [key, fields] of Object.entries(after)) this.writer.saw(key, fields)
      for (const key of change.gone) this.hidden.add(key)
      return
    }
    for (const edit of change.edits) this.held.add(this.writer.counted(edit))
    if (isTyping(change)) return this.wait()
    this.takeOut(change)
    this.flush()
  }

  /** @param {{ edits: import('./own-change.js').Edit[], gone: string[] }} change */
  takeOut({ edits, gone }) {
    const isDeletion = this.mapping.deletes === 'diff' && !edits.some(({ isNew }) => isNew)
    for (const key of gone) {
      this.held.refused.delete(key)
      if (isDeletion) this.held.add({ key, isGone: true, from: {}, to: {}, counts: {} })
      else this.hidden.add(key)
    }
  }

  /**
   * Back to how it began: an app that signs out, or clears what it shows. The one item there was may be deleted.
   * @param {{ edits: import('./own-change.js').Edit[], gone: string[] }} change
   * @param {Rows} after
   */
  isReset({ edits, gone }, after) {
    const isOneDeletion = edits.length === 0 && gone.length === 1
    return !isOneDeletion && isEqual(after, this.initialRows())
  }

  /** For the end of the typing. */
  wait() {
    const now = performance.now()
    this.typedSince ||= now
    clearTimeout(this.timer)
    const left = this.typedSince + longestMs - now
    this.timer = idleTimeout(() => this.flush(), Math.max(0, Math.min(quietMs, left)))
  }

  /** Writes what waits, as one. */
  flush() {
    clearTimeout(this.timer)
    this.typedSince = 0
    const edits = this.held.take()
    if (edits.length > 0) this.send(edits)
  }

  /** @param {import('./own-change.js').Edit[]} edits */
  async send(edits) {
    const { flights } = this.held
    const upTo = new Map(edits.map((edit) => [edit, this.writer.totalsOf(edit)]))
    const flight = { edits, upTo }
    flights.add(flight)
    try {
      await this.writer.write(edits, this.agreed)
      flights.delete(flight)
      this.retryMs = retryMs
      if (this.isCovering) this.show()
    } catch (error) {
      flights.delete(flight)
      this.failed(edits, error)
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
    if (parts.length > 0) return
    if (this.held.refuse(edits[0])) this.report(error)
  }

  retryLater() {
    if (this.isStopped) return
    clearTimeout(this.retryTimer)
    this.retryTimer = idleTimeout(() => this.flush(), this.retryMs)
    this.retryMs = Math.min(2 * this.retryMs, longestRetryMs)
  }

  /** Takes over what was persisted, once the first pull told what there is. */
  adopt() {
    if (this.isStopped || this.isTakenOver() || this.client.status().lastSyncedAt === null) return
    const waiting = Object.entries(this.toAdopt)
    this.toAdopt = {}
    this.write(() => {
      for (const [key, fields] of waiting) this.writer.add(this.writer.adoption(key, fields))
      const { stores } = this.state.parts.schema.collections
      if (stores) {
        this.client
          .collection('stores')
          .put(this.name, { isTakenOver: true })
          .catch(() => {})
      }
    })
    this.isAdopted = true
    this.show()
  }

  isTakenOver() {
    if (this.isAdopted) return true
    const isKept = this.state.parts.schema.collections.stores !== undefined
    return isKept && this.client.collection('stores').get(this.name)?.isTakenOver === true
  }

  /** @param {() => void} work */
  write(work) {
    this.client.batch(work).catch((error) => this.report(error))
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

  /** All of the store, but for its functions, as it was at the very beginning. */
  reset() {
    const { store } = this
    const initial = store.getInitialState?.() ?? this.mapping.fromRows({}, store.getState())
    const data = Object.entries(initial).filter(([, value]) => typeof value !== 'function')
    store.setState({ ...Object.fromEntries(data), [ownerField]: undefined })
  }

  /** Only what rows are made of. */
  resetMapped() {
    const { store, mapping } = this
    const initial = /** @type {any} */ (store.getInitialState?.() ?? {})
    const mapped = Object.entries(mapping.fromRows({}, store.getState()))
    store.setState(
      Object.fromEntries(
        mapped.map(([name, empty]) => [name, name in initial ? initial[name] : empty]),
      ),
    )
  }

  initialRows() {
    const initial = this.store.getInitialState?.()
    return initial ? this.toRows(initial) : {}
  }

  /** @param {any} state @returns {Rows} */
  toRows(state) {
    return this.mapping.toRows(state)
  }
}
