// "./service-worker" in a real browser, under a strict Content-Security-Policy, with a real local Supabase: the
// worker pushes while no page is open, survives being stopped at any moment, and lets the app start offline.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { mintToken } from '../../supabase/local/jwt.js'
import { startWorld } from '../support/world.js'
import { startApp } from './support/background.js'
import { call, startChromium, until } from './support/chromium.js'
import { checkSteps, numbers } from './support/steps.js'

const world = await startWorld()
after(() => world.stop())
const browser = await startChromium({ after })

/** @param {import('../support/world.js').User} user */
async function onServer({ id }) {
  const [{ logs }] = await world.server.sql(
    `select count(*)::int as logs from sovereign_logs where user_id = $1 and category = 'chat'`,
    [id],
  )
  const [row] = await world.server.sql(
    'select total_completions from user_progress where user_id = $1',
    [id],
  )
  return { logs, total: row?.total_completions ?? 0 }
}

const refreshes = () => world.proxy.counts.byPath['/auth/v1/token']?.requests ?? 0

/** The access token ended two hours ago, for the page and for the server. @param {import('playwright-core').Page} tab @param {import('../support/world.js').User} user */
async function expireToken(tab, user) {
  await call(tab, 'changeSession', {
    access_token: mintToken({ userId: user.id, expiresInSeconds: -7200 }),
    expires_at: Math.floor(Date.now() / 1000) - 7200,
  })
}

test('closed offline with unsent work: back online the worker alone pushes it', async (t) => {
  const app = await startApp(t, browser, world)
  const user = await world.newUser()
  const tab = await app.openTab(user)
  await call(tab, 'sync')
  await browser.setOffline(true)
  await call(tab, 'write', { writer: 1, count: 5 })
  await until(async () => (await call(tab, 'waitingSyncs')).includes('somatic-sync'))
  await tab.close()
  assert.equal(app.pagesOpen(), 0)
  assert.deepEqual(await onServer(user), { logs: 0, total: 0 })

  await browser.setOffline(false)
  await until(async () => (await onServer(user)).logs === 5)
  assert.deepEqual(await onServer(user), { logs: 5, total: 5 })
  assert.equal(app.pagesOpen(), 0)

  const later = await browser.openTab(app.url)
  await call(later, 'start')
  await call(later, 'sync')
  assert.equal((await call(later, 'status')).pending, 0)
  assert.deepEqual(await onServer(user), { logs: 5, total: 5 }, 'nothing is sent twice')
})

test('the same with an access token that has expired: one refresh, the session lives on', async (t) => {
  const app = await startApp(t, browser, world)
  const user = await world.newUser()
  const tab = await app.openTab(user, { autoSync: false })
  await call(tab, 'sync')
  await browser.setOffline(true)
  await call(tab, 'write', { writer: 1, count: 3 })
  await until(async () => (await call(tab, 'waitingSyncs')).includes('somatic-sync'))
  await expireToken(tab, user)
  await tab.close()
  world.proxy.reset()

  await browser.setOffline(false)
  await until(async () => (await onServer(user)).logs === 3)
  assert.equal(app.pagesOpen(), 0)
  assert.equal(refreshes(), 1)

  const later = await browser.openTab(app.url)
  await call(later, 'start')
  await call(later, 'sync')
  assert.equal(refreshes(), 1, 'the page has the session that the worker got')
  const refreshed = await later.evaluate('somatic.supabase.auth.refreshSession()')
  assert.equal(/** @type {any} */ (refreshed).error, null, 'which can be refreshed again')
})

test('an expired token, a tab and the worker at the same moment: the session survives', async (t) => {
  const app = await startApp(t, browser, world)
  const user = await world.newUser()
  const tab = await app.openTab(user, { autoSync: false })
  await call(tab, 'sync')
  const worker = await app.worker()
  for (let round = 1; round <= 3; round++) {
    await call(tab, 'write', { writer: round, count: 2 })
    await expireToken(tab, user)
    world.proxy.reset()
    await Promise.all([call(tab, 'sync'), worker.sync(), call(tab, 'askWorker')])
    await until(async () => (await onServer(user)).logs === 2 * round)
    assert.equal(refreshes(), 1, 'one of them refreshes, the others wait for it')
  }
  assert.deepEqual(await onServer(user), { logs: 6, total: 6 })
  const { data, error } = /** @type {any} */ (
    await tab.evaluate('somatic.supabase.auth.refreshSession()')
  )
  assert.equal(error, null)
  assert.equal(data.session.user.id, user.id)
  await worker.end()
})

test('the worker is stopped 8 times in the middle of a sync: nothing is lost or doubled', async (t) => {
  const app = await startApp(t, browser, world)
  const user = await world.newUser()
  const tab = await app.openTab(user, { autoSync: false })
  await call(tab, 'sync')
  await call(tab, 'close')
  await call(tab, 'openApp', { autoSync: false }) // and asks for no syncs of its own
  const { proxy } = world
  t.after(async () => proxy.reset())
  const worker = await app.worker()
  const path = /\/rpc\/sync$/
  let written = 0
  const hasAll = async () => (await onServer(user)).logs === written
  // Where the worker is when it is stopped.
  const moments = {
    opening: () => until(() => worker.isRunning()),
    'waiting, the server has heard nothing': async () => {
      const { hits } = proxy.next(path, { hang: true })
      await until(() => proxy.faults.some((rule) => rule.hits > hits))
    },
    'waiting, the server has committed': async () => {
      proxy.always(path, { latencyMs: 1_500 })
      await until(hasAll)
    },
    'storing the answer': async () => {
      await until(hasAll)
    },
  }
  for (let round = 0; round < 2; round++) {
    for (const [name, moment] of Object.entries(moments)) {
      proxy.reset()
      await call(tab, 'write', { writer: written / 10, count: 10 })
      written += 10
      const reached = moment()
      await worker.sync()
      await reached
      await worker.stop()
      const isUp = await hasAll()
      if (name === 'waiting, the server has heard nothing') assert.equal(isUp, false, name)
      checkSteps(await call(tab, 'seen'), app.site.reports)
    }
  }
  proxy.reset()
  await tab.close()
  await worker.sync()
  await until(async () => {
    const { logs, total } = await onServer(user) // the counter may need a second request
    return logs >= written && total >= written
  })
  assert.deepEqual(await onServer(user), { logs: written, total: written })

  const elsewhere = await world.device(user)
  await elsewhere.sync()
  assert.equal(elsewhere.collection('progress').get('self')?.totalCompletions, written)
  const later = await browser.openTab(app.url)
  await call(later, 'start', { autoSync: false })
  checkSteps(await call(later, 'seen'), app.site.reports)
  await call(later, 'sync')
  assert.equal((await call(later, 'status')).pending, 0)
  assert.deepEqual(await onServer(user), { logs: written, total: written })
  await worker.end()
  t.diagnostic(`8 worker stops: 0 of ${written} steps lost or doubled`)
})

test('started offline, two hours after the token expired: all is there, and goes up later', async (t) => {
  const app = await startApp(t, browser, world)
  const user = await world.newUser()
  const tab = await app.openTab(user)
  await call(tab, 'write', { writer: 1, count: 3 })
  await call(tab, 'sync')
  await expireToken(tab, user)
  await browser.quit()

  await browser.start()
  world.proxy.offline()
  t.after(async () => world.proxy.reset())
  const { served } = app.site
  const files = [...served]
  served.clear() // whatever the browser has, it has from the worker
  await browser.setOffline(true)
  const later = await browser.openTab(app.url)
  const cached = await later.evaluate(async () => {
    const [entry] = performance.getEntriesByType('navigation')
    return /** @type {any} */ (entry).workerStart > 0
  })
  assert.equal(cached, true)
  await call(later, 'start')
  assert.deepEqual((await call(later, 'seen')).writers[1].steps, [1, 2, 3])
  await call(later, 'write', { writer: 1, from: 4, count: 2 })
  assert.deepEqual((await call(later, 'seen')).writers[1].steps, numbers(1, 5))
  assert.deepEqual(await onServer(user), { logs: 3, total: 3 })

  for (const [path, text] of files) served.set(path, text)
  world.proxy.offline(false)
  await browser.setOffline(false)
  await until(async () => (await onServer(user)).logs === 5)
  assert.deepEqual(await onServer(user), { logs: 5, total: 5 })
  await until(async () => (await call(later, 'status')).pending === 0)
})

test('a newer version of the app: its page never gets the former module', async (t) => {
  const app = await startApp(t, browser, world)
  const user = await world.newUser()
  const tab = await app.openTab(user)
  const fetched = (/** @type {string} */ mark) =>
    tab.evaluate(async (hash) => {
      const response = await fetch(`/module.wasm${hash}`)
      return (await response.arrayBuffer()).byteLength
    }, mark)
  await until(() => tab.evaluate(() => navigator.serviceWorker.controller !== null))
  const { buildId } = await import('../../js/core-module.js')
  const module = app.site.served.get('/module.wasm') ?? ''
  app.site.served.set('/module.wasm', 'the next version')
  assert.equal(await fetched(`#somatic-sync-${buildId}`), module.length, 'from the worker')
  assert.equal(await fetched('#somatic-sync-0000000000000000'), 'the next version'.length)
  assert.equal(await fetched(''), 'the next version'.length)
})

test('a worker whose module.wasm is missing is not installed, and the page hears of it', async (t) => {
  const app = await startApp(t, browser, world)
  const user = await world.newUser()
  const tab = await browser.openTab(app.url)
  await call(tab, 'signIn', { email: user.email, password: user.password })
  await call(tab, 'open')
  const module = app.site.served.get('/module.wasm') ?? ''
  app.site.served.delete('/module.wasm')
  const failure = await call(tab, 'outcome', ['register'])
  assert.equal(failure.code, 'invariant')
  assert.match(failure.message, /app-worker\.js.*installation failed/)
  app.site.served.set('/module.wasm', module)
  assert.equal(await call(tab, 'outcome', ['register']), 'done')
})

test('messages: the page is answered with what was done', async (t) => {
  const app = await startApp(t, browser, world)
  const user = await world.newUser()
  const tab = await app.openTab(user, { autoSync: false })
  await call(tab, 'write', { writer: 1, count: 2 })
  const { ok, report } = await call(tab, 'askWorker')
  assert.equal(ok, true)
  assert.ok(report.pushed >= 3, 'two rows and the counters')
  assert.deepEqual(await onServer(user), { logs: 2, total: 2 })
  world.proxy.offline()
  t.after(async () => world.proxy.reset())
  const { ok: isOk, error } = await call(tab, 'askWorker')
  assert.deepEqual([isOk, error.code, error.retryable], [false, 'offline', true])
})
