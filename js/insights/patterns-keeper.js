// Owns keeping path.patterns equal to what the core makes of the sovereign logs. Writes it when it
// differs, and knows when another device's should be left alone. Computes no pattern.

import { isEqual } from '../is-equal.js'
import { localDate } from '../local-date.js'

/** Two days by the calendar: that it was not written within the last 24 hours. */
const daysLeftAlone = 2
const dayMs = 24 * 3600 * 1000

export class PatternsKeeper {
  /**
   * @param {import('../client-state.js').ClientState} state
   * @param {import('../load-module.js').WasmPatterns} patterns
   */
  constructor(state, patterns) {
    this.state = state
    this.patterns = patterns
  }

  /**
   * Resolves when what is stored is right, or is to be left alone.
   * @param {string} zone the one the entries were read in
   */
  async look(zone) {
    const now = this.state.serverNow()
    const day = localDate(now, zone)
    const result = JSON.parse(this.patterns.result(day))
    const wanted = result && { zone, day, ...result }
    const stored = this.state.rows.get('path')?.get('self')?.patterns ?? null
    if (isEqual(stored, wanted)) return
    if (wanted && this.isOfAnother(stored, zone, now)) return
    const fields = { patterns: wanted }
    await this.state.writes.write('path', { op: 'patch', key: 'self', fields })
  }

  /**
   * Of another time zone, and young: two devices in two zones would write in turns for ever.
   * @param {any} stored @param {string} zone @param {number} now
   */
  isOfAnother(stored, zone, now) {
    if (typeof stored?.zone !== 'string' || stored.zone === zone) return false
    // a traveller's only device: there is nobody to take turns with
    const column = this.state.specOf('path').fields.patterns.column
    const [isOwn] = this.state.query({ own: ['self'], collection: 'path', column }) ?? []
    if (isOwn) return false
    try {
      const age = Date.parse(localDate(now, stored.zone)) - Date.parse(stored.day)
      return age < daysLeftAlone * dayMs
    } catch {
      return false // not a zone that is known here: nobody's
    }
  }
}
