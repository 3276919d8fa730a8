// Owns telling "archetypeDue": once per ten entries and context, again at the next start while nobody
// answered. Counts nothing itself.

import { entriesAnalysed, multipleOf } from './archetype.js'

export class ArchetypeDue {
  /** @param {import('../client-state.js').ClientState} state */
  constructor(state) {
    this.state = state
    this.told = 0
  }

  /** @param {number} entries @param {(at: number) => number} countUntil */
  look(entries, countUntil) {
    const multiple = multipleOf(entries)
    if (multiple <= this.told) return
    const listeners = this.state.on.archetypeDue
    // told when somebody listens: see SyncClient.on()
    if (!listeners.hasAny) return
    const since = entriesAnalysed(this.state.rows.get('path')?.get('self'), countUntil)
    if (multiple <= multipleOf(since)) return
    this.told = multiple
    listeners.call(Object.freeze({ entries, since }))
  }
}
