// One session for pages and workers of a real browser: refreshed by one of them at a time under a Web Lock,
// whoever dies, against a real server that revokes it when a token comes back that was replaced twice.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { startAuthServer } from '../support/shared-session.js'
import { call, startChromium, until } from './support/chromium.js'
import { startSite } from './support/site.js'

const world = await startAuthServer()
after(() => world.stop())
const browser = await startChromium({ after })
const path = '/auth/v1/token'
const entries = Object.fromEntries(
  Object.entries({
    page: 'auth-page',
    worker: 'auth-worker',
    'service-worker': 'auth-service-worker',
  }).map(([served, entry]) => [
    `${served}.js`,
    new URL(`fixture/${entry}.js`, import.meta.url).pathname,
  ]),
)

/** A site of its own with two tabs, a worker and a service worker, and a user signed in. @param {import('node:test').TestContext} t */
async function signedIn(t) {
  world.proxy.reset()
  const site = await startSite(t, { entries })
  const tab = await browser.openTab(site.url)
  const contexts = [
    ...[tab, await browser.openTab(site.url)],
    ...[await browser.startWorker(tab), await browser.startServiceWorker(tab)],
  ]
  for (const context of contexts) await call(context, 'authOpen', world.endpoint)
  const password = 'correct horse battery staple'
  const credentials = { email: `${randomUUID()}@example.com`, password }
  const userId = await call(tab, 'authSignUp', credentials)
  world.proxy.reset()
  return { site, tab, contexts, userId }
}

test('pages, worker and service worker refresh at the same moment, 10 times: 10 refreshes', async (t) => {
  const { tab, contexts, userId } = await signedIn(t)
  for (let round = 1; round <= 10; round++) {
    await call(tab, 'authExpire')
    const users = await Promise.all(contexts.map((context) => call(context, 'authUser')))
    assert.deepEqual(users, [userId, userId, userId, userId])
    assert.equal(world.refreshes(), round)
  }
  assert.equal(await call(tab, 'authCheck'), userId)
  assert.ok(!(await tab.evaluate('somatic.authEvents')).includes('SIGNED_OUT'))
})

test('a tab killed between the server’s answer and storing it: the others go on', async (t) => {
  const { site, tab, contexts, userId } = await signedIn(t)
  const [, victim, worker] = contexts
  const other = /** @type {import('playwright-core').Page} */ (victim)
  const pid = await browser.rendererOf(other)
  await call(tab, 'authExpire')
  world.proxy.next(path, { latencyMs: 6000 })
  call(other, 'authUser').catch(() => {})
  await until(() => world.refreshes() === 1)
  const asked = call(worker, 'authUser') // waits for the lock
  const count = 'select count(*)::int as n from auth.refresh_tokens where user_id = $1'
  await until(async () => (await world.server.sql(count, [userId]))[0].n === 2)
  await browser.killTab(other, pid)
  assert.equal(await asked, userId)
  assert.equal(await call(tab, 'authUser'), userId)
  assert.equal(await call(tab, 'authCheck'), userId)
  // which may have lived in the same process
  const serviceWorker = await browser.startServiceWorker(tab)
  await call(serviceWorker, 'authOpen', world.endpoint)
  assert.equal(await call(serviceWorker, 'authUser'), userId)
  assert.equal(world.refreshes(), 2)
  const again = await browser.openTab(site.url)
  await call(again, 'authOpen', world.endpoint)
  assert.equal(await call(again, 'authUser'), userId)
})

test('a page that holds the lock and does not move is overtaken', async (t) => {
  const { tab, contexts, userId } = await signedIn(t)
  await call(tab, 'authHoldLock')
  await call(tab, 'authExpire')
  assert.equal(await call(contexts[3], 'authUser'), userId)
  assert.equal(await call(contexts[1], 'authUser'), userId)
  assert.equal(world.refreshes(), 1)
})

test('what the service worker does is told to supabase-js in the pages', async (t) => {
  const { tab, contexts, userId } = await signedIn(t)
  const events = () => tab.evaluate('somatic.authEvents')
  await call(tab, 'authExpire')
  await call(contexts[3], 'authUser')
  await until(async () => (await events()).includes('TOKEN_REFRESHED'))
  await world.server.sql('delete from auth.refresh_tokens where user_id = $1', [userId])
  await call(tab, 'authExpire')
  assert.equal(await call(contexts[3], 'authUser'), null)
  await until(async () => (await events()).includes('SIGNED_OUT'))
  assert.equal(await call(tab, 'authUser'), null)
})

test('a session in localStorage is taken over by two tabs at once, once', async (t) => {
  const { tab, contexts, userId } = await signedIn(t)
  await call(tab, 'authMoveToLocalStorage')
  assert.equal(await call(contexts[3], 'authUser'), null, 'workers cannot see it')
  const pages = contexts.slice(0, 2)
  // another tab's process hears of it a little later
  for (const page of pages) await until(() => call(page, 'authInLocalStorage'))
  const users = await Promise.all(pages.map((page) => call(page, 'authUser')))
  assert.deepEqual(users, [userId, userId])
  assert.equal(await call(tab, 'authInLocalStorage'), null)
  assert.equal(await call(contexts[3], 'authUser'), userId)
  assert.equal(await call(tab, 'authCheck'), userId)
})

test('the session is there after a restart of the browser', async (t) => {
  const { site, userId } = await signedIn(t)
  await browser.restart()
  const tab = await browser.openTab(site.url)
  await call(tab, 'authOpen', world.endpoint)
  assert.equal(await call(tab, 'authUser'), userId)
  assert.equal(await call(tab, 'authCheck'), userId)
})
