// What npm would publish, as its user gets it: packed, unpacked into a project of its own, every
// entry imported from there. Tells what importing it downloads; judges no size.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))

/** @type {string} a project that has installed the package, what it depends on and its peers, and nothing else */
let project
/** @type {string[]} what is in it, by path */
let files
/** @type {{ name: string, exports?: unknown, dependencies?: object, peerDependencies?: object }} its package.json */
let manifest

before(async () => {
  project = await mkdtemp(join(tmpdir(), 'somatic-sync-package-'))
  await run('npm', ['pack', '--pack-destination', project], { cwd: root })
  const tarball = (await readdir(project)).find((name) => name.endsWith('.tgz')) ?? ''
  const folder = join(project, 'node_modules/somatic-sync')
  await mkdir(folder, { recursive: true })
  await run('tar', ['-xzf', join(project, tarball), '--strip-components=1', '-C', folder])
  await writeFile(join(project, 'package.json'), '{ "type": "module" }')
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length + 1))
  manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    const from = join(root, 'node_modules', name)
    await cp(from, join(project, 'node_modules', name), { recursive: true })
  }
})
after(() => rm(project, { recursive: true, force: true }))

/**
 * What each of `exports` names: every file, whatever its condition.
 * @returns {[string, string[]][]}
 */
function exported() {
  const { exports } = manifest
  assert.ok(exports, 'package.json has "exports"')
  const isMap = typeof exports === 'object' && Object.keys(exports).every((key) => key[0] === '.')
  const entries = Object.entries(isMap ? exports : { '.': exports })
  return entries.map(([path, to]) => [path, leaves(to)])
}

/** @param {any} value @returns {string[]} */
const leaves = (value) =>
  typeof value === 'string' ? [value] : Object.values(value ?? {}).flatMap(leaves)

test('package: holds the module and the entry', () => {
  const glue = ['dist/module.js', 'dist/module.web.js', 'dist/module.wasm']
  const vectors = ['vectors.js', 'vectors.web.js', 'vectors.wasm', 'vectors-relaxed.wasm']
  const search = ['js/search/vector-index.js', ...vectors.map((name) => `dist/${name}`)]
  const needed = [...glue, ...search, 'js/index.js', 'js/service-worker.js', 'README.md', 'LICENSE']
  const missing = needed.filter((file) => !files.includes(file))
  assert.deepEqual(missing, [], 'nothing is missing (package.json "files")')
})

// The README tells to copy them, and the package is all that its user has.
test('package: holds the migrations', () => {
  assert.ok(files.some((file) => /^supabase\/migrations\/.*\.sql$/.test(file)))
})

test('package: holds nothing of its development', () => {
  const folders = /^(bench|build|cmake|demo|node_modules|scripts|tests|wasm)\/|^supabase\/(?!migr)/
  const names = /^(CMake.*|biome\.json|tsconfig.*|package-lock\.json|\..*)$/
  const kinds = /\.(cpp|hpp|h|sh|tgz)$|\.test\.js$/
  const strays = files.filter((file) => [folders, names, kinds].some((each) => each.test(file)))
  assert.deepEqual(strays, [])
})

test('package: every file that exports names is in it', () => {
  const missing = exported().filter(([, targets]) =>
    targets.some((target) => !target.includes('*') && !files.includes(target.replace('./', ''))),
  )
  assert.deepEqual(missing, [])
})

test('package: every entry can be imported', async () => {
  const entries = exported()
  assert.ok(
    entries.some(([path]) => path === '.'),
    'exports has "."',
  )
  for (const [path, targets] of entries) {
    if (path.includes('*') || !targets.some((target) => /\.m?js$/.test(target))) continue
    const specifier = manifest.name + path.slice(1)
    const code = `console.log(Object.keys(await import('${specifier}')).join(' '))`
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], {
      cwd: project,
    })
    assert.notEqual(stdout.trim(), '', `${specifier} exports something`)
    if (path === '.') assert.match(stdout, /\bopenSync\b.*\bregisterBackgroundSync\b/)
    if (path === './auth-storage') assert.match(stdout, /\bsharedAuthStorage\b/)
    if (path === './supabase-sync-extended')
      assert.match(stdout, /\bbindSync\b.*\bsyncUserProgress\b/)
    if (path === './react') assert.match(stdout, /\bSyncProvider\b.*\buseSyncStatus\b/)
    if (path === './service-worker') assert.equal(stdout.trim(), 'startBackgroundSync')
  }
})

// A login page, or a worker that only refreshes, needs no engine.
test('package: "./auth-storage" brings no engine along', async () => {
  const { metafile } = await build({
    stdin: { contents: `export * from '${manifest.name}/auth-storage'`, resolveDir: project },
    ...{ bundle: true, write: false, metafile: true, format: 'esm', logLevel: 'silent' },
  })
  const bundled = Object.keys(metafile.inputs).filter((path) =>
    /\/(dist|wasm)\/|\/engine\.js$/.test(path),
  )
  assert.deepEqual(bundled, [])
})

test('package: what importing it downloads, and what the first search adds', async (t) => {
  const { outputFiles, metafile } = await build({
    stdin: { contents: `export * from '${manifest.name}'`, resolveDir: project },
    ...{ bundle: true, minify: true, write: false, metafile: true, format: 'esm' },
    ...{ splitting: true, outdir: join(project, 'out'), absWorkingDir: project, target: 'es2022' },
    logLevel: 'silent', // and nothing is external: for a browser it needs nothing of Node's
  })
  const size = (/** @type {Uint8Array} */ bytes) => gzipSync(bytes, { level: 9 }).length
  const sizeOf = (/** @type {string} */ path) =>
    size(outputFiles.find((file) => file.path.endsWith(path))?.contents ?? assert.fail(path))
  const wasm = async (/** @type {string} */ name) =>
    size(await readFile(join(project, 'node_modules', manifest.name, 'dist', name)))
  /** What a chunk needs before it runs. @param {string} path @param {Set<string>} [met] */
  const needed = (path, met = new Set()) => {
    if (met.has(path)) return met
    met.add(path)
    for (const { path: other, kind } of metafile.outputs[path].imports) {
      if (kind === 'import-statement') needed(other, met)
    }
    return met
  }
  const total = (/** @type {Iterable<string>} */ paths) =>
    [...paths].reduce((sum, path) => sum + sizeOf(path), 0)
  const entry = Object.keys(metafile.outputs).find((path) => metafile.outputs[path].entryPoint)
  const first = needed(String(entry))
  const search = Object.keys(metafile.outputs).find((path) =>
    Object.keys(metafile.outputs[path].inputs).some((input) => input.endsWith('search/search.js')),
  )
  assert.ok(search && !first.has(search), 'search is a chunk of its own')
  const later = [...needed(search)].filter((path) => !first.has(path))
  const [script, module] = [total(first), await wasm('module.wasm')]
  const [searchScript, vectors] = [total(later), await wasm('vectors.wasm')]
  const kilobytes = (/** @type {number} */ bytes) => `${(bytes / 1000).toFixed(1)} kB`
  t.diagnostic(
    `importing "." downloads, gzipped: ${kilobytes(script)} of script + ` +
      `${kilobytes(module)} of WebAssembly = ${kilobytes(script + module)}; the first search ` +
      `${kilobytes(searchScript)} + ${kilobytes(vectors)} = ${kilobytes(searchScript + vectors)} more`,
  )
})

test('package: what the vector index downloads', async (t) => {
  for (const name of ['vectors.wasm', 'vectors-relaxed.wasm']) {
    const wasm = await readFile(join(project, 'node_modules', manifest.name, 'dist', name))
    const gzipped = gzipSync(wasm, { level: 9 }).length
    t.diagnostic(`${name}: ${wasm.length} bytes, gzipped ${gzipped}`)
  }
})
