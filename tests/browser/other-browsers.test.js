// A smoke test in Debian's Firefox and WebKit: open, four contexts write, kill, reopen, another takes over the
// network. What these browsers do not have is in docs/browsers.md.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { until } from './support/chromium.js'
import { startFirefox } from './support/firefox.js'
import { startSite } from './support/site.js'
import { checkSteps } from './support/steps.js'
import { startWebKit } from './support/webkit.js'

const steps = 20

/** Firefox can be unpacked by anybody, WebKit only be installed (scripts/browsers.sh). */
const hasWebKit =
  spawnSync('bash', ['scripts/browsers.sh', 'webkit'], { stdio: 'ignore' }).status === 0
const mayInstall = process.getuid?.() === 0
const skips = {
  startFirefox: false,
  startWebKit: !hasWebKit && !mayInstall && 'WebKit is not installed, and only root can do that',
}

for (const start of [startFirefox, startWebKit]) {
  test(`${start.name.slice(5)}: four contexts write, it is killed, one reopens, another takes over`, {
    skip: skips[/** @type {'startFirefox'} */ (start.name)],
  }, async (t) => {
    const site = await startSite(t)
    const browser = await start(t)
    const [one, two] = [await browser.openTab(site.url), await browser.openTab(site.url)]
    await one.call('startWorker')
    await one.call('startServiceWorker')
    /** @param {string} whom */
    const of = (whom) => (/** @type {string} */ name, /** @type {unknown} */ argument) =>
      one.call('ask', { whom, name, argument })
    const contexts = [one.call, two.call, of('worker'), of('service worker')]
    const often = { foldAfter: 15 }
    for (const call of contexts) await call('open', often)
    await Promise.all(contexts.map((call, i) => call('write', { writer: i + 1, count: steps })))
    for (const call of contexts) {
      await until(async () => (await call('seen')).total === 4 * steps)
    }

    // killed while all of them write
    const acknowledged = site.reports.length
    for (const [i, call] of contexts.entries()) {
      call('write', { writer: i + 5 }).catch(() => {})
    }
    await until(() => site.reports.length >= acknowledged + 10)
    await browser.crash()
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
