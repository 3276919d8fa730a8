// The command `npm run bench -- NAME`: reads the arguments, runs that bench, and prints its figures
// as a table or as JSON lines. A bench measures and judges nothing: only what broke is a failure.

import { parseArgs } from 'node:util'

const USAGE = `npm run bench -- NAME [--rounds N] [--json]

  sync          pushing and pulling through a local Supabase, beside supabase-js
  storage       durable writes in a real Chromium, beside raw IndexedDB
  vectors       searching vectors in Node and a real Chromium, beside hnswlib-wasm, PGlite and a
                plain loop; hnswlib-wasm alone takes minutes to index 100,000

  --rounds N    rounds counted, after one to warm up (default 5)
  --json        one JSON object a line for each figure, instead of a table`

/** @type {Record<string, () => Promise<{ run(options: Options): Promise<Figure[]> }>>} */
const benches = {
  sync: () => import('./sync.js'),
  storage: () => import('./storage.js'),
  vectors: () => import('./vectors.js'),
}

/**
 * What a bench is told.
 * @typedef {object} Options
 * @property {number} rounds
 * @property {(line: string) => void} say progress, for people
 *
 * A figure of ours beside a peer's of the same run: milliseconds, or what its name says. `ok` says
 * whether the bar holds, which is for the ratio, or, for what is counted, for `ours`.
 * @typedef {object} Figure
 * @property {string} name
 * @property {string} env
 * @property {number} ours
 * @property {number} peer
 * @property {string} peerName
 * @property {number} ratio ours / peer
 * @property {number} bar
 * @property {boolean} ok
 * @property {number} [recall] the part of the truly best that was found, of a search
 * @property {number} [peerRecall]
 */

class UsageError extends Error {}

function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '5' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return { ...values, name: '', rounds: 0 }
  const rounds = Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new UsageError(`--rounds takes a whole number from 1, not "${values.rounds}"`)
  }
  const known = Object.keys(benches).join(', ')
  const [name, ...rest] = positionals
  if (name === undefined) throw new UsageError(`which bench? One of: ${known}`)
  if (!Object.hasOwn(benches, name)) throw new UsageError(`no bench "${name}"; there is: ${known}`)
  if (rest.length > 0) throw new UsageError(`one bench at a time: "${rest[0]}" is too much`)
  return { ...values, name, rounds }
}

async function main() {
  const { name, rounds, json, help } = readArguments()
  if (help) return console.log(USAGE)
  const bench = await benches[name]()
  const figures = await bench.run({ rounds, say: (line) => console.error(line) })
  if (json) for (const figure of figures) console.log(JSON.stringify(figure))
  else console.log(table(figures))
}

/** @param {Figure[]} figures */
function table(figures) {
  const head = ['', 'ours', 'peer', 'ratio', 'bar', '', 'peer is']
  const rows = figures.map(({ name, ours, peer, ratio, bar, ok, peerName }) =>
    [name, ours, peer, ratio, `<= ${bar}`, ok ? 'ok' : 'over', peerName].map(String),
  )
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i].length)))
  const isNumber = (/** @type {number} */ column) => column > 0 && column < 4
  const lines = [head, ...rows].map((row) =>
    row
      .map((cell, i) => (isNumber(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
      .join('  ')
      .trimEnd(),
  )
  return [...new Set(figures.map(({ env }) => env)), ...lines].join('\n')
}

try {
  await main()
} catch (error) {
  const { code } = /** @type {NodeJS.ErrnoException} */ (error)
  const mendable = error instanceof UsageError || String(code).startsWith('ERR_PARSE_ARGS')
  console.error(mendable ? /** @type {Error} */ (error).message.split('\n')[0] : error)
  process.exitCode = 1
}
