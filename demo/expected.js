// What must be on the server after all these acknowledged writes: the merge rules once more, in a
// simple form of their own. Shares nothing with the engine: a mistake there must not repeat here.

/** @typedef {import('./write-log.js').Line} Line */

/**
 * The value of one leaf, and the write it came from.
 * @typedef {{ value: any, line: number }} Leaf
 * @typedef {{ collection: string, key: string, isDeleted: boolean, line: number,
 *   leaves: Map<string, Leaf>, days: Set<string>, sums: Map<string, number> }} Expected
 */

const sums = new Set(['progress.totalCompletions'])
const days = new Set(['progress.completedDays'])
/** Computed from the days. */
const derived = new Set(['progress.complianceStreak', 'progress.lastCompletedDate'])
const keyed = new Map([
  ['path.oejtsAnswers', 'questionId'],
  ['path.katas', 'id'],
])
/** Keyed arrays whose elements win or lose whole: the newest answer is the answer. */
const whole = new Set(['path.oejtsAnswers'])
const vectors = new Set(['embeddings.embedding'])
const grows = new Map([
  ['achievements.unlocked', (/** @type {any} */ a, /** @type {any} */ b) => a || b],
  ['achievements.progress', (/** @type {any} */ a, /** @type {any} */ b) => (a > b ? a : b)],
  [
    'achievements.unlockedDate',
    (/** @type {any} */ a, /** @type {any} */ b) => (a && a < b ? a : b),
  ],
])

/** @param {unknown} value @returns {value is Record<string, any>} */
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * A value as leaves by path; the elements of a keyed array by their key.
 * @param {string} name "collection.field" @param {any} value @returns {Map<string, any>}
 */
export function leavesOf(name, value) {
  const leaves = new Map()
  const keyOf = keyed.get(name)
  const root =
    keyOf && Array.isArray(value)
      ? Object.fromEntries(value.map((one) => [one[keyOf], one]))
      : value
  // PostgreSQL stores a vector in single precision.
  const leaf = (/** @type {any} */ here) => (vectors.has(name) ? here?.map(Math.fround) : here)
  const deepest = whole.has(name) ? 1 : Number.POSITIVE_INFINITY
  const walk = (/** @type {string} */ path, /** @type {any} */ here, depth = 0) => {
    if (!isObject(here) || depth >= deepest) leaves.set(path, leaf(here))
    else for (const member of Object.keys(here)) walk(`${path}/${member}`, here[member], depth + 1)
  }
  walk(name.slice(name.indexOf('.') + 1), root)
  return leaves
}

/** @param {any} a @param {any} b */
export const isEqual = (a, b) => canonical(a) === canonical(b)

/** Equal text for equal values: members in order, instants in one form. @param {any} value @returns {string} */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (isObject(value)) {
    const members = Object.keys(value).sort()
    return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join()}}`
  }
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value)) {
    return JSON.stringify(new Date(value).toISOString())
  }
  return JSON.stringify(value ?? null)
}

const dayMs = 86_400_000
/** @param {string} first @param {string} last */
export function daysBetween(first, last) {
  const all = []
  for (let at = Date.parse(first); at <= Date.parse(last); at += dayMs) {
    all.push(new Date(at).toISOString().slice(0, 10))
  }
  return all
}

/**
 * Folds one user's writes in the order of their times.
 * @param {Line[]} lines
 * @returns {{ rows: Map<string, Expected>, lostTexts: { text: string, line: number }[] }} lostTexts: long texts that another
 *   device overwrote without having seen them; they must have been kept aside
 */
export function expect(lines) {
  /** @type {Map<string, Expected>} */
  const rows = new Map()
  /** @type {{ text: string, line: number }[]} */
  const lostTexts = []
  const order = lines.map((line, index) => ({ line, index })).sort((a, b) => a.line.at - b.line.at)
  for (const { line, index } of order) {
    const { collection, key, op, fields = {}, before } = line
    const name = `${collection}/${key}`
    const row = rows.get(name) ?? {
      ...{ collection, key, isDeleted: false, line: index },
      ...{ leaves: new Map(), days: new Set(), sums: new Map() },
    }
    rows.set(name, row)
    row.isDeleted = op === 'remove'
    row.line = index
    if (op === 'remove') continue
    if (line.field) row.sums.set(line.field, (row.sums.get(line.field) ?? 0) + (line.by ?? 1))
    for (const [field, value] of Object.entries(fields)) {
      const path = `${collection}.${field}`
      if (sums.has(path))
        row.sums.set(field, (row.sums.get(field) ?? 0) + value - (before?.[field] ?? 0))
      else if (days.has(path)) for (const day of value) row.days.add(day)
      else if (!derived.has(path))
        writeField(row, path, field, value, before?.[field], index, lostTexts)
    }
    if (fields.lastCompletedDate) {
      const last = Date.parse(fields.lastCompletedDate)
      const first = new Date(last - (fields.complianceStreak - 1) * dayMs)
        .toISOString()
        .slice(0, 10)
      for (const day of daysBetween(first, fields.lastCompletedDate)) row.days.add(day)
    }
  }
  return { rows, lostTexts }
}

/**
 * @param {Expected} row @param {string} path @param {string} field @param {any} value @param {any} seen
 * @param {number} line @param {{ text: string, line: number }[]} lostTexts
 */
function writeField(row, path, field, value, seen, line, lostTexts) {
  const combine = grows.get(path)
  if (combine) {
    const known = row.leaves.get(field)
    row.leaves.set(field, { value: known ? combine(known.value, value) : value, line })
    return
  }
  const was = seen === undefined || seen === null ? new Map() : leavesOf(path, seen)
  const now = leavesOf(path, value)
  for (const [leaf, leafValue] of now) {
    if (was.has(leaf) && isEqual(was.get(leaf), leafValue)) continue
    const known = row.leaves.get(leaf)
    const unseen = known && !isEqual(known.value, was.get(leaf)) && !isEqual(known.value, leafValue)
    if (unseen && typeof known.value === 'string' && known.value.length > 80) {
      lostTexts.push({ text: known.value, line: known.line })
    }
    row.leaves.set(leaf, { value: leafValue, line })
  }
  for (const leaf of was.keys()) {
    if (!now.has(leaf)) row.leaves.set(leaf, { value: undefined, line })
  }
}
