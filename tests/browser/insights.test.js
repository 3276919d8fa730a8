// Two tabs compute the same patterns of the same entries: one of them writes, and only when no other is at it.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { startWorld } from '../support/world.js'
import { call, startChromium, until } from './support/chromium.js'
import { startSite } from './support/site.js'

const world = await startWorld()
after(() => world.stop())
const browser = await startChromium({ after })

test('two tabs: patterns are written once, and not while another context is at it', async (t) => {
  const site = await startSite(t)
  const user = await world.newUser()
  const options = { ...(await world.pageOptions(user)), autoSync: true, insights: true }
  const tabs = [await browser.openTab(site.url), await browser.openTab(site.url)]
  const [tab, other] = tabs
  const third = await browser.openTab(site.url)
  await third.evaluate((name) => {
    const { somatic } = /** @type {any} */ (globalThis)
    navigator.locks.request(
      name,
      () => new Promise((resolve) => Object.assign(somatic, { resolve })),
    )
  }, `somatic-sync:/somatic-sync/${user.id}:patterns`)
  for (const each of tabs) await call(each, 'open', options)
  for (const each of tabs) {
    await until(async () => (await call(each, 'status')).lastSyncedAt !== null)
  }
  await tab.evaluate(() =>
    /** @type {any} */ (globalThis).somatic.client.collection('logs').put(crypto.randomUUID(), {
      ...{ category: 'sovereign', content: 'Held it.' },
      metadata: { entryType: 'Win', energyLevel: 7 },
    }),
  )
  const patternsIn = (/** @type {typeof tab} */ each) =>
    each.evaluate(
      () =>
        /** @type {any} */ (globalThis).somatic.client.collection('path').get('self')?.patterns ??
        null,
    )
  await delay(5_000) // twice the quiet time, and more
  assert.equal(await patternsIn(tab), null, 'another context is at it')
  await third.evaluate(() => /** @type {any} */ (globalThis).somatic.resolve())
  for (const each of tabs) await until(async () => (await patternsIn(each)) !== null)
  assert.deepEqual(await patternsIn(tab), await patternsIn(other))
  await delay(3_000)
  for (const each of tabs) {
    await until(async () => (await call(each, 'status')).pending === 0)
  }
  const [{ count }] = await world.server.sql(
    `select count(*)::int as count from somatic_sync.ledger where user_id = $1`,
    [user.id],
  )
  assert.equal(count, 2, 'the entry, and the patterns once')
})
