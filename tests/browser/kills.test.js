// Renderers, whole browsers and service workers are killed while they write. What was acknowledged before must
// be there afterwards, whole: counted over every kill, looked at by whoever opens the database next.

import assert from 'node:assert/strict'
import { appendFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { call, startChromium, until } from './support/chromium.js'
import { startSite } from './support/site.js'
import { checkSteps } from './support/steps.js'

const browser = await startChromium({ after })

/** So that many kills hit somebody who is just folding. */
const often = { foldAfter: 15 }

/** After how many acknowledged steps of a round the nth kill comes. @param {number} n */
const stepsBefore = (n) => 2 + ((n * 7) % 11)

/**
 * Lets contexts write without end, each a writer of its own; resolves when `count` more steps have been
 * acknowledged.
 * @param {import('./support/site.js').Site} site
 * @param {Map<import('./support/chromium.js').Context, number>} writers
 * @param {number} count
 */
async function writing(site, writers, count) {
  const { reports } = site
  const wanted = reports.length + count
  /** @type {unknown[]} */
  const failures = []
  for (const [context, writer] of writers) {
    // rejects when the context is killed; before that it must not
    call(context, 'write', { writer }).catch((error) => failures.push(error))
  }
  await until(() => reports.length >= wanted || failures.length > 0)
  assert.deepEqual(failures, [])
}

/** @param {import('./support/chromium.js').Context} tab */
async function folds(tab) {
  const { generation } = await call(tab, 'manifest')
  assert.ok(generation > 0)
  return `${generation} snapshots were installed meanwhile`
}

/**
 * @template T, R
 * @param {T[]} list
 * @param {(each: T) => Promise<R>} work
 */
async function inTurn(list, work) {
  const results = []
  for (const each of list) results.push(await work(each))
  return results
}

test('20 tabs are killed, two at a time, and their workers with them', async (t) => {
  const site = await startSite(t)
  const survivor = await browser.openTab(site.url)
  await call(survivor, 'open', often)
  for (let round = 0; round < 10; round++) {
    const tabs = [await browser.openTab(site.url), await browser.openTab(site.url)]
    const renderers = await inTurn(tabs, (tab) => browser.rendererOf(tab))
    const contexts = [...tabs, await browser.startWorker(tabs[0])]
    const acknowledged = [...site.reports]
    await Promise.all(contexts.map((context) => call(context, 'open', often)))
    checkSteps(await call(tabs[1], 'seen'), acknowledged)
    const goingOn = call(survivor, 'write', { writer: 1, from: round * 5 + 1, count: 5 })
    const writers = new Map(contexts.map((context, i) => [context, 10 * (round + 1) + i]))
    await writing(site, writers, stepsBefore(round))
    await Promise.all(tabs.map((tab, i) => browser.killTab(tab, renderers[i])))
    await goingOn
  }
  await browser.restart()
  const tab = await browser.openTab(site.url)
  await call(tab, 'open', often)
  checkSteps(await call(tab, 'seen'), site.reports)
  t.diagnostic(
    `20 renderer kills: 0 of ${site.reports.length} acknowledged writes lost or torn; ${await folds(tab)}`,
  )
})

test('the browser is killed 10 times', async (t) => {
  const site = await startSite(t)
  /** @type {Set<string>} */
  const lives = new Set()
  for (let kill = 1; kill <= 10; kill++) {
    const tab = await browser.openTab(site.url)
    const worker = await browser.startWorker(tab)
    const serviceWorker = await browser.startServiceWorker(tab)
    const contexts = [tab, worker, serviceWorker]
    await Promise.all(contexts.map((context) => call(context, 'open', often)))
    lives.add(await call(tab, 'life'))
    assert.equal(lives.size, 1, `after ${kill - 1} kills it is the database that it was`)
    for (const context of contexts) checkSteps(await call(context, 'seen'), site.reports)
    const writers = new Map(contexts.map((context, i) => [context, 3 * kill + i]))
    await writing(site, writers, stepsBefore(kill))
    await browser.kill()
    await browser.start()
  }
  const tab = await browser.openTab(site.url)
  await call(tab, 'open', often)
  checkSteps(await call(tab, 'seen'), site.reports)
  t.diagnostic(
    `10 browser kills: 0 of ${site.reports.length} acknowledged writes lost or torn; ${await folds(tab)}`,
  )
})

test('a record that one crash cut in half does not cost everything at the next', async (t) => {
  const site = await startSite(t)
  const writeAndDie = async (/** @type {number} */ writer) => {
    const tab = await browser.openTab(site.url)
    await call(tab, 'open')
    checkSteps(await call(tab, 'seen'), site.reports)
    const reported = site.reports.length + 3
    await call(tab, 'write', { writer, count: 3 })
    await until(() => site.reports.length === reported)
    await browser.kill()
  }
  await writeAndDie(1)
  // as one of about 45 kills left it by itself: a record's head without the record
  await tearLog(browser.profile, new URL(site.url))
  for (const writer of [2, 3, 4]) {
    await browser.start()
    await writeAndDie(writer)
  }
  await browser.start()
  const tab = await browser.openTab(site.url)
  await call(tab, 'open')
  checkSteps(await call(tab, 'seen'), site.reports)
})

/**
 * Puts the head of a record of 500 bytes at the end of the log of an origin's LevelDB, as a process does that is
 * killed between two calls. To the browser that is not running now.
 * @param {string} profile
 * @param {URL} url
 */
async function tearLog(profile, { hostname, port }) {
  const folder = join(profile, `Default/IndexedDB/http_${hostname}_${port}.indexeddb.leveldb`)
  const logs = (await readdir(folder)).filter((file) => file.endsWith('.log')).sort()
  const head = Buffer.alloc(7)
  head.writeUInt32LE(0x12345678) // its checksum
  head.writeUInt16LE(500, 4)
  head.writeUInt8(1, 6) // whole
  await appendFile(join(folder, String(logs.at(-1))), head)
}

test('the service worker is stopped 8 times', async (t) => {
  const site = await startSite(t)
  const tab = await browser.openTab(site.url)
  await call(tab, 'open', often)
  for (let stop = 1; stop <= 8; stop++) {
    const serviceWorker = await browser.startServiceWorker(tab)
    await call(serviceWorker, 'open', often)
    checkSteps(await call(serviceWorker, 'seen'), site.reports)
    await writing(site, new Map([[serviceWorker, stop]]), stepsBefore(stop))
    await browser.stopServiceWorker(tab)
  }
  await browser.reload(tab)
  await call(tab, 'open', often)
  checkSteps(await call(tab, 'seen'), site.reports)
  t.diagnostic(
    `8 worker stops: 0 of ${site.reports.length} acknowledged writes lost or torn; ${await folds(tab)}`,
  )
})
