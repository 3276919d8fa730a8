// Tabs and workers of one user in a real Chromium: what one writes the others show at once, one of them talks to
// the network, and whatever happens to that one (closed, crashed, in the back/forward cache, frozen, stopped, hidden)
// another goes on.

import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { startWorld } from '../support/world.js'
import { holdAgainst } from './support/bars.js'
import { call, startChromium, until } from './support/chromium.js'
import { startSite } from './support/site.js'

/** @typedef {import('./support/chromium.js').Context} Context */
/** @typedef {import('playwright-core').Page} Page */
/** @typedef {{ at: number, mids: string[] }} Request a request for rpc/sync: when, and the mutations it carried */

const world = await startWorld()
after(() => world.stop())
const browser = await startChromium({ after })
afterEach(async () => {
  for (const page of browser.running.pages().slice(1)) await page.close()
})

/** Bars: after the leader is closed or crashed another leads; while it is in the cache another's write is synced. */
const takeoverMs = 1000
const syncMs = 2000

const path = '/rest/v1/rpc/sync'

/** @param {Context} context @param {(argument: any) => unknown} work @param {unknown} [argument] @returns {Promise<any>} */
const evaluate = (context, work, argument) => /** @type {Page} */ (context).evaluate(work, argument)

/** @param {{ after(end: () => Promise<void>): unknown }} t */
async function setting(t) {
  const site = await startSite(t, {
    files: { elsewhere: '<!doctype html><title>elsewhere</title>' },
  })
  const user = await world.newUser()
  return { site, user, options: await world.pageOptions(user) }
}

/** A context that syncs by itself and notes what it sends. @param {Context} context @param {object} options */
async function join(context, options) {
  await evaluate(context, () => {
    const { somatic } = /** @type {any} */ (globalThis)
    const send = globalThis.fetch.bind(globalThis)
    somatic.requests = []
    globalThis.fetch = (url, init) => {
      if (String(url).endsWith('/rpc/sync')) {
        const { request } = JSON.parse(new TextDecoder().decode(/** @type {any} */ (init?.body)))
        const mids = request.push.map((/** @type {any} */ { mid }) => mid)
        somatic.requests.push({ at: Date.now(), mids })
      }
      return send(url, init)
    }
  })
  await call(context, 'open', { ...options, autoSync: true, debounceMs: 200 })
}

/** @param {Context} context @returns {Promise<Request[]>} */
const requestsOf = (context) =>
  evaluate(context, () => /** @type {any} */ (globalThis).somatic.requests)

/** @param {Context} context */
const pendingOf = async (context) => (await call(context, 'status')).pending

/** Nobody has anything unsent, and nobody is sending. @param {Context[]} contexts */
async function quiet(contexts) {
  const isQuiet = async (/** @type {Context} */ context) => {
    const { pending, state, lastSyncedAt } = await call(context, 'status')
    return pending === 0 && state === 'idle' && lastSyncedAt !== null
  }
  await until(async () => (await Promise.all(contexts.map(isQuiet))).every(Boolean))
}

/** The one of them that talks to the network, and the others. @param {any[]} contexts */
async function elected(contexts) {
  await quiet(contexts)
  const counts = await Promise.all(
    contexts.map(async (context) => (await requestsOf(context)).length),
  )
  assert.equal(counts.filter((count) => count > 0).length, 1, `one context pulled: ${counts}`)
  const leader = contexts[counts.findIndex((count) => count > 0)]
  return { leader, followers: contexts.filter((context) => context !== leader) }
}

/**
 * How many requests the leader made, once no more come: each context that joined has it pull.
 * @param {Context} leader
 */
async function restingCount(leader) {
  for (let before = -1; ; ) {
    const count = (await requestsOf(leader)).length
    if (count === before) return count
    before = count
    await delay(500)
  }
}

/** Two tabs, the first to come leads. @param {any} t */
async function twoTabs(t) {
  const { site, options, user } = await setting(t)
  const tabs = [await browser.openTab(site.url), await browser.openTab(site.url)]
  for (const tab of tabs) await join(tab, options)
  const { leader, followers } = await elected(tabs)
  return { site, user, options, leader, follower: /** @type {Page} */ (followers[0]) }
}

/** Milliseconds from then until a context first sent something. @param {Context} context @param {number} then */
async function takeover(context, then) {
  await until(async () => (await requestsOf(context)).length > 0)
  return (await requestsOf(context))[0].at - then
}

/** @param {string} userId */
async function onServer(userId) {
  const [{ count }] = await world.server.sql(
    `select count(*)::int as count from sovereign_logs where user_id = $1 and category = 'chat'`,
    [userId],
  )
  return count
}

test('a write in one tab calls the listeners of another; the service worker and a worker have it too', async (t) => {
  const { site } = await setting(t)
  const [one, two] = [await browser.openTab(site.url), await browser.openTab(site.url)]
  const others = [two, await browser.startWorker(two), await browser.startServiceWorker(two)]
  for (const context of [one, ...others]) await call(context, 'open')
  await evaluate(two, () => {
    const { somatic } = /** @type {any} */ (globalThis)
    somatic.heard = []
    somatic.client
      .collection('progress')
      .subscribe((/** @type {any} */ keys) => somatic.heard.push(keys))
  })
  await call(one, 'write', { writer: 1, count: 1 })
  await until(() => evaluate(two, () => /** @type {any} */ (globalThis).somatic.heard.length > 0))
  assert.deepEqual(await evaluate(two, () => /** @type {any} */ (globalThis).somatic.heard), [
    ['self'],
  ])
  for (const context of others) {
    await until(async () => (await call(context, 'seen')).total === 1)
    assert.equal(await pendingOf(context), 3)
  }
})

test('two tabs and a worker write: one of them sends, each mutation once, one request a push', async (t) => {
  const { site, user, options } = await setting(t)
  const tab = await browser.openTab(site.url)
  const contexts = [tab, await browser.openTab(site.url), await browser.startWorker(tab)]
  for (const context of contexts) await join(context, options)
  const { leader, followers } = await elected(contexts)
  const before = await restingCount(leader)
  const counted = world.proxy.counts.byPath[path].requests
  for (let round = 1; round <= 5; round++) {
    await Promise.all(
      contexts.map((context, i) =>
        call(context, 'write', { writer: i + 1, from: round, count: 1 }),
      ),
    )
    await quiet(contexts)
  }
  const sent = (await requestsOf(leader)).slice(before)
  const mids = sent.flatMap((request) => request.mids)
  assert.equal(new Set(mids).size, mids.length, 'no mutation is sent twice')
  assert.ok(
    sent.every((request) => request.mids.length > 0),
    'no request without a push',
  )
  for (const follower of followers) assert.deepEqual(await requestsOf(follower), [])
  assert.equal(world.proxy.counts.byPath[path].requests - counted, sent.length)
  assert.equal(await onServer(user.id), 15)
  for (const context of contexts) assert.equal((await call(context, 'seen')).total, 15)
  t.diagnostic(`15 steps of 3 contexts in 5 rounds: ${sent.length} requests`)
})

test('the leader is closed, and another takes over', async (t) => {
  const { leader, follower } = await twoTabs(t)
  const then = Date.now()
  await leader.close()
  holdAgainst(t, 'took over after', await takeover(follower, then), takeoverMs)
})

test('the leader crashes with unsent work, and another takes over and sends it', async (t) => {
  const { leader, follower, user } = await twoTabs(t)
  const renderer = await browser.rendererOf(leader)
  world.proxy.offline()
  await call(leader, 'write', { writer: 1, count: 1 })
  await until(async () => (await pendingOf(follower)) === 3)
  world.proxy.offline(false)
  await evaluate(follower, () => {
    const { somatic } = /** @type {any} */ (globalThis)
    somatic.requests.length = 0
  })
  const then = Date.now()
  await browser.killTab(leader, renderer)
  holdAgainst(t, 'took over after', await takeover(follower, then), takeoverMs)
  await quiet([follower])
  assert.equal(await onServer(user.id), 1)
})

test('the leader goes into the back/forward cache: another sends; it comes back and joins again', async (t) => {
  const { site, user, leader, follower } = await twoTabs(t)
  await evaluate(leader, () => {
    const { somatic } = /** @type {any} */ (globalThis)
    addEventListener('pageshow', ({ persisted }) => somatic.report({ persisted }))
    somatic.client.collection('progress').subscribe(() => somatic.report(somatic.seen().total))
  })
  await leader.goto(`${site.url}elsewhere`)
  const then = Date.now()
  await call(follower, 'write', { writer: 1, count: 1 })
  await quiet([follower])
  holdAgainst(t, 'with the leader put away, written and synced after', Date.now() - then, syncMs)
  assert.equal(await onServer(user.id), 1)

  await evaluate(leader, () => history.back())
  await until(() => site.reports.includes(1))
  assert.deepEqual(
    site.reports.filter((report) => report.persisted !== undefined),
    [{ persisted: true }],
    'it was in the cache',
  )
  await call(follower, 'write', { writer: 1, from: 2, count: 1 })
  await until(() => site.reports.includes(2))
  await follower.close()
  await call(leader, 'write', { writer: 2, count: 1 })
  await until(async () => (await onServer(user.id)) === 3)
})

test('a frozen leader lets go; thawed it has what was written meanwhile', async (t) => {
  const { leader, follower, user } = await twoTabs(t)
  await restingCount(leader) // Chromium freezes no page by itself whose transaction others wait for
  const session = await browser.running.newCDPSession(leader)
  await session.send('Page.setWebLifecycleState', { state: 'frozen' })
  const then = Date.now()
  await call(follower, 'write', { writer: 1, count: 1 })
  await quiet([follower])
  t.diagnostic(`written and synced after ${Date.now() - then} ms`)
  assert.equal(await onServer(user.id), 1)
  await session.send('Page.setWebLifecycleState', { state: 'active' })
  await until(async () => (await call(leader, 'seen')).total === 1)
})

test('a leader that stands still without a word is stolen from, and follows when it goes on', async (t) => {
  const { leader, follower, user } = await twoTabs(t)
  await restingCount(leader) // stopped within a transaction it would hold up everybody's
  const session = await browser.running.newCDPSession(leader)
  await session.send('Debugger.enable')
  const paused = new Promise((resolve) => session.once('Debugger.paused', resolve))
  evaluate(leader, () => {
    // biome-ignore lint/suspicious/noDebugger: stopping it is what this is for
    debugger
  })
  await paused
  const then = Date.now()
  await call(follower, 'write', { writer: 1, count: 1 })
  await quiet([follower])
  t.diagnostic(`written and synced after ${Date.now() - then} ms`)
  assert.equal(await onServer(user.id), 1)
  await session.send('Debugger.resume')
  await session.send('Debugger.disable')
  await until(async () => (await call(leader, 'seen')).total === 1)
  const sent = (await requestsOf(leader)).length
  await call(leader, 'write', { writer: 2, count: 1 })
  await quiet([leader, follower])
  assert.equal((await requestsOf(leader)).length, sent, 'the other one sent it')
  assert.equal(await onServer(user.id), 2)
})

test('a hidden leader gives way to a visible tab', async (t) => {
  const { leader, follower } = await twoTabs(t)
  const then = Date.now()
  await evaluate(leader, () => {
    Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' })
    document.dispatchEvent(new Event('visibilitychange'))
  })
  t.diagnostic(`took over after ${await takeover(follower, then)} ms`)
  const sent = (await requestsOf(leader)).length
  await call(leader, 'write', { writer: 1, count: 1 })
  await quiet([leader, follower])
  assert.equal((await requestsOf(leader)).length, sent)
})

test('with every message between contexts lost all arrives all the same', async (t) => {
  const { site, user, options } = await setting(t)
  const tab = await browser.openTab(site.url)
  const contexts = [tab, await browser.openTab(site.url), await browser.startWorker(tab)]
  for (const context of contexts) {
    await evaluate(context, () => {
      BroadcastChannel.prototype.postMessage = () => {}
    })
    await join(context, options)
  }
  await Promise.all(
    contexts.map((context, i) => call(context, 'write', { writer: i + 1, count: 5 })),
  )
  await until(async () => (await onServer(user.id)) === 15)
  // everybody called at its start, and took the lead when nobody answered
  const ledOnce = async () =>
    (await Promise.all(contexts.map(requestsOf))).every(({ length }) => length)
  await until(ledOnce)
  for (const [i, context] of contexts.entries()) {
    await call(context, 'write', { writer: i + 1, from: 6, count: 1 })
    await until(async () => (await onServer(user.id)) === 16 + i)
  }
  const look = () => dispatchEvent(new Event('focus'))
  await until(async () => {
    await Promise.all(contexts.map((context) => evaluate(context, look)))
    const seen = await Promise.all(contexts.map((context) => call(context, 'seen')))
    const pending = await Promise.all(contexts.map(pendingOf))
    return seen.every(({ total }) => total === 18) && pending.every((count) => count === 0)
  })
  const [{ total }] = await world.server.sql(
    'select total_completions as total from user_progress where user_id = $1',
    [user.id],
  )
  assert.equal(total, 18, 'and nothing twice')
})
