// The package works in a real browser as an app would use it: in a page, in a dedicated worker and in a module
// service worker, under a strict Content-Security-Policy, with nothing on the console.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { call, startChromium } from './support/chromium.js'
import { startSite } from './support/site.js'

const browser = await startChromium({ after })

test('what a page wrote is there after a reload', async (t) => {
  const site = await startSite(t)
  const tab = await browser.openTab(site.url)
  await call(tab, 'open')
  await call(tab, 'write', { writer: 1, count: 3 })
  await browser.reload(tab)
  await call(tab, 'open')
  const { writers, torn, total } = await call(tab, 'seen')
  assert.deepEqual(writers, { 1: { steps: [1, 2, 3], own: 3 } })
  assert.deepEqual({ torn, total }, { torn: [], total: 3 })
  assert.equal(await tab.evaluate('somatic.client.status().storage'), 'durable')
  assert.deepEqual(browser.problems, [])
})

test('a dedicated worker and a service worker write, the page sees it', async (t) => {
  const site = await startSite(t)
  const tab = await browser.openTab(site.url)
  const worker = await browser.startWorker(tab)
  const serviceWorker = await browser.startServiceWorker(tab)
  for (const [index, context] of [worker, serviceWorker].entries()) {
    await call(context, 'open')
    await call(context, 'write', { writer: index + 1, count: 2 })
  }
  await call(tab, 'open')
  const { writers, total } = await call(tab, 'seen')
  assert.deepEqual(writers, { 1: { steps: [1, 2], own: 2 }, 2: { steps: [1, 2], own: 2 } })
  assert.equal(total, 4)
  assert.deepEqual(browser.problems, [])
})

test('the policy is in force: the site allows no eval, anywhere', async (t) => {
  const site = await startSite(t)
  const tab = await browser.openTab(site.url)
  const contexts = [tab, await browser.startWorker(tab), await browser.startServiceWorker(tab)]
  for (const context of contexts) assert.match(await call(context, 'tryEval'), /EvalError/)
})
