// emsdk-env.sh without a network and with made-up compilers: which Emscripten is taken, and what is said when there is
// none to be had. Installing one is what every first `npm test` shows.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** All that the scripts may find: no apt-get, no git, no Python. */
const tools = ['bash', 'sh', 'cat', 'dirname', 'flock', 'mkdir', 'readlink']
const onPath = 'bin/emcc'
const activated = 'sdk/upstream/emscripten/emcc'
const cached = 'home/.cache/somatic-sync/emsdk/upstream/emscripten/emcc'

/** @type {{ name: string, versions: Record<string, string>, want: string | null }[]} */
const cases = [
  { name: 'one on PATH', versions: { [onPath]: '6.0.0' }, want: onPath },
  {
    name: 'one on PATH before an activated emsdk',
    versions: { [onPath]: '6.1.0', [activated]: '6.0.5' },
    want: onPath,
  },
  {
    name: 'an activated emsdk where the one on PATH is too old',
    versions: { [onPath]: '3.1.6', [activated]: '6.0.5', [cached]: '6.0.5' },
    want: activated,
  },
  { name: 'the one of an earlier clone', versions: { [cached]: '6.0.5' }, want: cached },
  {
    name: 'none, where all are too old',
    versions: { [onPath]: '3.1.6', [cached]: '5.9.9' },
    want: null,
  },
  { name: 'none, where there is none', versions: {}, want: null },
]

for (const { name, versions, want } of cases) {
  test(`takes ${name}`, (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'toolchain-'))
    t.after(() => rmSync(folder, { recursive: true }))
    mkdirSync(join(folder, 'bin'))
    for (const tool of tools) {
      const home = ['/usr/bin', '/bin'].find((one) => existsSync(join(one, tool)))
      symlinkSync(join(home ?? '/bin', tool), join(folder, 'bin', tool))
    }
    for (const [path, version] of Object.entries(versions)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), `#!/bin/sh\necho ${version}\n`, { mode: 0o755 })
    }
    const script = `. ./emsdk-env.sh; echo "$?|\${EMSCRIPTEN-none}|\${PATH%%:*}"`
    const { stdout, stderr } = spawnSync(join(folder, 'bin/bash'), ['-c', script], {
      cwd: root,
      encoding: 'utf8',
      env: { HOME: join(folder, 'home'), PATH: join(folder, 'bin'), EMSDK: join(folder, 'sdk') },
    })
    const said = stderr.trimEnd().split('\n')
    if (want === null) {
      assert.equal(stdout.trimEnd(), `1|none|${join(folder, 'bin')}`)
      assert.match(said.at(-1) ?? '', /^error: no Emscripten >= 6\.0\.0: put an emcc on PATH/)
    } else {
      const taken = dirname(join(folder, want))
      assert.equal(stdout.trimEnd(), `0|${taken}|${taken}`, stderr)
      assert.deepEqual(said, [''], 'nothing to say')
    }
  })
}
