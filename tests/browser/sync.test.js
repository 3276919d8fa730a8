// A page and a service worker sync with a real local Supabase, from another origin, as an app does: preflights,
// tokens, the policy's connect-src.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startWorld } from '../support/world.js'
import { call, startChromium } from './support/chromium.js'
import { startSite } from './support/site.js'

const world = await startWorld()
after(() => world.stop())
const browser = await startChromium({ after })

/** @param {import('../support/world.js').User} user */
async function onServer({ id }) {
  const [{ logs }] = await world.server.sql(
    `select count(*)::int as logs from sovereign_logs where user_id = $1 and category = 'chat'`,
    [id],
  )
  const [row] = await world.server.sql(
    'select total_completions from user_progress where user_id = $1',
    [id],
  )
  return { logs, total: row?.total_completions ?? 0 }
}

test('what the page wrote, and then the service worker, goes up; another device has it', async (t) => {
  const site = await startSite(t)
  const user = await world.newUser()
  const tab = await browser.openTab(site.url)
  const serviceWorker = await browser.startServiceWorker(tab)
  const options = await world.pageOptions(user)
  for (const context of [tab, serviceWorker]) await call(context, 'open', options)

  await call(tab, 'write', { writer: 1, count: 3 })
  assert.equal((await call(tab, 'sync')).rejected, 0)
  assert.deepEqual(await onServer(user), { logs: 3, total: 3 })

  await call(serviceWorker, 'write', { writer: 2, count: 3 })
  assert.equal((await call(serviceWorker, 'sync')).rejected, 0)
  assert.deepEqual(await onServer(user), { logs: 6, total: 6 })

  const elsewhere = await world.device(user)
  await elsewhere.sync()
  assert.equal(elsewhere.collection('progress').get('self')?.totalCompletions, 6)
  assert.deepEqual(browser.problems, [])
})

test('what the page wrote and could not send, the service worker sends', async (t) => {
  const site = await startSite(t)
  const user = await world.newUser()
  const tab = await browser.openTab(site.url)
  const serviceWorker = await browser.startServiceWorker(tab)
  const options = await world.pageOptions(user)
  for (const context of [tab, serviceWorker]) await call(context, 'open', options)
  await browser.setOffline(true)
  await call(tab, 'write', { writer: 1, count: 3 })
  assert.equal((await call(tab, 'outcome', ['sync'])).code, 'offline')
  await browser.setOffline(false)

  await call(serviceWorker, 'sync')
  assert.deepEqual(await onServer(user), { logs: 3, total: 3 })
  await call(tab, 'sync')
  assert.deepEqual(
    await onServer(user),
    { logs: 3, total: 3 },
    'and the page does not send it again',
  )
  assert.equal((await call(tab, 'status')).pending, 0)
})

test('two users of one browser, one after the other: neither sends what the other wrote', async (t) => {
  const site = await startSite(t)
  const [first, second] = [await world.newUser(), await world.newUser()]
  const tab = await browser.openTab(site.url)
  await call(tab, 'open', await world.pageOptions(first))
  await call(tab, 'write', { writer: 1, count: 2 })
  await call(tab, 'close') // with unsent work

  await call(tab, 'open', await world.pageOptions(second))
  assert.deepEqual(await call(tab, 'seen'), { writers: {}, torn: [], total: 0 })
  await call(tab, 'write', { writer: 2, count: 1 })
  await call(tab, 'sync')
  await call(tab, 'close')
  assert.deepEqual(await onServer(first), { logs: 0, total: 0 })
  assert.deepEqual(await onServer(second), { logs: 1, total: 1 })

  await call(tab, 'open', await world.pageOptions(first))
  await call(tab, 'sync')
  assert.deepEqual(await onServer(first), { logs: 2, total: 2 })
  assert.deepEqual(await onServer(second), { logs: 1, total: 1 })
})
