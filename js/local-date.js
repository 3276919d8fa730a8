// Owns the answer to "which day is it for this person". Knows no row and no clock but the one given.

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
  /** @type {Record<string, string>} */
  const parts = {}
  for (const { type, value } of formatterOf(timeZone).formatToParts(at)) parts[type] = value
  return `${String(parts.year).padStart(4, '0')}-${parts.month}-${parts.day}`
}

/** @param {number} n */
function two(n) {
  return String(n).padStart(2, '0')
}
