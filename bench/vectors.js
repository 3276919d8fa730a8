// Measures the vector index beside hnswlib-wasm, PGlite's exact search and a plain loop, in Node and in one
// page of a real Chromium, and in Node how many of the ten best it misses in data of every shape.

import { fileURLToPath } from 'node:url'
import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite/vector'
import { VectorIndex } from '../js/search/vector-index.js'
import { call, startChromium } from '../tests/browser/support/chromium.js'
import { startSite } from '../tests/browser/support/site.js'
import { idOf } from '../tests/support/ids.js'
import { recallOf } from '../tests/support/recall.js'
import { shapes } from '../tests/support/texts.js'
import { random, vectorsOf, writerOf } from '../tests/support/vectors.js'

/** @typedef {import('./main.js').Figure} Figure */
/** @typedef {(name: string, argument?: unknown) => Promise<any>} Ask of tests/browser/fixture/bench-vectors.js */

const dimensions = 384
const small = 10_000
const large = 100_000
const peers = {
  hnsw: 'hnswlib-wasm, M = 16, ef = 64',
  loop: 'a plain JS loop',
  pglite: 'PGlite, pgvector without an index',
}
// Bars of design: so many times faster, by build and peer.
const faster = {
  [small]: { plain: { hnsw: 1.9, loop: 18 }, relaxed: { hnsw: 2.5, loop: 25 } },
  [large]: { plain: { hnsw: 0.8, loop: 18 }, relaxed: { hnsw: 0.8, loop: 25 } },
}
const bars = { pglite: 80, insert: 400, filter: 200, missed: 1 }

// hnswlib-wasm makes functions of texts. Only a page apart from all others has a clock of microseconds.
const browserHeaders = {
  'content-security-policy': "script-src 'self' 'unsafe-eval'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
}

/** @param {import('./main.js').Options} options @returns {Promise<Figure[]>} */
export async function run({ rounds, say }) {
  const figures = await inNode(rounds, say)
  figures.push(...(await inChromium(rounds, say)))
  return [...figures, ...(await missing(say))]
}

/** @param {number} rounds @param {(line: string) => void} say */
async function inNode(rounds, say) {
  // What hnswlib-wasm wants to see of a browser, and PGlite must not.
  const { indexedDB } = await import('fake-indexeddb')
  const browser = {
    window: globalThis,
    document: {},
    location: { href: 'http://node/' },
    indexedDB,
  }
  Object.assign(globalThis, browser)
  const { bench } = await import('../tests/browser/fixture/bench-vectors.js')
  const env = `node ${process.versions.node}`
  const ask = async (/** @type {string} */ name, /** @type {any} */ argument) =>
    /** @type {any} */ (bench)[name](argument)
  const figures = await measure(ask, env, rounds, say)
  for (const name of Object.keys(browser)) Reflect.deleteProperty(globalThis, name)
  return [...figures, await besidePglite(env, rounds, say)]
}

/** @param {number} rounds @param {(line: string) => void} say */
async function inChromium(rounds, say) {
  /** @type {(() => Promise<void>)[]} */
  const ends = []
  const ending = { after: (/** @type {() => Promise<void>} */ end) => ends.push(end) }
  try {
    const path = new URL('../tests/browser/fixture/bench-vectors.js', import.meta.url)
    const site = await startSite(ending, {
      entries: { 'page.js': fileURLToPath(path) },
      headers: browserHeaders,
    })
    const browser = await startChromium(ending)
    const tab = await browser.openTab(site.url)
    const env = `Chromium ${browser.connection?.version()}`
    return await measure((name, argument) => call(tab, name, argument), env, rounds, say)
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

/** @param {Ask} ask @param {string} env @param {number} rounds @param {(line: string) => void} say */
async function measure(ask, env, rounds, say) {
  /** @type {('plain' | 'relaxed')[]} */
  const builds = await ask('start', { size: large })
  /** @type {Figure[]} */
  const figures = []
  let filled = 0
  for (const size of /** @type {(10000 | 100000)[]} */ ([small, large])) {
    while (filled < size) {
      const count = Math.min(5000, size - filled)
      const times = await ask('fill', { count })
      filled += count
      say(`${env}: ${filled} vectors; us for each: ${told(times)}`)
    }
    const searched = await ask('search', { rounds })
    say(`${env}: searched ${size}: ${told(searched)}`)
    for (const build of builds) {
      for (const peer of /** @type {('hnsw' | 'loop')[]} */ (['hnsw', 'loop'])) {
        figures.push({
          ...figure(`search ${size}, ${build} SIMD (ms)`, searched[build].ms, searched[peer].ms, {
            ...{ env, peerName: peers[peer], faster: faster[size][build][peer] },
          }),
          recall: searched[build].recall,
          peerRecall: searched[peer].recall,
        })
      }
    }
  }
  const about = { env, peerName: peers.hnsw }
  const filtered = await ask('filter', { rounds })
  const inserted = await ask('insert')
  say(`${env}: filter ${told(filtered)}, insert ${told(inserted)}`)
  for (const build of builds) {
    figures.push(
      figure(
        `search ${large}, a filter of 1 %, ${build} SIMD (ms)`,
        filtered[build],
        filtered.hnsw,
        {
          ...{ ...about, faster: bars.filter },
        },
      ),
      figure(`one insert into ${large}, ${build} SIMD (us)`, inserted[build], inserted.hnsw, {
        ...{ ...about, faster: bars.insert },
      }),
    )
  }
  return figures
}

/** @param {string} env @param {number} rounds @param {(line: string) => void} say */
async function besidePglite(env, rounds, say) {
  const write = writerOf('clustered', dimensions, random(1))
  const vectors = vectorsOf(small, dimensions, write)
  const index = await VectorIndex.load()
  const ids = Array.from({ length: small }, (_, i) => idOf(i))
  index.addMany(ids, vectors)
  const database = await PGlite.create({ extensions: { vector } })
  await database.exec('create extension vector; create table v (id uuid, embedding vector(384))')
  for (let from = 0; from < small; from += 500) {
    const rows = ids.slice(from, from + 500).map((id, i) => {
      const at = (from + i) * dimensions
      return `('${id}', '[${vectors.subarray(at, at + dimensions).join()}]')`
    })
    await database.exec(`insert into v values ${rows.join()}`)
    if (from % 5000 === 0) say(`${env}: PGlite has ${from + 500} vectors`)
  }
  const sql = `select id, 1 - (embedding <=> $1) as similarity from v
    where 1 - (embedding <=> $1) > -1 order by embedding <=> $1, id limit 10`
  /** @type {{ ours: number[], peer: number[] }} */
  const times = { ours: [], peer: [] }
  let same = 0
  const queries = vectorsOf(10 * rounds, dimensions, write)
  for (let at = 0; at < queries.length; at += dimensions) {
    const query = queries.subarray(at, at + dimensions)
    const start = performance.now()
    const found = index.search(query, { threshold: -1, limit: 10 })
    const between = performance.now()
    const { rows } = await database.query(sql, [`[${query.join()}]`])
    times.peer.push(performance.now() - between)
    times.ours.push(between - start)
    same += found.filter(({ id }) => rows.some((/** @type {any} */ row) => row.id === id)).length
  }
  await database.close()
  return {
    ...figure(`search ${small}, plain SIMD (ms)`, p50(times.ours), p50(times.peer), {
      ...{ env, peerName: peers.pglite, faster: bars.pglite },
    }),
    recall: same / (10 * times.ours.length),
    peerRecall: 1,
  }
}

/**
 * How many of a thousand of the ten best are missed, after a fifth was removed and others added.
 * @param {(line: string) => void} say
 */
async function missing(say) {
  const env = `node ${process.versions.node}`
  /** @type {Figure[]} */
  const figures = []
  for (const size of [1000, small, large, 2 * large]) {
    for (const shape of shapes) {
      const { missed, asked, way } = await recallOf({ size, shape })
      const perThousand = (missed * 1000) / asked
      const name = `missed of 1,000 best, ${size} x ${shape}, by ${way}`
      say(`${name}: ${perThousand} (${missed} of ${asked})`)
      const about = { env, peerName: 'a plain JS loop', bar: bars.missed }
      const ok = perThousand <= bars.missed
      figures.push({ name, ours: perThousand, peer: 0, ratio: perThousand, ok, ...about })
    }
  }
  return figures
}

/** @param {number[]} times */
const p50 = (times) => times.sort((a, b) => a - b)[times.length >> 1]

/** @param {number} value */
const rounded = (value) => Number(value.toPrecision(4))

/** @param {unknown} value */
const told = (value) =>
  JSON.stringify(value, (_, each) => (typeof each === 'number' ? rounded(each) : each))

/**
 * @param {string} name
 * @param {number} ours
 * @param {number} peer
 * @param {{ env: string, peerName: string, faster: number }} about
 * @returns {Figure}
 */
function figure(name, ours, peer, { env, peerName, faster }) {
  const ratio = rounded(ours / peer)
  const bar = rounded(1 / faster)
  const numbers = { ours: rounded(ours), peer: rounded(peer), ratio, bar }
  return { name, env, peerName, ...numbers, ok: ratio <= bar }
}
