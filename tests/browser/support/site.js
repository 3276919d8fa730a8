// A web site of its own origin that has the package as an app would: bundled by esbuild, module.wasm beside
// it, a strict Content-Security-Policy on every answer. Receives what its pages report. Knows no browser.

import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import http from 'node:http'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const contentSecurityPolicy = [
  ...["default-src 'self'", "script-src 'self' 'wasm-unsafe-eval'"],
  ...['connect-src *', "worker-src 'self'"],
].join('; ')

/** @param {string} path from this folder */
const file = (path) => fileURLToPath(new URL(path, import.meta.url))

/** @type {Record<string, string>} path on the site -> entry */
const fixtures = {
  'page.js': file('../fixture/page.js'),
  'worker.js': file('../fixture/worker.js'),
  'service-worker.js': file('../fixture/service-worker.js'),
}

/** @typedef {Awaited<ReturnType<typeof startSite>>} Site */

/**
 * Ends with the test.
 * @param {{ after(end: () => Promise<void>): unknown }} t a test, or { after } of node:test for a whole file
 * @param {object} [options]
 * @param {Record<string, string>} [options.entries] path on the site -> module to bundle for it, besides or
 *   instead of the fixtures
 * @param {Record<string, string>} [options.files] path on the site -> text, as it is
 * @param {Record<string, string>} [options.headers] of every answer, instead of the policy's or besides
 */
export async function startSite(t, { entries = {}, files = {}, headers = {} } = {}) {
  const served = new Map(await bundles({ ...fixtures, ...entries }))
  for (const name of ['module.wasm', 'vectors.wasm', 'vectors-relaxed.wasm']) {
    served.set(`/${name}`, await readFile(file(`../../../dist/${name}`)))
  }
  served.set('/', page)
  served.set('/favicon.ico', '')
  for (const [path, text] of Object.entries(files)) served.set(`/${path}`, text)
  /** @type {any[]} */
  const reports = []

  const server = http.createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://site')
    response.setHeader('content-security-policy', contentSecurityPolicy)
    // asked for again each time; with no-store no page would go into the back/forward cache
    response.setHeader('cache-control', 'no-cache')
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    if (request.method === 'POST' && pathname === '/report') {
      const text = await whole(request)
      if (text === null) return
      reports.push(JSON.parse(text))
      return response.writeHead(204).end()
    }
    const found = served.get(pathname)
    if (found === undefined) return response.writeHead(404).end()
    response.writeHead(200, { 'content-type': typeOf(pathname) }).end(found)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  })
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return {
    url: `http://127.0.0.1:${port}/`,
    /** what somatic.report() told, in the order of arrival; may be emptied */
    reports,
    /** path -> what is served there; may be changed: another version of the app */
    served,
  }
}

/** The body; null if the browser was killed while it sent it. @param {http.IncomingMessage} request */
async function whole(request) {
  let text = ''
  try {
    for await (const chunk of request.setEncoding('utf8')) text += chunk
    return text
  } catch {
    return null
  }
}

const page = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>somatic-sync</title>
<script type="module" src="/page.js"></script></html>`

/**
 * Each entry by itself: pages and workers share no chunks, so that none of them needs import().
 * @param {Record<string, string>} entries
 * @returns {Promise<[string, Buffer | string][]>}
 */
async function bundles(entries) {
  return Promise.all(
    Object.entries(entries).map(async ([path, entry]) => {
      built[entry] ??= bundle(entry)
      return /** @type {[string, string]} */ ([`/${path}`, await built[entry]])
    }),
  )
}

/** @type {Record<string, Promise<string>>} */
const built = {}

/** @param {string} entry */
async function bundle(entry) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    logLevel: 'silent',
  })
  return outputFiles[0].text
}

/** @param {string} path */
function typeOf(path) {
  const [, end = 'html'] = basename(path).split('.')
  const known = { html: 'text/html', js: 'text/javascript', wasm: 'application/wasm' }
  return known[/** @type {'html'} */ (end)] ?? 'application/octet-stream'
}
