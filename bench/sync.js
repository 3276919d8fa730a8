// Push of 1,000 rows made offline and pull of 10,000 rows, beside what an app does with supabase-js alone: one bulk upsert,
// keyset pages of 1,000. Ours includes journal commits to IndexedDB (fake-indexeddb, in memory); the peer stores nothing.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { startWorld } from '../tests/support/world.js'

const path = '/rest/v1/rpc/sync'
const table = 'sovereign_logs'

/**
 * @typedef {{ name: string, env: string, ours: number, peer: number, peerName: string,
 *   ratio: number, bar: number, ok: boolean }} Figure
 */

/** @param {number[]} list */
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1]

/** @param {() => Promise<unknown>} work */
async function timed(work) {
  const started = performance.now()
  await work()
  return performance.now() - started
}

/** @param {number} i */
const entry = (i) => ({
  ...{ category: 'chat', content: `message ${i} of a conversation about breath and posture` },
  metadata: { messageId: `m${i}`, sessionId: `s${i % 20}`, role: 'user' },
})

/** @param {number} rounds @returns {Promise<Figure[]>} */
export async function syncFigures(rounds) {
  const world = await startWorld()
  const env = `node ${process.versions.node}`
  /** @type {Figure[]} */
  const figures = []
  /** @param {string} name @param {number} ours @param {number} peer @param {string} peerName @param {number} bar @param {'times' | 'count'} kind */
  const add = (name, ours, peer, peerName, bar, kind) => {
    const ratio = Number((ours / peer).toFixed(2))
    const ok = (kind === 'count' ? ours : ratio) <= bar
    figures.push({
      name,
      env,
      ours: Math.round(ours),
      peer: Math.round(peer),
      peerName,
      ratio,
      bar,
      ok,
    })
  }
  try {
    for (const latencyMs of [0, 25]) await pushes(latencyMs)
    await pulls()
  } finally {
    await world.stop()
  }
  return figures

  /** @param {number} latencyMs each way */
  async function pushes(latencyMs) {
    const [user, other] = [await world.newUser(), await world.newUser()]
    const device = await world.device(user)
    await device.sync()
    const ours = []
    const peer = []
    let requests = 0
    for (let round = 0; round <= rounds; round++) {
      const rows = Array.from({ length: 1000 }, (_, i) => entry(round * 1000 + i))
      await Promise.all(rows.map((row) => device.collection('logs').put(randomUUID(), row)))
      const direct = rows.map((row) => ({ id: randomUUID(), user_id: other.id, ...row }))
      world.proxy.reset()
      world.proxy.always({ latencyMs })
      const mine = await timed(() => device.sync())
      requests = world.proxy.counts.byPath[path].requests
      const theirs = await timed(async () => {
        const { error } = await other.client.from(table).upsert(direct)
        assert.equal(error, null)
      })
      if (round > 0) ours.push(mine)
      if (round > 0) peer.push(theirs)
    }
    world.proxy.reset()
    const [{ count }] = await world.server.sql(
      `select count(*)::int from ${table} where user_id = $1`,
      [user.id],
    )
    assert.equal(count, (rounds + 1) * 1000)
    const where = latencyMs === 0 ? '' : ` at +${latencyMs * 2} ms`
    add(`push 1,000 rows, ms${where}`, median(ours), median(peer), 'one bulk upsert', 3, 'times')
    if (latencyMs === 0)
      add('push 1,000 rows, requests', requests, 1, 'one bulk upsert', 3, 'count')
  }

  async function pulls() {
    const user = await world.newUser()
    await world.server.sql(
      `insert into ${table} (user_id, category, content, metadata)
       select $1, 'chat', 'message ' || i || ' of a conversation about breath and posture',
              jsonb_build_object('messageId', 'm' || i, 'role', 'user')
       from generate_series(1, 10000) i`,
      [user.id],
    )
    const ours = []
    const peer = []
    let requests = 0
    let pages = 0
    for (let round = 0; round <= rounds; round++) {
      const device = await world.device(user)
      world.proxy.reset()
      const mine = await timed(async () => assert.equal((await device.sync()).pulled, 10_000))
      requests = world.proxy.counts.byPath[path].requests
      await device.close()
      pages = 0
      const theirs = await timed(async () => {
        for (let last = '', got = 1000; got === 1000; pages++) {
          const page = user.client.from(table).select('*').order('id').limit(1000)
          const { data, error } = await (last ? page.gt('id', last) : page)
          if (error) throw error
          got = data.length
          last = data.at(-1)?.id ?? ''
        }
      })
      if (round > 0) ours.push(mine)
      if (round > 0) peer.push(theirs)
    }
    add('pull 10,000 rows, ms', median(ours), median(peer), 'keyset pages', 3, 'times')
    add('pull 10,000 rows, requests', requests, pages, 'keyset pages', 4, 'count')
  }
}
