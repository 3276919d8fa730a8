// Writes Emscripten's JavaScript into dist/, as it ships: minified (Emscripten leaves names as long as
// they are; a fifth goes), and saying which module.wasm it fits and where a bundler put that.
//
//   module.js      for Node
//   module.d.ts    for both
//   module.web.js  for pages and workers: without what only Node could run. A service worker must not
//                  even meet import(), and has no XMLHttpRequest
//   vectors.js, vectors.web.js
//                  where vectors.wasm and vectors-relaxed.wasm are, which need no glue, and how to read
//                  them there
//   vectors.d.ts   for both
//
// node scripts/glue.js FOLDER_OF_THE_BUILT_MODULE

import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { transformSync } from 'esbuild'

const [built] = process.argv.slice(2)
const buildId = createHash('sha256')
  .update(readFileSync(`${built}/module.wasm`))
  .digest('hex')
const glue = `${readFileSync(`${built}/module.js`, 'utf8')}
export const buildId = '${buildId.slice(0, 16)}'
export const wasmUrl = () => new URL('module.wasm', import.meta.url).href
`
const types = `${readFileSync(`${built}/module.d.ts`, 'utf8')}
export const buildId: string
export function wasmUrl(): string
`
writeFileSync('dist/module.d.ts', types)
const settings = { minify: true, target: 'es2022', format: /** @type {const} */ ('esm') }
writeFileSync('dist/module.js', transformSync(glue, settings).code)

// Emscripten asks for a file that fetch did not give once more by XMLHttpRequest, and then reports
// that this does not exist.
const noRequest = `class NoRequest { constructor() { throw new Error('the file cannot be fetched') } }`
const isNode = /var ENVIRONMENT_IS_NODE=[^;]+;/
if (!isNode.test(glue)) throw new Error('Emscripten asks for Node in another way than before')
const { code } = transformSync(glue.replace(isNode, '') + noRequest, {
  ...settings,
  define: {
    ...{ ENVIRONMENT_IS_NODE: 'false', XMLHttpRequest: 'NoRequest' },
    'globalThis.XMLHttpRequest': 'undefined',
  },
})
const left = code.match(/\bimport\(|\brequire\(|XMLHttpRequest|["']node:/)
if (left) throw new Error(`the glue for browsers still has ${left[0]}`)
writeFileSync('dist/module.web.js', code)

const places = `export const vectorsUrl = (isRelaxed) => isRelaxed
  ? new URL('vectors-relaxed.wasm', import.meta.url).href
  : new URL('vectors.wasm', import.meta.url).href
`
// Not instantiateStreaming: a server that calls it by another type than application/wasm is none to fail at.
const fetched = `async (url) => {
  const response = await fetch(url)
  if (!response.ok) throw new Error('it was answered with status ' + response.status)
  return response.arrayBuffer()
}`
writeFileSync(
  'dist/vectors.js',
  `import { readFile } from 'node:fs/promises'
${places}const fetched = ${fetched}
export const read = (url) => /^file:/.test(url)
  ? readFile(new URL(url))
  : /^(https?|data|blob):/.test(url) ? fetched(url) : readFile(url)
`,
)
writeFileSync('dist/vectors.web.js', `${places}export const read = ${fetched}\n`)
writeFileSync(
  'dist/vectors.d.ts',
  `export function vectorsUrl(isRelaxed: boolean): string
export function read(url: string): Promise<BufferSource>
`,
)
