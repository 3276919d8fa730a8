// Tabs, whole browsers and service workers are killed in the middle of folding the journal: at each of its three
// transactions, held open until the kill comes. kills.test.js kills wherever it happens to hit.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { call, startChromium, until } from './support/chromium.js'
import { startSite } from './support/site.js'
import { checkSteps } from './support/steps.js'

/** @typedef {import('./support/chromium.js').Context} Context */

const browser = await startChromium({ after })

const often = { foldAfter: 15 }

/** What a fold does, one transaction after the other; cut off, the one that is held and all after it never happened. */
const points = ['piece', 'manifest', 'segments']

/** @type {Record<string, (tab: any) => Promise<{ context: Context, kill: () => Promise<unknown> }>>} */
const victims = {
  'a tab': async (tab) => {
    const victim = await browser.openTab(tab.url())
    const renderer = await browser.rendererOf(victim)
    return { context: victim, kill: () => browser.killTab(victim, renderer) }
  },
  'the service worker': async (tab) => ({
    context: await browser.startServiceWorker(tab),
    kill: () => browser.stopServiceWorker(tab),
  }),
  'the browser': async (tab) => ({
    context: tab,
    kill: async () => {
      await browser.kill()
      await browser.start()
    },
  }),
}

for (const [name, victimOf] of Object.entries(victims)) {
  test(`${name} is killed at each step of a fold`, async (t) => {
    const site = await startSite(t)
    for (const [i, point] of points.entries()) {
      const { context, kill } = await victimOf(await browser.openTab(site.url))
      await call(context, 'open', often)
      const before = (await call(context, 'manifest')).generation
      const held = call(context, 'holdFold', point)
      const writing = call(context, 'write', { writer: i + 1 })
      assert.equal(await Promise.race([held, writing]), point)
      writing.catch(() => {}) // is killed
      await kill()

      const later = await browser.openTab(site.url)
      await call(later, 'open', { foldAfter: 1000 })
      checkSteps(await call(later, 'seen'), site.reports)
      const { generation } = await call(later, 'manifest')
      assert.equal(generation, before + (point === 'segments' ? 1 : 0), `killed at ${point}`)
      const stray = await call(later, 'strayPieces')
      assert.equal(stray.length, point === 'manifest' ? 1 : 0, `killed at ${point}`)
      await later.close()
    }

    const tab = await browser.openTab(site.url)
    await call(tab, 'open', often)
    const { generation } = await call(tab, 'manifest')
    await call(tab, 'write', { writer: points.length + 1, count: 40 })
    await until(async () => (await call(tab, 'manifest')).generation > generation)
    assert.deepEqual(await call(tab, 'strayPieces'), [])
    await browser.reload(tab)
    await call(tab, 'open', often)
    checkSteps(await call(tab, 'seen'), site.reports)
    t.diagnostic(
      `${points.length} kills: 0 of ${site.reports.length} acknowledged writes lost or torn`,
    )
  })
}
