// Owns the package entry "./supabase-sync-extended": the functions that the app called before, under their names, with
// their arguments and results. Each writes on the device first and answers success also offline; the engine does the
// rest. Knows the client's public API only.

import { logRow } from './app/log-rows.js'
import { gaveTotal, reportProgress } from './app/progress.js'
import { messageOf, SyncError } from './error.js'
import { localDate } from './local-date.js'
import { sha256, uuidV5 } from './uuid-v5.js'

/** @typedef {{ success: boolean, error?: string }} SyncResult */
/** @typedef {import('./client.js').SyncClient<any>} SyncClient */
/** @typedef {import('./app/types.js').UserProgress} UserProgress */
/** @typedef {import('./app/types.js').Achievement} Achievement */
/** @typedef {import('./app/types.js').Kata} Kata */
/** @typedef {import('./app/types.js').OEJTSAnswer} OEJTSAnswer */
/** @typedef {import('./app/types.js').OEJTSResults} OEJTSResults */
/** @typedef {import('./app/types.js').ArchetypeAnalysis} ArchetypeAnalysis */
/** @typedef {import('./app/types.js').HumanDesignChart} HumanDesignChart */
/** @typedef {import('./app/types.js').BirthData} BirthData */
/** @typedef {import('./app/types.js').HealthMetrics} HealthMetrics */
/** @typedef {import('./app/types.js').HealthDay} HealthDay */
/** @typedef {import('./app/types.js').SovereignPathData} SovereignPathData */
/** @typedef {import('./app/types.js').CosmicData} CosmicData */
/** @typedef {import('./app/types.js').AstrologicalInsight} AstrologicalInsight */
/** @typedef {import('./app/types.js').DailyAttunement} DailyAttunement */
/** @typedef {import('./app/types.js').VectorEmbedding} VectorEmbedding */
/** @typedef {import('./app/types.js').ChatMessage} ChatMessage */
/** @typedef {import('./app/types.js').JournalEntry} JournalEntry */
/** @typedef {import('./app/types.js').SovereignLogEntry} SovereignLogEntry */
/** @typedef {import('./app/types.js').AttunementFeedback} AttunementFeedback */

const cosmicMs = 6 * 3_600_000

/** @type {SyncClient | null} */
let bound = null

/** Once at start-up, and again after another user signed in. @param {SyncClient | null} client */
export function bindSync(client) {
  bound = client
}

/** @param {UserProgress} progress @returns {Promise<SyncResult>} */
export function syncUserProgress(progress) {
  return result((client) => reportProgress(client, progress))
}

/** @returns {Promise<UserProgress | null>} null for a new user */
export async function fetchUserProgress() {
  const row = read('progress', 'self')
  if (!row) return null
  const { complianceStreak, lastCompletedDate, totalCompletions } = row
  if (bound) gaveTotal(bound, totalCompletions ?? 0)
  return {
    complianceStreak: complianceStreak ?? 0,
    lastCompletedDate,
    totalCompletions: totalCompletions ?? 0,
  }
}

/** @param {Achievement} achievement @returns {Promise<SyncResult>} */
export function syncAchievement({ id, unlocked, unlockedDate, progress }) {
  return put('achievements', id, { unlocked, unlockedDate: unlockedDate ?? undefined, progress })
}

/** @param {Achievement[]} achievements @returns {Promise<{ succeeded: number, failed: number, total: number }>} */
export async function bulkSyncAchievements(achievements) {
  const results = await Promise.all(achievements.map((each) => syncAchievement(each)))
  const succeeded = results.filter(({ success }) => success).length
  return { succeeded, failed: results.length - succeeded, total: results.length }
}

/** @returns {Promise<Achievement[]>} titles and descriptions come from the app's own list */
export async function fetchAchievements() {
  return list('achievements').map(({ achievementId, unlocked, unlockedDate, progress }) => ({
    ...{ id: achievementId, unlocked: unlocked ?? false, unlockedDate, progress: progress ?? 0 },
  }))
}

/** Only what is given is written. @param {SovereignPathData} data @returns {Promise<SyncResult>} */
export function syncSovereignPathData(data) {
  const { humanDesignChart, birthData, oejtsAnswers, oejtsResults } = data
  const { archetypeAnalysis, lastArchetypeUpdate, katas, healthMetrics } = data
  return put('path', 'self', {
    ...{ humanDesignChart, birthData, oejtsAnswers, oejtsResults },
    ...{ archetypeAnalysis, lastArchetypeUpdate, katas, healthMetrics },
    lastSyncDate: new Date().toISOString(),
  })
}

/** @returns {Promise<(SovereignPathData & { lastSyncDate: string | null }) | null>} null for a new user */
export async function fetchSovereignPathData() {
  const row = read('path', 'self')
  if (!row) return null
  const { humanDesignChart, birthData, oejtsAnswers, oejtsResults } = row
  const { archetypeAnalysis, lastArchetypeUpdate, katas, healthMetrics, lastSyncDate } = row
  return {
    ...{ humanDesignChart, birthData, oejtsAnswers: oejtsAnswers ?? [], oejtsResults },
    ...{ archetypeAnalysis, lastArchetypeUpdate, katas: katas ?? [], healthMetrics, lastSyncDate },
  }
}

/** @param {CosmicData} cosmic @param {string} date the local day @returns {Promise<SyncResult>} */
export function syncCosmicData({ location, astronomy }, date) {
  return put('cosmic', date, { location, astronomy, cachedAt: new Date().toISOString() })
}

/** @param {string} date @returns {Promise<CosmicData | null>} null when it is older than 6 hours */
export async function fetchCosmicData(date) {
  const row = read('cosmic', date)
  const age = Date.now() - Date.parse(row?.cachedAt ?? '')
  if (!row || !(age <= cosmicMs)) return null
  return { location: row.location, astronomy: row.astronomy, cached_at: row.cachedAt }
}

/** @param {AstrologicalInsight} astro @param {BirthData} birthData @returns {Promise<SyncResult>} */
export function syncAstrologyData({ natalChart, transits, personalTrading }, birthData) {
  return put('astrology', 'self', {
    ...{ birthData, natalChart, transits, personalTrading, cachedAt: new Date().toISOString() },
  })
}

/** @returns {Promise<AstrologicalInsight | null>} */
export async function fetchAstrologyData() {
  const row = read('astrology', 'self')
  if (!row) return null
  const { natalChart, transits, personalTrading, cachedAt } = row
  return { natalChart, transits, personalTrading, cached_at: cachedAt }
}

/** The first one of a day stays. @param {DailyAttunement} attunement @returns {Promise<SyncResult>} */
export function syncDailyAttunement({
  date,
  insightfulQuestion,
  synthesizedAnswer,
  basedOn,
  generatedAt,
}) {
  return put('attunements', date, { insightfulQuestion, synthesizedAnswer, basedOn, generatedAt })
}

/** @param {string} date the local day @returns {Promise<DailyAttunement | null>} */
export async function fetchDailyAttunement(date) {
  const row = read('attunements', date)
  if (!row) return null
  const { insightfulQuestion, synthesizedAnswer, basedOn, generatedAt } = row
  return { id: `attune-${date}`, date, insightfulQuestion, synthesizedAnswer, basedOn, generatedAt }
}

/** The same text of the same model is one row. @param {VectorEmbedding} embedding @returns {Promise<SyncResult>} */
export function syncVectorEmbedding({ content, embedding, metadata = {} }) {
  return result(async (client) => {
    const name = `embeddings/${metadata.model ?? ''}/${await sha256(content)}`
    const key = await uuidV5(String(client.userId), name)
    await client.collection('embeddings').put(key, { content, embedding, metadata })
  })
}

/**
 * None also without a user, and where search() refuses: for a vector that is not of 384 numbers.
 * @param {ArrayLike<number>} queryEmbedding
 * @param {number} [threshold]
 * @param {number} [limit]
 * @returns {Promise<{ id: string, content: string, metadata: Record<string, unknown>, similarity: number }[]>}
 */
export async function semanticSearch(queryEmbedding, threshold = 0.7, limit = 5) {
  if (!bound || bound.userId === null) return []
  const found = await bound.search(queryEmbedding, { threshold, limit }).catch(() => [])
  return found.map(({ id, content, metadata, similarity }) => ({
    id,
    content,
    metadata,
    similarity,
  }))
}

/** @param {HealthMetrics} metrics @param {string} date the local day @returns {Promise<SyncResult>} */
export function syncHealthMetrics({ steps, sleepHours, walkingAsymmetry }, date) {
  const syncedAt = new Date().toISOString()
  return put('health', date, { steps, sleepHours, walkingAsymmetry, syncedAt })
}

/** @param {number} [days] @returns {Promise<HealthDay[]>} the last ones first */
export async function fetchHealthMetricsHistory(days = 30) {
  const first = new Date()
  first.setDate(first.getDate() - days)
  const rows = list('health', { from: localDate(first), desc: true })
  return rows.map(({ date, steps, sleepHours, walkingAsymmetry, syncedAt }) => ({
    ...{ date, steps, sleepHours, walkingAsymmetry, lastSync: syncedAt },
  }))
}

/** @param {ChatMessage} message @returns {Promise<SyncResult>} */
export function syncChatMessage(message) {
  return log('chat', message)
}

/** @param {JournalEntry} entry @returns {Promise<SyncResult>} */
export function syncJournalEntry(entry) {
  return log('journal', entry)
}

/** @param {SovereignLogEntry} entry @returns {Promise<SyncResult>} */
export function syncSovereignLog(entry) {
  return log('sovereign', entry)
}

/** @param {AttunementFeedback} feedback @returns {Promise<SyncResult>} */
export function syncAttunementFeedback(feedback) {
  return log('feedback', feedback)
}

/**
 * @typedef {object} Stores the parts of the app's stores; a list, or an object with the list in it
 * @property {UserProgress} [progress]
 * @property {Achievement[] | { achievements: Achievement[] }} [achievements]
 * @property {SovereignPathData} [path]
 * @property {ChatMessage[] | { messages: ChatMessage[] }} [chat]
 * @property {JournalEntry[] | { entries: JournalEntry[] }} [journal]
 * @property {SovereignLogEntry[] | { entries: SovereignLogEntry[] }} [sovereignLog]
 * @property {AttunementFeedback[] | { feedback: AttunementFeedback[] }} [feedback]
 * @property {HealthDay[] | { history: HealthDay[] }} [health]
 * @property {DailyAttunement[] | { attunements: DailyAttunement[] }} [attunements]
 */

/** @type {{ store: keyof Stores, list: string, collection: string, key: string, sync: (item: any) => Promise<SyncResult> }[]} */
const lists = [
  {
    ...{ store: 'achievements', list: 'achievements' },
    ...{ collection: 'achievements', key: 'id', sync: syncAchievement },
  },
  { store: 'chat', list: 'messages', collection: 'logs', key: 'id', sync: syncChatMessage },
  { store: 'journal', list: 'entries', collection: 'logs', key: 'id', sync: syncJournalEntry },
  { store: 'sovereignLog', list: 'entries', collection: 'logs', key: 'id', sync: syncSovereignLog },
  {
    store: 'feedback',
    list: 'feedback',
    collection: 'logs',
    key: 'id',
    sync: syncAttunementFeedback,
  },
  {
    ...{ store: 'health', list: 'history', collection: 'health', key: 'date' },
    sync: (day) => syncHealthMetrics(day, day.date),
  },
  {
    ...{ store: 'attunements', list: 'attunements' },
    ...{ collection: 'attunements', key: 'date', sync: syncDailyAttunement },
  },
]

/**
 * @param {Partial<Record<keyof Stores, unknown>>} stores
 * @param {{ onProgress?: (done: number, total: number) => void }} [options]
 * @returns {Promise<{ succeeded: number, failed: number, total: number,
 *   errors: { collection: string, key: string, error: string }[] }>}
 */
export async function bulkSyncAllData(stores, { onProgress } = {}) {
  /** @type {[collection: string, key: string, work: () => Promise<SyncResult>][]} */
  const jobs = []
  const { progress, path } = /** @type {Stores} */ (stores)
  if (progress) jobs.push(['progress', 'self', () => syncUserProgress(progress)])
  if (path) jobs.push(['path', 'self', () => syncSovereignPathData(path)])
  for (const { store, list, collection, key, sync } of lists) {
    const items = listIn(stores[store], list)
    const error = `stores.${store} has no list named "${list}"`
    if (!items) jobs.push([collection, '', async () => ({ success: false, error })])
    for (const item of items ?? []) jobs.push([collection, item[key], () => sync(item)])
  }
  const errors = []
  for (const [i, [collection, key, work]] of jobs.entries()) {
    const { success, error = '' } = await work()
    if (!success) errors.push({ collection, key: String(key), error })
    onProgress?.(i + 1, jobs.length)
  }
  const failed = errors.length
  return { succeeded: jobs.length - failed, failed, total: jobs.length, errors }
}

/**
 * A store that is a list, the list of that name in it, or the only one it has; null: which is it?
 * @param {any} store
 * @param {string} list
 * @returns {any[] | null}
 */
function listIn(store, list) {
  if (store === undefined || store === null) return []
  if (Array.isArray(store)) return store
  if (Array.isArray(store[list])) return store[list]
  const lists = Object.values(store).filter(Array.isArray)
  return lists.length === 1 ? lists[0] : null
}

/** @param {import('./app/log-rows.js').Category} category @param {Record<string, any>} entry */
function log(category, entry) {
  return result(async (client) => {
    const { key, row } = await logRow(String(client.userId), category, entry)
    await client.collection('logs').put(key, row)
  })
}

/** @param {string} collection @param {string} key @param {object} value */
function put(collection, key, value) {
  return result((client) => client.collection(collection).put(key, value))
}

/** @param {(client: SyncClient) => Promise<void>} work @returns {Promise<SyncResult>} */
async function result(work) {
  try {
    if (!bound) return { success: false, error: 'call bindSync(client) first' }
    if (bound.userId === null) return { success: false, error: 'Not authenticated' }
    await work(bound)
    return { success: true }
  } catch (error) {
    const isSignedOut = error instanceof SyncError && error.code === 'signed-out'
    return { success: false, error: isSignedOut ? 'Not authenticated' : messageOf(error) }
  }
}

/** @param {string} collection @param {string} key @returns {any} */
function read(collection, key) {
  return bound?.collection(collection).get(key)
}

/** @param {string} collection @param {object} [options] @returns {readonly any[]} */
function list(collection, options) {
  return bound?.collection(collection).list(options) ?? []
}
