// Owns what is computed of the sovereign logs in the background: follows them, and some time after the
// last change lets patterns-keeper.js and archetype-due.js look. Keeps nothing: it goes on after a kill.
//
//   changed rows --2 s later--> entries -> Patterns (core) -> path.patterns
//                                       -> how many        -> "archetypeDue"

import { BackgroundJob } from '../background-job.js'
import { ifFree } from '../contexts/turn.js'
import { asSyncError } from '../error.js'
import { deviceZone } from '../local-date.js'
import { following } from '../search/following.js'
import { ArchetypeDue } from './archetype-due.js'
import { PatternsKeeper } from './patterns-keeper.js'
import { entryOf } from './sovereign-entry.js'

const quietMs = 2000
/** A new day changes them too, though nothing is written. */
const lookAgainMs = 3600 * 1000

export class Insights {
  /**
   * @param {import('../client-state.js').ClientState} state
   * @param {object} options
   * @param {import('../load-module.js').WasmPatterns} options.patterns freed by stop()
   * @param {(error: import('../error.js').SyncError) => void} options.onFailed
   * @param {string} options.lockName of a Web Lock: one context writes at a time
   * @param {() => string} [options.zoneOf] for tests: the user's time zone
   * @param {number} [options.waitMs] for tests: quiet time after the last change
   */
  constructor(state, { patterns, onFailed, lockName, zoneOf = deviceZone, waitMs = quietMs }) {
    this.state = state
    this.patterns = patterns
    this.lockName = lockName
    this.zoneOf = zoneOf
    this.waitMs = waitMs
    this.job = new BackgroundJob({
      work: () => this.work(),
      onError: (error) => {
        onFailed(asSyncError(error, 'invariant', 'insights are not made'))
        this.job.wake(lookAgainMs)
      },
      quietMs: waitMs,
    })
    this.zone = zoneOf()
    /** @type {Map<string, number>} key of a sovereign log -> when it was written; NaN: nobody knows */
    this.times = new Map()
    const { logs, path } = state.parts.schema.collections
    const columnsOf = ['category', 'createdAt', 'metadata']
    this.columns = columnsOf.map((name) => logs.fields[name]?.column ?? '')
    this.keeper = path.fields.patterns ? new PatternsKeeper(state, patterns) : null
    this.due = path.fields.archetypeAnalysis ? new ArchetypeDue(state) : null
    /** since the last look began */
    this.isAsked = false
    this.follow()
    /** as of the last look: until then each change of the status may be the one that is waited for */
    this.wasLoaded = this.isLoaded()
    this.undo = [
      ...['logs', 'path'].map((name) => this.rowsOf(name).followers.add(() => this.ask())),
      state.status.followers.add(() => {
        if (!this.wasLoaded) this.ask()
      }),
    ]
    this.ask()
  }

  /** @param {string} name */
  rowsOf(name) {
    return /** @type {import('../rows.js').Rows} */ (this.state.rows.get(name))
  }

  /** All logs, from the beginning. */
  follow() {
    this.logs?.stop()
    this.patterns.clear()
    this.times.clear()
    this.logs = following(this.rowsOf('logs'), (keys) => this.take(keys))
  }

  /** Until the first pull is done this device may know half of the entries, or none. */
  isLoaded() {
    return this.state.status.get().lastSyncedAt !== null
  }

  /** There is something to look at, once it is quiet. @param {number} [ms] */
  ask(ms = this.waitMs) {
    this.isAsked = true
    this.job.wake(ms)
  }

  /** Resolves when everything is as it should be, or that failed. @returns {Promise<void>} */
  run() {
    return this.job.run()
  }

  async work() {
    this.isAsked = false
    this.wasLoaded = this.isLoaded()
    if (this.state.refusal() || !this.wasLoaded) return
    // in the middle of a pull the entries may be there and what another device made of them not yet
    if (this.state.status.get().state === 'syncing') return this.ask()
    const zone = this.zoneOf()
    if (zone !== this.zone) {
      this.zone = zone
      this.follow()
    }
    await this.logs?.current()
    if (this.job.isStopped || this.state.refusal()) return
    this.due?.look(this.times.size, (at) => this.countUntil(at))
    const isDone = await ifFree(this.lockName, async () => {
      // what another context wrote meanwhile need not be written again
      await this.state.parts.contexts?.refresh()
      await this.logs?.current()
      if (!this.job.isStopped) await this.keeper?.look(this.zone)
    })
    if (!isDone) this.ask()
    else if (!this.isAsked) this.job.wake(lookAgainMs)
  }

  /** @param {string[]} keys */
  take(keys) {
    const question = { raw: this.columns, collection: 'logs', keys }
    const rows = this.state.query(question) ?? []
    for (const [i, key] of keys.entries()) {
      const [category, createdAt, metadata] = rows[i] ?? []
      this.patterns.remove(key)
      this.times.delete(key)
      if (category !== 'sovereign') continue
      const at = Date.parse(createdAt ?? '')
      this.times.set(key, at)
      if (Number.isNaN(at)) continue
      this.patterns.set(key, JSON.stringify(entryOf(metadata, at, this.zone)))
    }
  }

  /** @param {number} until */
  countUntil(until) {
    let count = 0
    for (const at of this.times.values()) if (!(at > until)) count += 1
    return count
  }

  async stop() {
    if (this.job.isStopped) return
    this.logs?.stop()
    for (const undo of this.undo) undo()
    await this.job.stop()
    this.patterns.delete()
  }
}
