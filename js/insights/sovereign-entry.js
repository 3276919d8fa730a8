// Owns what a sovereign log says, in the words of wasm/insights/patterns.hpp. Pure functions.

import { localTime } from '../local-date.js'

/**
 * @typedef {object} SovereignEntry
 * @property {number} at milliseconds since 1970
 * @property {string} day
 * @property {number} hour
 * @property {number} weekday
 * @property {unknown} type
 * @property {number | null} energy
 * @property {boolean} hasKata
 */

/** @param {any} metadata @param {number} at @param {string} zone @returns {SovereignEntry} */
export function entryOf(metadata, at, zone) {
  const { entryType, energyLevel, kataPerformed, actionTaken } = metadata ?? {}
  return {
    ...localTime(at, zone),
    ...{ at, type: entryType },
    energy: Number.isFinite(energyLevel) ? energyLevel : null,
    hasKata: isGiven(kataPerformed) || isGiven(actionTaken),
  }
}

/** A list with something in it, or a text that says something. @param {unknown} value */
function isGiven(value) {
  if (Array.isArray(value)) return value.length > 0
  return typeof value === 'string' && value.trim() !== ''
}
