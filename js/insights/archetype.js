// Owns when an archetype analysis is due and how it is answered: every ten sovereign entries, whichever
// device they were written on. Makes no analysis; that is the app's.

import { stateOf } from '../client.js'
import { SyncError } from '../error.js'
import { uuidV5 } from '../uuid-v5.js'

export const entriesPerAnalysis = 10

/** @param {number} entries */
export const multipleOf = (entries) => Math.floor(entries / entriesPerAnalysis)

/**
 * How many entries the last analysis knew.
 * @param {any} path the row, or undefined
 * @param {(at: number) => number} countUntil entries written until then
 * @returns {number}
 */
export function entriesAnalysed(path, countUntil) {
  const { archetypeAnalysis, lastArchetypeUpdate } = path ?? {}
  const entries = archetypeAnalysis?.entries
  if (Number.isFinite(entries) && entries >= 0) return entries
  // written by an app that does not count
  const at = Date.parse(lastArchetypeUpdate ?? '')
  return archetypeAnalysis && Number.isFinite(at) ? countUntil(at) : 0
}

/**
 * The answer to an "archetypeDue": writes path.archetypeAnalysis and path.lastArchetypeUpdate, and keeps
 * the analysis as a log of the category "archetype". Two devices that answer the same make one log.
 * @param {import('../client.js').SyncClient<any>} client
 * @param {Record<string, any>} analysis `entries`, of the event, tells what it was made of: default all
 *   entries there are now
 * @returns {Promise<void>} once all of it is durable; rejects with a SyncError, having written nothing
 */
export async function answerArchetype(client, analysis) {
  const state = stateOf(client)
  const refusal = state.refusal()
  if (refusal) throw refusal
  if (typeof analysis !== 'object' || analysis === null || Array.isArray(analysis)) {
    throw new SyncError('invalid-value', 'answerArchetype: the analysis must be an object')
  }
  const { entries = sovereignCount(state) } = analysis
  if (!Number.isSafeInteger(entries) || entries < 0) {
    throw new SyncError('invalid-value', 'answerArchetype: entries must be a whole number')
  }
  const answered = multipleOf(entries) * entriesPerAnalysis
  const id = await uuidV5(String(state.parts.userId), `archetype/${answered}`)
  const { summary } = analysis
  const analysisId = String(analysis.analysisId ?? analysis.id ?? id)
  const content = typeof summary === 'string' && summary ? summary : JSON.stringify(analysis)
  await state.writes.batch(() => {
    const lastArchetypeUpdate = new Date(state.parts.now()).toISOString()
    const fields = { archetypeAnalysis: { ...analysis, entries }, lastArchetypeUpdate }
    state.writes.write('path', { op: 'patch', key: 'self', fields })
    const metadata = { entries: answered, analysisId, analysis }
    const log = { category: 'archetype', content, metadata }
    state.writes.write('logs', { op: 'put', key: id, fields: log })
  })
}

/** @param {import('../client-state.js').ClientState} state @returns {number} */
function sovereignCount(state) {
  const keys = state.query({ collection: 'logs', list: { where: { category: 'sovereign' } } })
  return keys?.length ?? 0
}
