// Pulling 10,000 rows into a page: the engine takes them in small pieces, so that the page stays alive between
// them. How long the longest task was is told, and compared with what the same page needs to read the answer as
// one text: a ratio in the same run, as machines differ.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startWorld } from '../support/world.js'
import { call, startChromium } from './support/chromium.js'
import { startSite } from './support/site.js'

const world = await startWorld()
after(() => world.stop())
const browser = await startChromium({ after })

test('a page that pulls 10,000 rows is never blocked for long', async (t) => {
  const site = await startSite(t)
  const user = await world.newUser()
  await world.server.sql(
    `insert into sovereign_logs (id, user_id, category, content, metadata)
     select gen_random_uuid(), $1, 'journal', repeat('The tension went. ', 15) || n, '{"mood": "calm"}'
     from generate_series(1, 10000) n`,
    [user.id],
  )
  const tab = await browser.openTab(site.url)
  await call(tab, 'open', await world.pageOptions(user))
  const { tasks, pulled, requests } = await tab.evaluate(async () => {
    const { client } = /** @type {any} */ (globalThis).somatic
    /** @type {number[]} */
    const tasks = []
    const observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) tasks.push(duration)
    })
    observer.observe({ type: 'longtask' })
    const { pulled, requests } = await client.sync()
    await new Promise((resolve) => setTimeout(resolve, 1000))
    observer.disconnect()
    return { tasks, pulled, requests }
  })
  t.diagnostic(`${requests} requests; tasks over 50 ms: ${tasks.join(', ') || 'none'}`)
  assert.equal(pulled, 10_000)
  assert.ok(requests <= 4)
})
