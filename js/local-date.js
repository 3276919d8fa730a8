// Owns the answer to "which day is it for this person", and which hour. Knows no row and no clock but the one given.

/** @type {Map<string, Intl.DateTimeFormat>} making a formatter costs 1000 times its use */
const formatters = new Map()

/** @param {string} timeZone @returns {Intl.DateTimeFormat} */
function formatterOf(timeZone) {
  let formatter = formatters.get(timeZone)
  if (!formatter) {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      hourCycle: 'h23',
    })
    formatters.set(timeZone, formatter)
  }
  return formatter
}

/**
 * The user's calendar day in their own time zone, never the UTC day.
 * @param {number | Date} [at] milliseconds since 1970, or a Date; default now
 * @param {string} [timeZone] an IANA name such as "Europe/Berlin"; default the device's, asked on
 *   every call because a traveller's device changes it
 * @returns {string} YYYY-MM-DD
 * @throws {RangeError} when `at` is not a time or the zone is not known
 */
export function localDate(at = Date.now(), timeZone = undefined) {
  if (timeZone === undefined) {
    const date = new Date(at)
    if (Number.isNaN(date.getTime())) throw new RangeError('localDate: not a time')
    return `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  }
  return dayOf(partsOf(at, timeZone))
}

/**
 * The user's day, hour and weekday. An hour that comes twice, when clocks go back, has the same number
 * both times.
 * @param {number} at milliseconds since 1970
 * @param {string} timeZone
 * @returns {{ day: string, hour: number, weekday: number }} weekday: 0 is Sunday
 * @throws {RangeError} when `at` is not a time or the zone is not known
 */
export function localTime(at, timeZone) {
  const parts = partsOf(at, timeZone)
  const day = dayOf(parts)
  return { day, hour: Number(parts.hour), weekday: new Date(`${day}T00:00:00Z`).getUTCDay() }
}

/** The device's time zone, asked on every call because a traveller's device changes it. */
export function deviceZone() {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone
}

/**
 * @param {number | Date} at @param {string} timeZone
 * @returns {Record<string, string>}
 */
function partsOf(at, timeZone) {
  const parts = formatterOf(timeZone).formatToParts(at)
  return Object.fromEntries(parts.map(({ type, value }) => [type, value]))
}

/** @param {Record<string, string>} parts */
function dayOf({ year, month, day }) {
  return `${String(year).padStart(4, '0')}-${month}-${day}`
}

/** @param {number} n */
function two(n) {
  return String(n).padStart(2, '0')
}
