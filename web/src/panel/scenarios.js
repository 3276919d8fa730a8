// Owns what the panel can test: each sync of the app writes by the app's own function, goes up, and is looked for on
// the server. A failure says why. Knows no button.

import { localDate } from 'somatic-sync'
import * as sync from 'somatic-sync/supabase-sync-extended'
import { messageOf } from '../message-of.js'
import { supabase } from '../supabase.js'

/** @typedef {{ name: string, table: string, collection: string, write: () => Promise<sync.SyncResult> }} Scenario */

/** @param {string} name @param {string} table @param {string} collection @param {() => Promise<sync.SyncResult>} write @returns {Scenario} */
const scenario = (name, table, collection, write) => ({ name, table, collection, write })

const now = () => new Date().toISOString()
const vector = () => Array.from({ length: 384 }, () => Math.random() - 0.5)

export const scenarios = [
  scenario('Progress', 'user_progress', 'progress', async () =>
    sync.syncUserProgress(
      (await sync.fetchUserProgress()) ?? {
        ...{ complianceStreak: 1, lastCompletedDate: localDate(), totalCompletions: 1 },
      },
    ),
  ),
  scenario('Achievements', 'achievements', 'achievements', () =>
    sync.syncAchievement({ id: 'panel-test', unlocked: true, unlockedDate: now(), progress: 100 }),
  ),
  scenario('Sovereign path', 'sovereign_path_data', 'path', () =>
    sync.syncSovereignPathData({ birthData: { testedAt: now() } }),
  ),
  scenario('Logs', 'sovereign_logs', 'logs', () =>
    sync.syncChatMessage({ id: 'panel-test', sessionId: 'panel', content: `Tested at ${now()}` }),
  ),
  scenario('Cosmic cache', 'cosmic_data_cache', 'cosmic', () =>
    sync.syncCosmicData(
      { location: { city: 'Zürich' }, astronomy: { testedAt: now() } },
      localDate(),
    ),
  ),
  scenario('Astrology cache', 'astrology_data_cache', 'astrology', () =>
    sync.syncAstrologyData({ transits: { testedAt: now() } }, { place: 'Zürich' }),
  ),
  scenario('Daily attunement', 'daily_attunements', 'attunements', () =>
    sync.syncDailyAttunement({
      ...{ date: localDate(), insightfulQuestion: 'What do you notice?' },
      ...{ synthesizedAnswer: 'Breath.', generatedAt: now() },
    }),
  ),
  scenario('Embeddings', 'vector_embeddings', 'embeddings', () =>
    sync.syncVectorEmbedding({
      ...{ content: `Tested at ${now()}`, embedding: vector(), metadata: { model: 'panel-test' } },
    }),
  ),
  scenario('Health', 'health_metrics_history', 'health', () =>
    sync.syncHealthMetrics({ steps: 1 + Math.floor(Math.random() * 9999) }, localDate()),
  ),
]

/**
 * @param {import('somatic-sync').SyncClient} client
 * @param {Scenario} tested
 * @returns {Promise<{ ms: number, reason: string }>} reason: '' when it is on the server
 */
export async function run(client, { table, collection, write }) {
  const began = performance.now()
  const reason = await reasonOf(async () => {
    // what an earlier test left there is not what this one is about, unless it is refused again
    for (const { id } of refusedOf(client, collection)) await client.retryRejected(id)
    const { success, error } = await write()
    if (!success) return error ?? 'it was refused'
    await client.sync()
    const [refused] = refusedOf(client, collection)
    if (refused) return `the server refused it: ${refused.message}`
    const { data, error: unread } = await supabase.from(table).select('user_id').limit(1)
    if (unread) return `the table "${table}" cannot be read: ${unread.message}`
    return data.length > 0 ? '' : `the server shows no row of "${table}": is there a policy?`
  })
  return { ms: Math.round(performance.now() - began), reason }
}

/** @param {import('somatic-sync').SyncClient} client @param {string} collection */
const refusedOf = (client, collection) =>
  client.rejected().filter((each) => each.collection === collection)

/** @param {() => Promise<string>} work */
async function reasonOf(work) {
  try {
    return await work()
  } catch (error) {
    return messageOf(error)
  }
}
