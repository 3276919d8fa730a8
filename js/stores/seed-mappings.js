// Owns how the stores of the app this was made for look as rows, and rows as them. A list of the same items gives the
// same rows, and the same rows the same items: what did not change is not compared, nor rendered again.

import { logFields, logName, ownIds } from '../app/log-rows.js'

/** @typedef {import('./store-sync.js').StoreMapping<any>} StoreMapping */

const progress = /** @type {StoreMapping} */ ({
  collection: 'progress',
  // a streak says nothing without its last day
  together: [['complianceStreak', 'lastCompletedDate']],
  toRows: ({ complianceStreak, lastCompletedDate, totalCompletions }) => ({
    self: { complianceStreak, lastCompletedDate, totalCompletions },
  }),
  fromRows: ({ self }) => ({
    complianceStreak: self?.complianceStreak ?? 0,
    lastCompletedDate: self?.lastCompletedDate ?? null,
    totalCompletions: self?.totalCompletions ?? 0,
  }),
})

/** The app's own list has titles, and achievements that nobody has yet. */
const achievements = /** @type {StoreMapping} */ ({
  collection: 'achievements',
  toRows: ({ achievements: items }) => rowsOf(items ?? [], achievementRow),
  fromRows(rows, state) {
    const known = new Set()
    const items = (state.achievements ?? []).map((/** @type {any} */ item) => {
      known.add(item.id)
      const row = rows[item.id]
      if (!row) return item
      const { unlocked, unlockedDate, progress } = achievementItem(row)
      const now = { ...item, unlocked, unlockedDate, progress: progress ?? item.progress }
      return isSame(now, item) ? item : now
    })
    const others = Object.keys(rows).filter((id) => !known.has(id))
    return { achievements: [...items, ...others.map((id) => achievementItem(rows[id]))] }
  },
})

const achievementRow = remembered(({ unlocked, unlockedDate, progress }) => ({
  unlocked: unlocked ?? false,
  unlockedDate: unlockedDate ?? null,
  progress: progress ?? 0,
}))

const achievementItem = remembered(({ achievementId, unlocked, unlockedDate, progress }) => ({
  ...{ id: achievementId, unlocked: unlocked ?? false, unlockedDate: unlockedDate ?? null },
  progress: progress ?? 0,
}))

const pathFields = {
  ...{ humanDesignChart: null, birthData: null, oejtsAnswers: [], oejtsResults: null },
  ...{ archetypeAnalysis: null, lastArchetypeUpdate: null, katas: [], healthMetrics: null },
}

const sovereignPath = /** @type {StoreMapping} */ ({
  collection: 'path',
  toRows: (state) => ({ self: pick(state, Object.keys(pathFields)) }),
  fromRows: ({ self = {} }) =>
    Object.fromEntries(
      Object.entries(pathFields).map(([name, empty]) => [name, self[name] ?? empty]),
    ),
})

// The PIN, and whatever else is in that store, stays in it.
const auth = /** @type {StoreMapping} */ ({
  collection: 'auth',
  toRows: (state) => ({ self: pick(state, ['session', 'email']) }),
  fromRows: ({ self }) => ({ session: self?.session ?? null, email: self?.email ?? null }),
  // the app may have got or refreshed it before there was a client: the one that lasts longer is the newer one
  ahead({ session, email }, row, isOurs, userId) {
    const whose = session?.user?.id ?? session?.userId ?? (isOurs ? userId : null)
    if (whose !== userId || endOf(session) <= endOf(row?.session)) return []
    return email ? ['session', 'email'] : ['session']
  },
})

/** @param {any} session */
function endOf(session) {
  return Number(session?.expires_at ?? session?.expiresAt) || 0
}

const theme = /** @type {StoreMapping} */ ({
  collection: 'theme',
  toRows: (state) => ({ self: pick(state, ['theme']) }),
  fromRows: ({ self }, state) => ({ theme: self?.theme ?? state.theme }),
})

/** Ready-made mappings of the app's eight stores. @type {Record<'progress' | 'chat' | 'journal' | 'achievements' | 'sovereignLog' | 'sovereignPath' | 'auth' | 'theme', StoreMapping>} */
export const seedMappings = Object.freeze({
  progress,
  chat: logsIn('messages', 'chat'),
  journal: logsIn('entries', 'journal'),
  achievements,
  sovereignLog: logsIn('entries', 'sovereign'),
  sovereignPath,
  auth,
  theme,
})

/**
 * A list of entries of one category.
 * @param {string} member of the state
 * @param {import('../app/log-rows.js').Category} category
 * @returns {StoreMapping}
 */
function logsIn(member, category) {
  const rowOf = remembered((item) => logFields(category, item))
  const itemOf = remembered(({ content, createdAt, metadata }) => {
    const { [ownIds[category]]: id, ...rest } = metadata
    return { id, content, createdAt, ...rest }
  })
  return {
    collection: 'logs',
    nameOf: (id) => logName(category, id),
    toRows: (state) => rowsOf(state[member] ?? [], rowOf),
    fromRows(rows, state) {
      const items = Object.values(rows).flatMap((row) => {
        const { category: own, metadata } = /** @type {any} */ (row)
        return own === category && metadata?.[ownIds[category]] ? [itemOf(row)] : []
      })
      return { [member]: inOrder(items, state[member] ?? []) }
    },
  }
}

/** The newest first where the store has them so. @param {any[]} items @param {any[]} former */
function inOrder(items, former) {
  const [first, last] = [former[0], former[former.length - 1]]
  const sign = former.length > 1 && timeOf(first) > timeOf(last) ? -1 : 1
  const places = new Map(former.map(({ id }, i) => [id, i]))
  const placeOf = (/** @type {any} */ { id }) => places.get(id) ?? former.length
  const sorted = [...items].sort(
    (a, b) => sign * (timeOf(a) - timeOf(b)) || placeOf(a) - placeOf(b) || (a.id < b.id ? -1 : 1),
  )
  const isFormer = sorted.length === former.length && sorted.every((item, i) => item === former[i])
  return isFormer ? former : sorted
}

/** @param {any} item */
function timeOf({ createdAt }) {
  return Date.parse(createdAt ?? '') || 0
}

/** @param {any[]} items @param {(item: any) => Record<string, unknown>} rowOf */
function rowsOf(items, rowOf) {
  return Object.fromEntries(items.map((item) => [String(item.id), rowOf(item)]))
}

/** @param {any} state @param {string[]} names */
function pick(state, names) {
  return Object.fromEntries(names.flatMap((name) => (name in state ? [[name, state[name]]] : [])))
}

/** @param {any} a @param {any} b */
function isSame(a, b) {
  return Object.keys(a).every((name) => Object.is(a[name] ?? null, b[name] ?? null))
}

/** The same answer for the same object. @template T @param {(from: any) => T} make @returns {(from: any) => T} */
function remembered(make) {
  /** @type {WeakMap<object, T>} */
  const made = new WeakMap()
  return (from) => {
    const known = made.get(from)
    if (known) return known
    const fresh = make(from)
    made.set(from, fresh)
    return fresh
  }
}
