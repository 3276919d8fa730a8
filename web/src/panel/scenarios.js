// Owns what the panel can test: each sync of the app writes by the app's own function, goes up, and is looked for on
// the server. A failure says why. Knows no button.

import { localDate } from 'somatic-sync'
import * as sync from 'somatic-sync/supabase-sync-extended'
import { messageOf } from '../message-of.js'
import { supabase } from '../supabase.js'

/** @typedef {{ [column: string]: string | number }} Found what the server's row has then; a column, or a way into one */
/**
 * @typedef {object} Scenario
 * @property {string} name
 * @property {string} table
 * @property {'progress' | 'achievements' | 'path' | 'logs' | 'cosmic' | 'astrology' | 'attunements' | 'embeddings' | 'health'} collection
 * @property {(client: import('somatic-sync').SyncClient) => Promise<{ result: sync.SyncResult, found: Found, left?: string }>} write
 *   something that is not there yet; left: key of a row that is of no use afterwards
 */

const now = () => new Date().toISOString()
const vector = () => Array.from({ length: 384 }, () => Math.random() - 0.5)
/** An attunement is never written over, and those of our days are the user's. */
const dayLongAgo = () => localDate(new Date(1850, 0, 1 + (Math.floor(Date.now() / 1000) % 18_000)))

/** @type {Scenario[]} */
export const scenarios = [
  {
    ...{ name: 'Progress', table: 'user_progress', collection: 'progress' },
    async write(client) {
      const nothing = { complianceStreak: 0, lastCompletedDate: null, totalCompletions: 0 }
      const progress = (await sync.fetchUserProgress()) ?? nothing
      const total_completions = progress.totalCompletions
      // a completion, and taken back: nobody completed anything
      await sync.syncUserProgress({ ...progress, totalCompletions: total_completions + 1 })
      await client.sync()
      return { result: await sync.syncUserProgress(progress), found: { total_completions } }
    },
  },
  {
    ...{ name: 'Achievements', table: 'achievements', collection: 'achievements' },
    async write(client) {
      // of two the larger stays
      const progress = (client.collection('achievements').get('panel-test')?.progress ?? 0) + 1
      const achievement = { id: 'panel-test', unlocked: true, unlockedDate: now(), progress }
      const found = { achievement_id: 'panel-test', progress }
      return { result: await sync.syncAchievement(achievement), found }
    },
  },
  {
    ...{ name: 'Sovereign path', table: 'sovereign_path_data', collection: 'path' },
    async write() {
      const testedAt = now()
      const result = await sync.syncSovereignPathData({ birthData: { testedAt } })
      return { result, found: { 'birth_data->>testedAt': testedAt } }
    },
  },
  {
    ...{ name: 'Logs', table: 'sovereign_logs', collection: 'logs' },
    async write() {
      const content = `Tested at ${now()}`
      const message = { id: 'panel-test', sessionId: 'panel', content }
      return { result: await sync.syncChatMessage(message), found: { content } }
    },
  },
  {
    ...{ name: 'Cosmic cache', table: 'cosmic_data_cache', collection: 'cosmic' },
    async write() {
      const testedAt = now()
      const sky = { location: { city: 'Zürich' }, astronomy: { testedAt } }
      const result = await sync.syncCosmicData(sky, localDate())
      return { result, found: { 'astronomy->>testedAt': testedAt } }
    },
  },
  {
    ...{ name: 'Astrology cache', table: 'astrology_data_cache', collection: 'astrology' },
    async write() {
      const testedAt = now()
      const result = await sync.syncAstrologyData(
        { transits: { testedAt } },
        { date: '1990-01-01', place: 'Zürich' },
      )
      return { result, found: { 'transits->>testedAt': testedAt } }
    },
  },
  {
    ...{ name: 'Daily attunement', table: 'daily_attunements', collection: 'attunements' },
    async write() {
      const date = dayLongAgo()
      const insightfulQuestion = `What do you notice at ${now()}?`
      const result = await sync.syncDailyAttunement({
        ...{ date, insightfulQuestion, synthesizedAnswer: 'Breath.', generatedAt: now() },
      })
      return { result, found: { insightful_question: insightfulQuestion }, left: date }
    },
  },
  {
    ...{ name: 'Embeddings', table: 'vector_embeddings', collection: 'embeddings' },
    async write() {
      const content = `Tested at ${now()}`
      const metadata = { model: 'panel-test' }
      const result = await sync.syncVectorEmbedding({ content, embedding: vector(), metadata })
      return { result, found: { content } }
    },
  },
  {
    ...{ name: 'Health', table: 'health_metrics_history', collection: 'health' },
    async write() {
      const steps = 1 + Math.floor(Math.random() * 9999)
      const result = await sync.syncHealthMetrics({ steps }, localDate())
      return { result, found: { date: localDate(), steps } }
    },
  },
]

/**
 * @param {import('somatic-sync').SyncClient} client
 * @param {Scenario} tested
 * @returns {Promise<{ ms: number, reason: string }>} reason: '' when it is on the server
 */
export async function run(client, { table, collection, write }) {
  const began = performance.now()
  const reason = await reasonOf(async () => {
    await client.sync() // what is written is written on what is there
    // what an earlier test left there is not what this one is about, unless it is refused again
    for (const { id } of refusedOf(client, collection)) await client.retryRejected(id)
    const { result, found, left } = await write(client)
    if (!result.success) return result.error ?? 'it was refused'
    const reason = await reasonOf(() => missing(client, { table, collection, found }))
    if (left) await client.collection(collection).remove(left)
    if (left && reason === '') await client.sync()
    return reason
  })
  return { ms: Math.round(performance.now() - began), reason }
}

/**
 * @param {import('somatic-sync').SyncClient} client
 * @param {{ table: string, collection: string, found: Found }} sent
 * @returns {Promise<string>} why the server does not have it, if so
 */
async function missing(client, { table, collection, found }) {
  await client.sync()
  const [refused] = refusedOf(client, collection)
  if (refused) return `the server refused it: ${refused.message}`
  const { data, error } = await supabase.from(table).select('user_id').match(found)
  if (error) return `the table "${table}" cannot be read: ${error.message}`
  return data.length > 0 ? '' : `"${table}" does not have what was written: is there a policy?`
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
