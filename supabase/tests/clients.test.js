// The app's own functions beside sync: a real supabase-js client against the local Supabase writes
// the same tables with the upserts the app has always used, and calls sync over HTTP.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { createClient } from '@supabase/supabase-js'
// @ts-expect-error: no types are installed
import WebSocket from 'ws'
import { startLocalSupabase } from '../local/server.js'
import { log, mutation } from './support.js'

/** @typedef {import('./support.js').Row} Row */

describe('supabase-js beside sync', () => {
  /** @type {import('../local/server.js').LocalSupabase} */
  let server
  /** @type {import('@supabase/supabase-js').SupabaseClient} */
  let client
  /** @type {string} */
  let user
  const deviceId = randomUUID()
  before(async () => {
    server = await startLocalSupabase()
    client = createClient(server.url, server.anonKey, {
      auth: { persistSession: false, autoRefreshToken: false },
      realtime: { transport: WebSocket },
    })
    const [{ email, password }] = server.users
    const { data, error } = await client.auth.signInWithPassword({ email, password })
    assert.equal(error, null)
    user = data.user?.id ?? ''
  })
  after(() => server.stop())

  /** @param {Row} [request] @returns {Promise<any>} */
  const sync = async (request) => {
    const { data, error } = await client.rpc('sync', {
      request: {
        protocol: 1,
        device: deviceId,
        epoch: null,
        cursor: 0,
        last: null,
        acks: [],
        push: [],
        limit: 1000,
        ...request,
      },
    })
    assert.equal(error, null)
    return data
  }

  test('sync over HTTP answers one JSON object', async () => {
    const answer = await sync({ push: [log('over http')] })
    assert.equal(answer.answers[0].status, 'applied')
    assert.equal(answer.rows.sovereign_logs[0].content, 'over http')
  })

  // The app's upserts: table, row, onConflict, an edit, and columns to find afterwards.
  const now = () => new Date().toISOString()
  /** @type {[string, Row, string, Row][]} */
  const upserts = [
    [
      'user_progress',
      { compliance_streak: 3, last_completed_date: '2026-11-22', total_completions: 3 },
      'user_id',
      { compliance_streak: 4, last_completed_date: '2026-11-23', total_completions: 4 },
    ],
    [
      'achievements',
      { achievement_id: 'first-day', unlocked: false, progress: 1 },
      'user_id,achievement_id',
      { unlocked: true, progress: 2 },
    ],
    [
      'sovereign_path_data',
      { oejts_answers: [{ questionId: 1, value: 3 }], katas: [{ id: 'k' }] },
      'user_id',
      { katas: [] },
    ],
    [
      'cosmic_data_cache',
      { date: '2026-11-22', astronomy: { moon: 'full' } },
      'user_id,date',
      { astronomy: { moon: 'new' } },
    ],
    [
      'astrology_data_cache',
      { birth_data: { date: '1990-01-01' }, natal_chart: { sun: 1 } },
      'user_id',
      { natal_chart: { sun: 2 } },
    ],
    [
      'health_metrics_history',
      { date: '2026-11-22', steps: 4000, sleep_hours: 7.25 },
      'user_id,date',
      { steps: 5000 },
    ],
  ]
  for (const [table, row, onConflict, edit] of upserts) {
    test(`upsert of ${table} on ${onConflict}`, async () => {
      const { cursor: start } = await sync()
      const write = (/** @type {Row} */ values) =>
        client.from(table).upsert({ user_id: user, ...values, updated_at: now() }, { onConflict })
      assert.equal((await write(row)).error, null)
      const first = await sync({ cursor: start })
      const [made] = first.rows[table]
      assert.equal((await write({ ...row, ...edit })).error, null)
      const second = await sync({ cursor: first.cursor })
      const [edited] = second.rows[table]
      assert.deepEqual({ ...edited, ...row, ...edit }, edited)
      assert.equal(edited.id, made.id)
      assert.ok(edited.version > made.version)
      for (const column of Object.keys(edit)) {
        assert.match(edited.clocks[column], /-00000000$/, column)
      }
      const { data } = await client.from(table).select('*').eq('user_id', user).single()
      assert.equal(data.id, made.id)
    })
  }

  test('inserts of attunements and embeddings, and semanticSearch', async () => {
    const { cursor } = await sync()
    const attunement = await client.from('daily_attunements').insert({
      user_id: user,
      date: '2026-11-22',
      insightful_question: 'q',
      synthesized_answer: 'a',
      based_on: { logCount: 1 },
      generated_at: now(),
    })
    assert.equal(attunement.error, null)
    const embedding = [1, ...Array(383).fill(0)]
    const stored = await client.from('vector_embeddings').insert({
      user_id: user,
      content: 'c',
      embedding: JSON.stringify(embedding),
      metadata: { a: 1 },
    })
    assert.equal(stored.error, null)
    // Hosted PostgREST takes the array itself; the local server spells vectors only from text.
    const { data, error } = await client.rpc('match_embeddings', {
      query_embedding: JSON.stringify(embedding),
      match_user_id: user,
      match_threshold: 0.7,
      match_count: 5,
    })
    assert.equal(error, null)
    assert.deepEqual(
      data.map((/** @type {Row} */ r) => [r.content, r.metadata, r.similarity]),
      [['c', { a: 1 }, 1]],
    )
    const { rows } = await sync({ cursor })
    assert.deepEqual(Object.keys(rows).sort(), ['daily_attunements', 'vector_embeddings'])
  })

  test('an older app and a device both keep a streak', async () => {
    const other = server.users[1]
    const session = await server.signIn(other.email, other.password)
    const old = createClient(server.url, server.anonKey, {
      auth: { persistSession: false, autoRefreshToken: false },
      global: { headers: { authorization: `Bearer ${session.accessToken}` } },
      realtime: { transport: WebSocket },
    })
    const { data: pushed } = await old.rpc('sync', {
      request: {
        protocol: 1,
        device: randomUUID(),
        cursor: 0,
        push: [
          mutation('user_progress', randomUUID(), {
            set: { completed_days: [['2026-11-20', '2026-11-22']] },
            inc: { total_completions: 3 },
          }),
        ],
      },
    })
    assert.equal(pushed.answers[0].status, 'applied')
    await old.from('user_progress').upsert(
      {
        user_id: other.id,
        compliance_streak: 1,
        last_completed_date: '2026-11-23',
        total_completions: 4,
      },
      { onConflict: 'user_id' },
    )
    const { data } = await old.from('user_progress').select('*').single()
    assert.deepEqual([data.compliance_streak, data.last_completed_date], [4, '2026-11-23'])
    assert.deepEqual(data.completed_days, [['2026-11-20', '2026-11-23']])
  })

  test('deletes are pulled, delete_account() empties everything', async () => {
    const { cursor } = await sync()
    const { error } = await client.from('achievements').delete().eq('achievement_id', 'first-day')
    assert.equal(error, null)
    assert.equal((await sync({ cursor })).tombstones[0][0], 'achievements')
    assert.equal((await client.rpc('delete_account')).error, null)
    const { rows, tombstones } = await sync()
    assert.deepEqual([rows, tombstones], [{}, []])
  })
})
