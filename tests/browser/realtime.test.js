// Live updates in a real Chromium, with the browser's own WebSocket: devices of one user show each other's
// changes; of a device's tabs one listens; a page in the back/forward cache holds no socket, and has all that
// it missed when it is back.

import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { startWorld } from '../support/world.js'
import { holdAgainst } from './support/bars.js'
import { call, startChromium, until } from './support/chromium.js'
import { startSite } from './support/site.js'

/** @typedef {import('playwright-core').Page} Page */

const world = await startWorld()
after(() => world.stop())
const browser = await startChromium({ after })
afterEach(async () => {
  for (const page of browser.running.pages().slice(1)) await page.close()
  await until(() => world.proxy.socketCount() === 0)
})

const path = '/rest/v1/rpc/sync'
const requests = () => world.proxy.counts.byPath[path]?.requests ?? 0

/** A site, and how to open tabs of it as devices of one user: a device is a database. @param {any} t */
async function setting(t) {
  const site = await startSite(t, {
    files: { elsewhere: '<!doctype html><title>elsewhere</title>' },
  })
  const { email, password } = await world.newUser()
  const options = {
    ...{ url: world.proxy.url, key: world.server.anonKey },
    account: { email, password },
  }
  /** @param {string} database @param {string} state of realtime to wait for */
  async function tabOf(database, state = 'joined') {
    const tab = await browser.openTab(site.url)
    await call(tab, 'openLive', { ...options, database })
    await until(async () => (await call(tab, 'status')).realtime === state)
    return tab
  }
  return { site, tabOf }
}

/** @param {Page} tab */
const total = async (tab) => (await call(tab, 'seen')).total

/** No requests come any more. */
async function rest() {
  for (let before = -1; before !== requests(); await delay(300)) before = requests()
}

test('devices show each other’s changes; of two tabs one listens', async (t) => {
  const { tabOf } = await setting(t)
  const laptop = await tabOf('laptop')
  const phone = await tabOf('phone')
  const second = await tabOf('phone', 'elsewhere')
  assert.equal(world.proxy.socketCount(), 2)
  await rest()
  const before = requests()
  /** @type {number[]} */
  const times = []
  for (let step = 1; step <= 5; step++) {
    const [from, to] = step % 2 ? [laptop, phone] : [phone, laptop]
    const then = Date.now()
    await call(from, 'write', { writer: step % 2, from: step, count: 1 })
    await until(async () => (await total(to)) === step)
    times.push(Date.now() - then)
    await until(async () => (await total(second)) === step)
    await rest()
  }
  assert.equal(requests() - before, 10, 'a push and a pull each time')
  t.diagnostic(`shown after ${times} ms, of which 50 ms are the writer's quiet time`)
  holdAgainst(t, 'shown at the latest after', Math.max(...times), 1000)
  assert.deepEqual(browser.problems, [])
})

test('a page in the back/forward cache holds no socket; back, it catches up and listens again', async (t) => {
  const { site, tabOf } = await setting(t)
  const laptop = await tabOf('laptop')
  const phone = await tabOf('phone')
  await phone.evaluate(() => {
    const { somatic } = /** @type {any} */ (globalThis)
    addEventListener('pageshow', ({ persisted }) => somatic.report({ persisted }))
    somatic.client.collection('progress').subscribe(() => somatic.report(somatic.seen().total))
    somatic.client.subscribe((/** @type {any} */ status) => somatic.report(status.realtime))
  })
  await phone.goto(`${site.url}elsewhere`)
  await until(() => world.proxy.socketCount() === 1)
  await call(laptop, 'write', { writer: 1, count: 1 })
  await until(async () => (await call(laptop, 'status')).pending === 0)
  site.reports.length = 0

  await phone.evaluate(() => history.back())
  await until(() => site.reports.includes(1) && site.reports.includes('joined'))
  assert.deepEqual(
    site.reports.filter((report) => report.persisted !== undefined),
    [{ persisted: true }],
    'it was in the cache',
  )
  await call(laptop, 'write', { writer: 1, from: 2, count: 1 })
  await until(() => site.reports.includes(2))
  assert.deepEqual(browser.problems, [])
})

test('the network of one device goes away and comes back', async (t) => {
  const { tabOf } = await setting(t)
  const laptop = await tabOf('laptop')
  const phone = await tabOf('phone')
  world.proxy.offline()
  await until(async () => (await call(phone, 'status')).realtime === 'joining')
  await call(laptop, 'write', { writer: 1, count: 2 })
  await call(phone, 'write', { writer: 2, count: 1 })
  world.proxy.offline(false)
  const then = Date.now()
  await until(async () => (await total(laptop)) === 3 && (await total(phone)) === 3)
  t.diagnostic(`both have all ${Date.now() - then} ms after the network came back`)
})
