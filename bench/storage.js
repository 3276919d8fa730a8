// Measures durable writes beside raw IndexedDB puts in one page of a real Chromium, in turn, and how many
// bytes IndexedDB is handed for what the app wrote. Both with the default, relaxed durability.

import { fileURLToPath } from 'node:url'
import { call, startChromium } from '../tests/browser/support/chromium.js'
import { startSite } from '../tests/browser/support/site.js'

const bars = { p50: 1.6, p95: 2, burst: 0.1, bytes: 3 }
/** A page by itself: its clock tells 5 microseconds apart, and not 100. */
const isolated = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
}
const peerName = 'IndexedDB, one put a transaction'

/**
 * What the bars of the design speak of.
 * @typedef {object} Amounts
 * @property {number} written awaited writes of which the bytes are counted
 * @property {number[]} sizes rows there are when writes are timed
 */
const whole = { written: 10_000, sizes: [1_000, 10_000, 100_000] }

/** @param {import('./main.js').Options} options */
export function run(options) {
  return measure(whole, options)
}

/**
 * @param {Amounts} amounts
 * @param {import('./main.js').Options} options
 * @returns {Promise<import('./main.js').Figure[]>}
 */
export async function measure({ written, sizes }, { rounds, say }) {
  const folded = sizes[sizes.length - 1]
  /** @type {(() => Promise<void>)[]} */
  const ends = []
  const ending = { after: (/** @type {() => Promise<void>} */ end) => ends.push(end) }
  try {
    const entry = fileURLToPath(new URL('../tests/browser/fixture/bench.js', import.meta.url))
    const site = await startSite(ending, { entries: { 'page.js': entry }, headers: isolated })
    const browser = await startChromium(ending)
    const env = `Chromium ${browser.connection?.version()}, IndexedDB, durability relaxed`
    const tab = await browser.openTab(site.url)
    const figures = []
    const count = 100 * rounds

    await call(tab, 'start', { database: 'amount' })
    say(`${written} awaited writes of 500 bytes`)
    const { bytes, payload } = await call(tab, 'amount', { from: 0, count: written })
    figures.push(
      figure(`bytes for ${written} writes of about 500 B, folding included`, bytes, payload, {
        ...{ env, peerName: 'their JSON and keys', bar: bars.bytes },
      }),
    )
    await call(tab, 'close')

    await call(tab, 'start', { database: 'sizes' })
    let rows = 0
    for (const size of sizes) {
      say(`${size} rows there are: ${count} writes, and ${rounds} bursts`)
      await call(tab, 'fill', { from: rows, count: size - rows })
      await call(tab, 'isFolded')
      const times = await call(tab, 'singles', { from: size, count })
      figures.push(...percentiles(`a durable write, ${size} rows there`, times, env))
      rows = size + count
      const bursts = []
      for (let round = 0; round < rounds; round++) {
        bursts.push(await call(tab, 'burst', { from: rows, count: 1_000 }))
        await call(tab, 'isFolded')
        rows += 1_000
      }
      const name = `a burst of 1,000 writes, ${size} rows there, p50 (ms)`
      const ours = bursts.map((burst) => burst.ours)
      const peer = bursts.map((burst) => burst.peer)
      const about = { env, peerName: '1,000 awaited puts', bar: bars.burst }
      figures.push(figure(name, at(ours, 50), at(peer, 50), about))
    }
    await call(tab, 'close')

    say(`writes while ${folded} rows are folded`)
    const batches = 20
    await call(tab, 'start', { database: 'sizes', foldAfter: batches })
    await call(tab, 'touch', { count: folded, batches })
    const meanwhile = await call(tab, 'singles', { from: rows, count: 3 * count })
    if (meanwhile.folded === 0) throw new Error('nothing was folded meanwhile: measure again')
    figures.push(...percentiles(`a durable write while ${folded} rows are folded`, meanwhile, env))
    await call(tab, 'close')
    return figures
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

/** @param {string} name @param {{ ours: number[], peer: number[] }} times @param {string} env */
function percentiles(name, { ours, peer }, env) {
  return [50, 95].map((percent) =>
    figure(`${name}, p${percent} (ms)`, at(ours, percent), at(peer, percent), {
      ...{ env, peerName, bar: percent === 50 ? bars.p50 : bars.p95 },
    }),
  )
}

/** @param {number[]} times @param {number} percent */
function at(times, percent) {
  const sorted = [...times].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))]
}

/**
 * @param {string} name
 * @param {number} ours
 * @param {number} peer
 * @param {{ env: string, peerName: string, bar: number }} about
 */
function figure(name, ours, peer, { env, peerName, bar }) {
  const round = (/** @type {number} */ value) => Number(value.toPrecision(4))
  const ratio = round(ours / peer)
  return { name, env, ours: round(ours), peer: round(peer), peerName, ratio, bar, ok: ratio <= bar }
}
