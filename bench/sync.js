// Measures a sync beside what an app does with supabase-js alone, in Node, both through the same
// proxy to the same local Supabase, in turn, round by round. Ours is durable: it commits to
// IndexedDB, here fake-indexeddb, which is in memory. The peer stores nothing: the rows it pulls
// are gone with the page, and the rows it pushes were never safe on the device.

import { randomUUID } from 'node:crypto'
import { startWorld } from '../tests/support/world.js'

/** @typedef {import('../tests/support/world.js').World} World */
/** @typedef {{ ms: number, requests: number }} Sample */
/** @typedef {{ ours: Sample, peer: Sample }} Round */

const pushedRows = 1_000
const pulledRows = 10_000
const pageRows = 1_000
const bars = { timeRatio: 3, pushRequests: 3, pullRequests: 4 }
const env = `node ${process.versions.node}, fake-indexeddb, local Supabase (PGlite)`

/** @param {import('./main.js').Options} options @returns {Promise<import('./main.js').Figure[]>} */
export async function run({ rounds, say }) {
  const world = await startWorld()
  /**
   * @param {string} title
   * @param {() => Promise<Sample>} ours
   * @param {() => Promise<Sample>} peer
   */
  const alternate = async (title, ours, peer) => {
    /** @type {Round[]} */
    const counted = []
    for (let round = 0; round <= rounds; round++) {
      const oursFirst = round % 2 === 0 // neither always finds the server as the other left it
      const first = oursFirst ? await ours() : await peer()
      const second = oursFirst ? await peer() : await ours()
      const both = oursFirst ? { ours: first, peer: second } : { ours: second, peer: first }
      const times = `ours ${both.ours.ms.toFixed(0)} ms, peer ${both.peer.ms.toFixed(0)} ms`
      say(`${title}, ${round === 0 ? 'warm-up' : `round ${round} of ${rounds}`}: ${times}`)
      if (round > 0) counted.push(both)
    }
    return counted
  }
  try {
    const push = 'push 1,000 rows made offline'
    const near = await alternate(push, ...pushers(world, 0))
    const far = await alternate(`${push}, +50 ms`, ...pushers(world, 50))
    const pulls = await alternate('pull 10,000 rows', ...(await pullers(world)))
    const upsert = 'supabase-js, one bulk upsert'
    const pages = 'supabase-js, keyset pages of 1,000, not stored'
    const pull = 'pull 10,000 rows into a fresh device, durable'
    return [
      time(`${push} (ms)`, near, upsert),
      time(`${push}, +50 ms a request (ms)`, far, upsert),
      time(`${pull}; peer not stored (ms)`, pulls, pages),
      requests(`${push} (requests)`, [...near, ...far], upsert, bars.pushRequests),
      requests(`${pull} (requests)`, pulls, pages, bars.pullRequests),
    ]
  } finally {
    await world.stop()
  }
}

/**
 * Each round new users, so that no round finds more than the one before, and nobody pulls what the
 * other has pushed.
 * @param {World} world
 * @param {number} latencyMs of a whole request
 * @returns {[ours: () => Promise<Sample>, peer: () => Promise<Sample>]}
 */
function pushers(world, latencyMs) {
  const network = { latencyMs: latencyMs / 2 }

  async function ours() {
    const user = await world.newUser()
    const device = await world.device(user)
    await device.sync()
    const logs = device.collection('logs')
    await Promise.all(messages(pushedRows).map((row) => logs.put(randomUUID(), row)))
    const sample = await measure(world, network, () => device.sync())
    await device.close()
    if (device.errors.length > 0) throw device.errors[0]
    await expectStored(world, user.id)
    return sample
  }

  async function peer() {
    const user = await world.newUser()
    const own = { user_id: user.id, created_at: new Date().toISOString() }
    const rows = messages(pushedRows).map((row) => ({ id: randomUUID(), ...own, ...row }))
    const sample = await measure(world, network, async () => {
      const { error } = await user.client.from('sovereign_logs').upsert(rows)
      if (error) throw error
    })
    await expectStored(world, user.id)
    return sample
  }

  return [ours, peer]
}

/**
 * Both pull the same rows of the same user.
 * @param {World} world
 * @returns {Promise<[ours: () => Promise<Sample>, peer: () => Promise<Sample>]>}
 */
async function pullers(world) {
  const user = await world.newUser()
  await world.server.sql(
    `insert into public.sovereign_logs (user_id, id, category, content, metadata)
     select $1::uuid, gen_random_uuid(), row->>'category', row->>'content', row->'metadata'
     from jsonb_array_elements($2::jsonb) as row`,
    [user.id, JSON.stringify(messages(pulledRows))],
  )

  async function ours() {
    const database = `bench-${randomUUID()}`
    const options = { database, storage: /** @type {const} */ ('indexeddb') }
    const device = await world.device(user, options)
    const sample = await measure(world, {}, () => device.sync())
    expectPulled(device.collection('logs').list().length, 'by sync()')
    await device.close()
    const reopened = await world.device(user, options)
    expectPulled(reopened.collection('logs').list().length, 'and kept by the device')
    await reopened.close()
    const [error] = [...device.errors, ...reopened.errors]
    if (error) throw error
    return sample
  }

  async function peer() {
    /** @type {{ id: string }[]} */
    const rows = []
    const sample = await measure(world, {}, async () => {
      for (let isLast = false; !isLast; ) {
        const page = user.client.from('sovereign_logs').select('*').order('id').limit(pageRows)
        const after = rows.at(-1)?.id
        const { data, error } = await (after === undefined ? page : page.gt('id', after))
        if (error) throw error
        rows.push(...data)
        isLast = data.length < pageRows
      }
    })
    expectPulled(new Set(rows.map(({ id }) => id)).size, 'page by page')
    return sample
  }

  return [ours, peer]
}

/**
 * @param {World} world
 * @param {import('../tests/support/fault-proxy.js').Fault} network
 * @param {() => Promise<unknown>} work
 * @returns {Promise<Sample>}
 */
async function measure({ proxy }, network, work) {
  proxy.reset()
  proxy.always(network)
  const start = performance.now()
  await work()
  const ms = performance.now() - start
  const { requests } = proxy.counts
  proxy.reset()
  return { ms, requests }
}

/** Rows as a chat leaves them. @param {number} count */
function messages(count) {
  return Array.from({ length: count }, (_, i) => ({
    category: 'chat',
    content: `message number ${i} of a conversation about breath and posture`,
    metadata: { messageId: `m${i}`, sessionId: `s${i % 20}`, role: 'user' },
  }))
}

/** @param {World} world @param {string} userId */
async function expectStored(world, userId) {
  const text = 'select count(*)::int as n from public.sovereign_logs where user_id = $1'
  const [{ n }] = await world.server.sql(text, [userId])
  if (n !== pushedRows) throw new Error(`${n} of ${pushedRows} rows arrived`)
}

/** @param {number} count @param {string} how */
function expectPulled(count, how) {
  if (count !== pulledRows) throw new Error(`${count} of ${pulledRows} rows pulled ${how}`)
}

/** @param {string} name @param {Round[]} rounds @param {string} peerName */
function time(name, rounds, peerName) {
  const ours = round(median(rounds.map((each) => each.ours.ms)), 1)
  const peer = round(median(rounds.map((each) => each.peer.ms)), 1)
  const ratio = round(ours / peer, 2)
  const bar = bars.timeRatio
  return { name, env, ours, peer, peerName, ratio, bar, ok: ratio <= bar }
}

/**
 * The most of any round: a bar on requests is not for the middle.
 * @param {string} name
 * @param {Round[]} rounds
 * @param {string} peerName
 * @param {number} bar
 */
function requests(name, rounds, peerName, bar) {
  const ours = Math.max(...rounds.map((each) => each.ours.requests))
  const peer = Math.max(...rounds.map((each) => each.peer.requests))
  return { name, env, ours, peer, peerName, ratio: round(ours / peer, 2), bar, ok: ours <= bar }
}

/** @param {number[]} values */
function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** @param {number} value @param {number} digits */
const round = (value, digits) => Number(value.toFixed(digits))
