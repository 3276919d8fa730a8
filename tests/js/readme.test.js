// The README's usage example, run as it stands: what a reader copies works. Only url, key and
// supabase, which every app has, are supplied, and the package's name points at this source.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { startWorld } from '../support/world.js'

/** @type {import('../support/world.js').World} */
let world
before(async () => {
  world = await startWorld()
})
after(() => world.stop())

/** The code block after the comment `<!-- usage: ... -->`. */
async function usage() {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  const code = /<!-- usage:[^>]*-->\s*```js\n(.*?)```/s.exec(readme)?.[1]
  assert.ok(code, 'README.md has a js block after <!-- usage: ... -->')
  return code
}

/**
 * Runs code as a module that finds `given` as variables, and returns its variable `sync`.
 * @param {string} code
 * @param {Record<string, unknown>} given
 */
async function runModule(code, given) {
  const entry = new URL('../../js/index.js', import.meta.url).href
  const names = Object.keys(given).join(', ')
  const source = `const { ${names} } = globalThis.given\n${code}\nexport { sync }`
  const resolved = source.replaceAll(/(from\s+)(['"])somatic-sync\2/g, `$1'${entry}'`)
  const scope = /** @type {{ given?: unknown }} */ (globalThis)
  scope.given = given
  try {
    return (await import(`data:text/javascript,${encodeURIComponent(resolved)}`)).sync
  } finally {
    delete scope.given
  }
}

test("README: the usage example runs, and its writes reach the user's tables", async (t) => {
  const user = await world.newUser()
  const log = t.mock.method(console, 'log', () => {})
  const { url } = world.proxy
  const given = { url, key: world.server.anonKey, supabase: user.client }
  const sync = await runModule(await usage(), given)
  const logged = log.mock.calls.map((call) => call.arguments)
  log.mock.restore()
  await sync.close()

  const [progress] = await world.server.sql(
    'select * from public.user_progress where user_id = $1',
    [user.id],
  )
  assert.equal(progress?.total_completions, 1)
  const logs = await world.server.sql(
    'select category, content, metadata from public.sovereign_logs where user_id = $1',
    [user.id],
  )
  const metadata = { mood: 'calm' }
  assert.deepEqual(logs, [{ category: 'journal', content: 'Slept well.', metadata }])
  assert.deepEqual(logged, [[1, 2]], 'a streak of one day, two rows pushed')
})
