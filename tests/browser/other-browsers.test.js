// A smoke test in Debian's Firefox and WebKit: open, three contexts write, kill, reopen, another takes over the
// network. What these browsers do not have is in docs/browsers.md.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from './support/chromium.js'
import { startFirefox } from './support/firefox.js'
import { startSite } from './support/site.js'
import { checkSteps } from './support/steps.js'

const steps = 20

for (const start of [startFirefox]) {
  test(`${start.name.slice(5)}: three contexts write, a kill, a reopening, a handover`, async (t) => {
    const site = await startSite(t)
    const browser = await start(t)
    const [one, two] = [await browser.openTab(site.url), await browser.openTab(site.url)]
    await one.call('startWorker')
    /** @param {string} name @param {unknown} [argument] */
    const worker = (name, argument) => one.call('ask', { whom: 'worker', name, argument })
    const often = { foldAfter: 15 }
    for (const call of [one.call, two.call, worker]) await call('open', often)
    await Promise.all(
      [one.call, two.call, worker].map((call, i) => call('write', { writer: i + 1, count: steps })),
    )
    for (const call of [one.call, two.call, worker]) {
      await until(async () => (await call('seen')).total === 3 * steps)
    }

    // killed while all of them write
    const acknowledged = site.reports.length
    for (const [i, call] of [one.call, two.call, worker].entries()) {
      call('write', { writer: i + 4 }).catch(() => {})
    }
    await until(() => site.reports.length >= acknowledged + 10)
    await browser.kill()
    await browser.start()
    const again = await browser.openTab(site.url)
    await again.call('open', often)
    checkSteps(await again.call('seen'), site.reports)
    const { generation } = await again.call('manifest')
    assert.ok(generation > 0, 'it was folded meanwhile')

    // the one that talks to the network is closed
    await again.close()
    const tabs = [await browser.openTab(site.url), await browser.openTab(site.url)]
    for (const tab of tabs) await tab.call('open', { autoSync: true })
    const leading = async () => Promise.all(tabs.map((tab) => tab.call('leads')))
    await until(async () => (await leading()).filter(Boolean).length === 1)
    const [leader] = tabs.splice((await leading()).indexOf(true), 1)
    await leader.close()
    await until(async () => (await leading())[0])
    t.diagnostic(
      `${browser.name} ${browser.version}: 0 of ${site.reports.length} acknowledged writes lost or torn`,
    )
  })
}
