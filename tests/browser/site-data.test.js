// What the browser does to a site's data under an open client: cleared by its user, out of room. And two users
// of one browser, one after the other.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { call, startChromium } from './support/chromium.js'
import { startSite } from './support/site.js'
import { checkSteps, numbers } from './support/steps.js'

const browser = await startChromium({ after })
const anna = '11111111-1111-4111-8111-111111111111'
const ben = '22222222-2222-4222-8222-222222222222'

/**
 * How a single step ends.
 * @param {import('./support/chromium.js').Page} tab
 * @param {{ writer: number, step: number, length?: number }} step
 */
const outcomeOf = (tab, step) => call(tab, 'outcome', ['step', step])

/** @param {import('./support/chromium.js').Page} tab @returns {Promise<string[]>} */
const databaseNames = (tab) =>
  tab.evaluate(async () => (await indexedDB.databases()).map(({ name }) => String(name)).sort())

test('site data cleared under an open tab: it says so, and brings nothing back', async (t) => {
  const site = await startSite(t)
  const stale = await browser.openTab(site.url)
  await call(stale, 'open')
  await call(stale, 'write', { writer: 1, count: 5 })
  await browser.clearSiteData(stale)

  for (let attempt = 0; attempt < 2; attempt++) {
    const { code, message } = await outcomeOf(stale, { writer: 1, step: 6 })
    assert.equal(code, 'storage-lost')
    assert.match(message, /cleared: open a new client/)
  }
  assert.equal((await call(stale, 'status')).storage, 'failing')

  const tab = await browser.openTab(site.url)
  await call(tab, 'open')
  assert.deepEqual(await call(tab, 'seen'), { writers: {}, torn: [], total: 0 })
  await call(tab, 'write', { writer: 2, count: 2 })
  const { code } = await outcomeOf(stale, { writer: 1, step: 7 })
  assert.equal(code, 'storage-lost', 'the stale client stays out of the new database')
  await call(stale, 'close')
  await call(stale, 'open')
  await call(stale, 'write', { writer: 3, count: 2 })
  await browser.reload(tab)
  await call(tab, 'open')
  const { writers } = await call(tab, 'seen')
  assert.deepEqual(writers, { 2: { steps: [1, 2], own: 2 }, 3: { steps: [1, 2], own: 2 } })
})

test('no room left: the write rejects, what was there stays, later ones work again', async (t) => {
  const site = await startSite(t)
  const tab = await browser.openTab(site.url)
  // before the first write: once it knows how much room there is, the browser believes that for half a minute
  await browser.setQuota(tab, 1_000_000)
  await call(tab, 'open')
  let step = 0
  /** @type {any} */
  let outcome
  do {
    step += 1
    outcome = await outcomeOf(tab, { writer: 1, step, length: 50_000 })
  } while (outcome === 'done' && step < 100)
  const want = numbers(1, step - 1)
  assert.equal(outcome.code, 'quota')
  assert.equal((await call(tab, 'status')).storage, 'failing')
  assert.deepEqual((await call(tab, 'seen')).writers[1].steps, want)
  checkSteps(await call(tab, 'seen'), [])
  assert.equal((await outcomeOf(tab, { writer: 1, step, length: 50_000 })).code, 'quota')

  await browser.restart()
  const later = await browser.openTab(site.url)
  await browser.setQuota(later, 1_000)
  await call(later, 'open')
  assert.deepEqual((await call(later, 'seen')).writers[1].steps, want)
  checkSteps(await call(later, 'seen'), [])

  assert.equal((await outcomeOf(later, { writer: 1, step })).code, 'quota')
  assert.equal((await call(later, 'status')).storage, 'failing')
  await browser.setQuota(later, null)
  assert.equal(await outcomeOf(later, { writer: 1, step }), 'done')
  assert.equal((await call(later, 'status')).storage, 'durable')
  await browser.reload(later)
  await call(later, 'open')
  assert.deepEqual((await call(later, 'seen')).writers[1].steps, numbers(1, step))
  checkSteps(await call(later, 'seen'), [])
  t.diagnostic(`room for ${want.length} writes of 50 KB in 1 MB; none of them lost`)
})

test('two users, one after the other: a database each, nothing of the other is shown', async (t) => {
  const site = await startSite(t)
  const tab = await browser.openTab(site.url)
  await call(tab, 'open', { userId: anna })
  await call(tab, 'write', { writer: 1, count: 3 })
  await call(tab, 'close')

  await browser.reload(tab)
  assert.equal(await call(tab, 'open', { userId: ben }), ben)
  assert.deepEqual(await call(tab, 'seen'), { writers: {}, torn: [], total: 0 })
  assert.equal((await call(tab, 'status')).pending, 0)
  await call(tab, 'write', { writer: 2, count: 1 })
  await call(tab, 'close')

  await browser.reload(tab)
  await call(tab, 'open', { userId: anna })
  const { writers } = await call(tab, 'seen')
  assert.deepEqual(writers, { 1: { steps: [1, 2, 3], own: 3 } })
  const names = await databaseNames(tab)
  for (const userId of [anna, ben]) assert.ok(names.includes(`/somatic-sync/${userId}`), `${names}`)
})
