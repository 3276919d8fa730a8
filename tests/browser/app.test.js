// The app as a user meets it, on a local Supabase with a month of data: a day in it, two devices, and the panel, also
// when something of the server is missing.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, afterEach, test } from 'node:test'
import { allTested, goTo, isSynced, signIn, startApp } from './support/app.js'
import { until } from './support/chromium.js'

/** @typedef {import('playwright-core').Page} Page */

const { backend, browser, url } = await startApp({ after }, { port: 5300 })
afterEach(async () => {
  for (const page of browser.running.pages().slice(1)) await page.close()
})

/** @param {string} device @param {string} [page] */
async function openApp(device, page = 'today') {
  const tab = await browser.running.newPage()
  await tab.goto(`${url}?device=${device}#${page}`)
  return tab
}

test('a day: sign up, routine, journal, chat, urge, questions; offline, reload, back; a second device', async () => {
  const tab = await openApp('of-clara')
  const email = `clara-${Date.now()}@example.com`
  await signIn(tab, email, 'clara-password', 'Sign up')
  await isSynced(tab)
  await tab.getByRole('button', { name: 'I completed my routine' }).click()
  await tab.getByLabel('How was it?').fill('Woke rested.')
  await tab.getByRole('button', { name: 'Keep it' }).click()
  await goTo(tab, 'Chat')
  await tab.getByLabel('Message').fill('How do I sleep?')
  await tab.getByRole('button', { name: 'Send' }).click()
  await tab.getByText('I found nothing about that yet.').or(tab.getByText('You wrote:')).waitFor()
  await goTo(tab, 'Urges')
  await tab.getByLabel('In words').fill('Pull to scroll')
  await tab.getByRole('button', { name: 'Log it' }).click()
  await goTo(tab, 'Blueprint')
  await tab.getByRole('group', { name: 'I plan ahead' }).getByLabel('4').check()
  await isSynced(tab)

  await tab.getByLabel('Offline').check()
  await goTo(tab, 'Today')
  await tab.getByRole('button', { name: 'Completed once more' }).click()
  await tab.getByLabel('How was it?').fill('Written without a network.')
  await tab.getByRole('button', { name: 'Keep it' }).click()
  await tab.getByText('to send').waitFor()
  await tab.reload()
  await tab.getByRole('navigation').waitFor()
  assert.equal(await tab.getByTestId('total').textContent(), '2')
  await isSynced(tab)

  const second = await openApp('other-of-clara')
  await signIn(second, email, 'clara-password')
  await until(async () => (await second.getByTestId('total').textContent()) === '2')
  await until(async () => (await second.locator('.entries textarea').count()) === 2)
  assert.deepEqual(
    await second
      .locator('.entries textarea')
      .evaluateAll((all) => all.map((each) => /** @type {any} */ (each).value)),
    ['Written without a network.', 'Woke rested.'],
  )
  await goTo(second, 'Blueprint')
  assert.ok(await second.getByRole('group', { name: 'I plan ahead' }).getByLabel('4').isChecked())
  await goTo(second, 'Urges')
  await second.getByText('Urge/Symptom: Pull to scroll').waitFor()
})

test('the picture of two devices in the README', async () => {
  const tab = await browser.running.newPage()
  await tab.setViewportSize({ width: 1200, height: 760 })
  await tab.goto(`${url}devices.html`)
  const frames = ['Phone', 'Laptop'].map((title) => tab.frameLocator(`iframe[title="${title}"]`))
  for (const frame of frames) {
    await signIn(frame, 'ben@example.com', 'ben-password')
    await frame.getByTestId('total').getByText('52').waitFor()
  }
  // what both do off the network counts twice when they are back
  for (const frame of frames) await frame.getByLabel('Offline').check()
  for (const frame of frames) await frame.getByRole('button', { name: /ompleted/ }).click()
  for (const frame of frames) await frame.getByTestId('total').getByText('53').waitFor()
  for (const frame of frames) await frame.getByLabel('Offline').uncheck()
  for (const frame of frames) await frame.getByTestId('total').getByText('54').waitFor()
  for (const frame of frames) await frame.getByText('to send').waitFor({ state: 'detached' })
  const path = process.env.SCREENSHOT // docs/app.png is made with it
  await tab.screenshot(path ? { path } : {})
})

/** @param {Page} tab @returns {Promise<any>} the backup that the panel gives out */
async function exported(tab) {
  const download = tab.waitForEvent('download')
  await tab.getByRole('button', { name: 'Export' }).click()
  return JSON.parse(await readFile(await (await download).path(), 'utf8'))
}

/** @param {Page} tab @param {unknown} backup @returns {Promise<string | null>} what the panel says */
async function imported(tab, backup) {
  const told = tab.getByTestId('your-data')
  await told.evaluate((element) => element.replaceChildren())
  const file = { name: 'backup.json', mimeType: 'application/json' }
  const text = typeof backup === 'string' ? backup : JSON.stringify(backup)
  await tab.getByLabel('Import').setInputFiles({ ...file, buffer: Buffer.from(text) })
  await until(async () => (await told.textContent()) !== '')
  return told.textContent()
}

/** All that tables of users hold of one. @param {string} userId */
async function onServer(userId) {
  /** @type {Record<string, any[]>} */
  const tables = {}
  const names = await backend.sql(
    `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attname = 'user_id' order by 1`,
  )
  for (const { name } of names) {
    tables[name] = await backend.sql(
      `select to_jsonb(t) as row from public.${name} t where user_id = $1 order by to_jsonb(t)::text`,
      [userId],
    )
  }
  return tables
}

test('out, wiped, in: the same data; in twice is nothing; the account deleted: nothing here, nothing there', async () => {
  const tab = await openApp('of-dora')
  const email = `dora-${Date.now()}@example.com`
  await signIn(tab, email, 'dora-password', 'Sign up')
  await isSynced(tab)
  const [{ id: userId }] = await backend.sql('select id from auth.users where email = $1', [email])
  await tab.getByRole('button', { name: 'I completed my routine' }).click()
  await tab.getByLabel('How was it?').fill('Slept under a new moon.')
  await tab.getByRole('button', { name: 'Keep it' }).click()
  await goTo(tab, 'Urges')
  await tab.getByLabel('In words').fill('Pull to the fridge')
  await tab.getByRole('button', { name: 'Log it' }).click()
  await isSynced(tab)
  await goTo(tab, 'Sync panel')
  // computed from the urge, when it has been quiet for a while
  await until(async () => (await onServer(userId)).sovereign_path_data.length === 1)
  const settled = async () => {
    for (let before = ''; ; ) {
      const now = JSON.stringify(await onServer(userId))
      if (now === before) return now
      before = now
      await new Promise((resolve) => setTimeout(resolve, 1500))
    }
  }
  const there = await settled()
  const { collections } = await exported(tab)
  const all = Object.values(collections).flat().length
  assert.equal(all, 4, 'progress, the journal entry, the urge, its patterns')

  // off the network, so that the rows can come from nowhere else
  await browser.running.route(`${backend.url}/rest/**`, (route) => route.abort())
  await tab.getByRole('button', { name: 'Wipe this device' }).click()
  await tab.getByText('0 rows here').waitFor()
  assert.match((await imported(tab, '{"format":"somatic-sync/1",')) ?? '', /cut off|damaged/)
  assert.match((await imported(tab, { collections })) ?? '', /no backup|not a backup/)
  await tab.getByText('0 rows here').waitFor()
  assert.ok(!(await tab.evaluate(textsHere)).includes('new moon'))
  const backup = await exported(tab)
  assert.equal(Object.values(backup.collections).flat().length, 0)
  const whole = { ...backup, collections }
  assert.equal(await imported(tab, whole), `Imported: ${all} rows changed, 0 were there already.`)
  assert.equal(await imported(tab, whole), `Imported: 0 rows changed, ${all} were there already.`)
  assert.ok((await tab.evaluate(textsHere)).includes('new moon'))
  const again = await exported(tab)
  const bare = (/** @type {any} */ rows) =>
    Object.fromEntries(
      Object.entries(rows).map(([name, list]) => [
        name,
        /** @type {any[]} */ (list).map(({ $sync, ...row }) => JSON.stringify(row)).sort(),
      ]),
    )
  assert.deepEqual(bare(again.collections), bare(collections))
  await browser.running.unroute(`${backend.url}/rest/**`)
  await tab.getByRole('button', { name: 'Sync now' }).click()
  await isSynced(tab)
  assert.equal(await settled(), there, 'what the server has is as it was')

  tab.once('dialog', (dialog) => dialog.accept())
  await tab.getByRole('button', { name: 'Delete account' }).click()
  await tab.getByRole('button', { name: 'Sign up' }).waitFor()
  assert.deepEqual(Object.values(await onServer(userId)).flat(), [])
  const here = await tab.evaluate(textsHere)
  for (const text of ['new moon', 'the fridge', email]) {
    assert.ok(!here.includes(text), `"${text}" is still on the device`)
  }
})

/** All that the storage of this origin holds, as one text. */
async function textsHere() {
  const texts = Object.values(localStorage)
  const textOf = (/** @type {unknown} */ value) =>
    JSON.stringify(value, (_, each) =>
      each instanceof Uint8Array ? new TextDecoder().decode(each) : each,
    )
  /** @param {IDBRequest} request @returns {Promise<any>} */
  const result = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
  for (const { name = '' } of await indexedDB.databases()) {
    const db = await result(indexedDB.open(name))
    for (const store of db.objectStoreNames) {
      texts.push(textOf(await result(db.transaction(store).objectStore(store).getAll())))
    }
    db.close()
  }
  return texts.join('\n')
}

test('the tab is closed off the network: the service worker sends what it wrote', async () => {
  const tab = await openApp('browser')
  await signIn(tab, 'ada@example.com', 'ada-password')
  await isSynced(tab)
  await goTo(tab, 'Sync panel')
  await tab.getByText('ready to send when no tab is open').waitFor()
  await tab.getByLabel('Offline').check()
  await goTo(tab, 'Urges')
  await tab.getByLabel('In words').fill('Written in a tab that is gone')
  await tab.getByRole('button', { name: 'Log it' }).click()
  await tab.getByText('to send').waitFor()
  const count = async () =>
    (
      await backend.sql(
        `select count(*)::int as count from sovereign_logs
         where content like '%Written in a tab that is gone%'`,
      )
    )[0].count
  assert.equal(await count(), 0)
  await tab.close()
  await until(async () => (await count()) === 1)
})

// last: it takes parts of the server away
test('the panel: all nine green; red with the reason when a table, a policy or the function is taken away', async (t) => {
  const tab = await openApp('panel', 'panel')
  await signIn(tab, 'ada@example.com', 'ada-password')
  await isSynced(tab)
  const rows = tab.locator('tr[data-result]')
  await tab.getByRole('button', { name: 'Test all syncs' }).click()
  const all = await allTested(tab)
  assert.deepEqual(all, Array(9).fill('green'), String(await rows.allTextContents()))

  const reason = async (/** @type {string} */ name) => {
    await tab.getByRole('button', { name: `Test ${name}`, exact: true }).click()
    const row = tab.locator('tr', { has: tab.getByRole('rowheader', { name, exact: true }) })
    await until(async () =>
      ['green', 'red'].includes((await row.getAttribute('data-result')) ?? ''),
    )
    return row.locator('td').nth(1).textContent()
  }
  const named = await rows.evaluateAll((all) =>
    all.map((row) => [
      row.querySelector('th')?.textContent,
      row.querySelector('code')?.textContent,
    ]),
  )
  for (const [name = '', table] of named) {
    await backend.sql(`alter table public.${table} rename to away`)
    const noTable = await reason(name)
    assert.match(String(noTable), /^✗ .*(table|no collection)/, `${name} without its table`)
    await backend.sql(`alter table public.away rename to ${table}`)
    assert.match(String(await reason(name)), /^On the server/, `${name} with its table again`)

    // those that write, and then the one that reads: by each it would be kept from the server
    for (const events of [['insert', 'update'], ['select']]) {
      for (const event of events) {
        await backend.sql(`drop policy "own rows: ${event}" on public.${table}`)
      }
      const noPolicy = await reason(name)
      assert.match(String(noPolicy), /^✗ .*policy/, `${name} without a policy to ${events}`)
      t.diagnostic(`${name}: ${noTable}; ${noPolicy}`)
    }
  }

  await backend.sql('alter function public.sync(jsonb) rename to sync_away')
  for (const [name = ''] of named) {
    const noFunction = await reason(name)
    assert.match(String(noFunction), /^✗ .*migrations are missing/, `${name} without the function`)
  }
})

test('no page of the app has an error in its console', async () => {
  // what the tests themselves took away: parts of the server, and the way to it
  const isMeant = (/** @type {string} */ problem) =>
    /status of (4\d\d|5\d\d)/.test(problem) ||
    (problem.startsWith(`${backend.url}/rest/`) && problem.endsWith('net::ERR_FAILED'))
  assert.deepEqual(
    browser.problems.filter((problem) => !isMeant(problem)),
    [],
  )
})
