// An app's persisted stores in real tabs: what is counted, deleted, typed, and what another user sees.

import assert from 'node:assert/strict'
import { afterEach, after as atEnd, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startWorld } from '../support/world.js'
import { call, startChromium, until } from './support/chromium.js'
import { startSite } from './support/site.js'

const entry = fileURLToPath(new URL('./fixture/stores.js', import.meta.url))
const world = await startWorld()
atEnd(() => world.stop())
const browser = await startChromium({ after: atEnd })
afterEach(async () => {
  for (const page of browser.running.pages().slice(1)) await page.close()
})

/** @param {any} user */
async function optionsOf(user) {
  return { ...(await world.pageOptions(user)), autoSync: true }
}

/** @param {any} t */
async function setting(t) {
  const site = await startSite(t, { entries: { 'page.js': entry } })
  const user = await world.newUser()
  const laptop = await world.device(user)
  return { site, user, laptop, options: await optionsOf(user) }
}

/** @param {any} tab */
const isSynced = (tab) =>
  until(async () => {
    const { pending, lastSyncedAt, state } = await call(tab, 'status')
    return pending === 0 && lastSyncedAt !== null && state === 'idle'
  })

test('two tabs, syncStore and syncUserProgress, a reload: one completion each, 10 -> 12', async (t) => {
  const { site, laptop, options } = await setting(t)
  await laptop.collection('progress').put('self', {
    ...{ totalCompletions: 10, completedDays: [['2026-11-01', '2026-11-10']] },
  })
  await laptop.sync()
  const [one, two] = [await browser.openTab(site.url), await browser.openTab(site.url)]
  for (const tab of [one, two]) {
    await call(tab, 'start', options)
    await until(async () => (await call(tab, 'total')) === 10)
  }
  await call(one, 'complete', '2026-11-11')
  await browser.reload(one)
  await call(one, 'start', options)
  await until(async () => (await call(two, 'total')) === 11)
  await call(two, 'complete', '2026-11-12')
  for (const tab of [one, two]) await until(async () => (await call(tab, 'total')) === 12)
  for (const tab of [one, two]) await isSynced(tab)
  await laptop.sync()
  assert.equal(laptop.collection('progress').get('self')?.totalCompletions, 12)
})

test('a row deleted elsewhere stays away over three reloads of a persisted store', async (t) => {
  const { site, laptop, options } = await setting(t)
  const tab = await browser.openTab(site.url)
  await call(tab, 'start', options)
  for (const id of ['a', 'b']) await call(tab, 'add', id)
  await isSynced(tab)
  const persisted = await tab.evaluate(() => localStorage.getItem('journal'))
  await laptop.sync()
  const row = laptop
    .collection('logs')
    .list()
    .find(({ metadata }) => metadata.journalId === 'a')
  await laptop.collection('logs').remove(row?.id ?? '')
  await laptop.sync()
  for (let reload = 0; reload < 3; reload++) {
    // what an old copy of the store holds does not matter
    await tab.evaluate((text) => localStorage.setItem('journal', String(text)), persisted)
    await browser.reload(tab)
    await call(tab, 'start', options)
    await until(async () => (await call(tab, 'entries')).length === 1)
    await isSynced(tab)
  }
  assert.deepEqual(
    (await call(tab, 'entries')).map((/** @type {any} */ { id }) => id),
    ['b'],
  )
  await laptop.sync()
  assert.equal(laptop.collection('logs').size, 1)
})

test('user B after A: nothing of A shows, nothing of A is pushed', async (t) => {
  const { site, options } = await setting(t)
  const ben = await world.newUser()
  const tab = await browser.openTab(site.url)
  await call(tab, 'start', options)
  await call(tab, 'add', 'secret')
  await call(tab, 'complete', '2026-11-11')
  await isSynced(tab)
  await browser.reload(tab)
  await call(tab, 'start', await optionsOf(ben))
  assert.deepEqual([await call(tab, 'entries'), await call(tab, 'total')], [[], 0])
  await isSynced(tab)
  await call(tab, 'add', 'mine')
  await isSynced(tab)
  const device = await world.device(ben)
  await device.sync()
  assert.deepEqual(
    [
      device
        .collection('logs')
        .list()
        .map(({ metadata }) => metadata.journalId),
      device.collection('progress').size,
    ],
    [['mine'], 0],
  )
})

test('1,000 keystrokes: one push when it is quiet, no character lost; an equal value is nothing', async (t) => {
  const { site, laptop, options } = await setting(t)
  const tab = await browser.openTab(site.url)
  await call(tab, 'start', options)
  await call(tab, 'add', 'a')
  await isSynced(tab)
  const path = '/rest/v1/rpc/sync'
  const counted = () => world.proxy.counts.byPath[path].requests
  const before = counted()
  const began = Date.now()
  const text = await call(tab, 'type', { id: 'a', count: 1000 })
  const took = Date.now() - began
  await delay(1500)
  await isSynced(tab)
  const pushes = counted() - before
  t.diagnostic(`1,000 keystrokes in ${took} ms: ${pushes} requests`)
  // it is saved every five seconds though it is never quiet
  assert.ok(pushes >= 1 && pushes <= 1 + Math.floor(took / 5000))
  await laptop.sync()
  assert.equal(laptop.collection('logs').list()[0].content, text)
  const after = counted()
  await call(tab, 'same')
  await delay(1500)
  assert.equal(counted(), after)
  assert.equal((await call(tab, 'status')).pending, 0)
  assert.deepEqual(browser.problems, [])
})
