// The README's usage example, run as it stands: an example that does not work is worse than none.

import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { startWorld } from '../support/world.js'

/** @type {import('../support/world.js').World} */
let world
before(async () => {
  world = await startWorld()
})
after(() => world.stop())

test('the usage example of the README runs, and its rows arrive', async () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const code = readme.match(/<!-- usage:[^>]*-->\n```js\n([^`]*)```/)?.[1]
  assert.ok(code, 'the README has a usage example')
  const user = await world.newUser()
  /** @type {unknown[][]} */
  const printed = []
  const given = { url: world.proxy.url, key: world.server.anonKey, supabase: user.client }
  Object.assign(globalThis, {
    exampleGiven: { ...given, print: (/** @type {unknown[]} */ ...all) => printed.push(all) },
  })
  const file = new URL('./readme-example.tmp.mjs', import.meta.url)
  writeFileSync(
    file,
    `${code.replace("'somatic-sync'", "'../../js/index.js'").replace('console.log', 'print')}
     await sync.close()`.replace(
      'const sync =',
      'const { url, key, supabase, print } = globalThis.exampleGiven\nconst sync =',
    ),
  )
  try {
    await import(file.href)
  } finally {
    rmSync(file)
  }
  assert.equal(printed[0][0], 1, 'a streak of one day')
  const rows = await world.server.sql('select content from sovereign_logs where user_id = $1', [
    user.id,
  ])
  assert.deepEqual(rows, [{ content: 'Slept well.' }])
})
