// The app for everybody: by keyboard alone, on a phone, in light and in dark, and what axe finds in it. On the real
// app with a month of data, so that lists and charts are full.

import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'
import { axeFaults, edgeFaults, focusFaults, phoneFaults } from './support/access.js'
import { allTested, goTo, isSynced, signIn, startApp } from './support/app.js'
import { until } from './support/chromium.js'

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('playwright-core').Locator} Locator */

const { browser, url } = await startApp({ after }, { port: 5400 })
afterEach(async () => {
  for (const page of browser.running.pages().slice(1)) await page.close()
})

const laptop = { width: 1200, height: 760 }
const phone = { width: 360, height: 740 }
const schemes = /** @type {const} */ (['light', 'dark'])

/** @param {string} device @param {{ width: number, height: number }} size */
async function openApp(device, size) {
  const tab = await browser.running.newPage()
  await tab.setViewportSize(size)
  await tab.goto(`${url}?device=${device}`)
  return tab
}

/**
 * Goes to each page of the app, one after the other, and fills it.
 * @param {string} device
 * @param {{ width: number, height: number }} size
 * @param {(page: string, tab: Page) => Promise<void>} look
 */
async function visit(device, size, look) {
  const tab = await openApp(device, size)
  await tab.getByLabel('Password').fill('not-the-password')
  await tab.getByRole('button', { name: 'Sign in' }).click()
  await tab.getByRole('alert').getByText('Invalid').waitFor()
  await look('sign-in', tab)

  await signIn(tab, 'ada@example.com', 'ada-password')
  await isSynced(tab)
  await tab.getByRole('button', { name: /ompleted/ }).click()
  for (const text of ['Slept well.', 'Woke at six.']) {
    await tab.getByLabel('How was it?').fill(text)
    await tab.getByRole('button', { name: 'Keep it' }).click()
  }
  await tab.locator('.entries textarea').nth(1).waitFor()
  await tab.locator('.days .done').first().waitFor()
  await look('today, with the journal', tab)

  await goTo(tab, 'Chat')
  await tab.getByLabel('Message').fill('How do I sleep?')
  await tab.getByRole('button', { name: 'Send' }).click()
  await tab.locator('.messages [data-role=assistant]').last().waitFor()
  await look('chat', tab)

  await goTo(tab, 'Urges')
  await tab.locator('.entries li').first().waitFor()
  await tab.locator('.chart polyline').first().waitFor()
  await look('urges', tab)

  await goTo(tab, 'Achievements')
  await tab.getByRole('button', { name: 'Unlock' }).nth(10).waitFor()
  await look('achievements', tab)

  await goTo(tab, 'Blueprint')
  await tab.getByRole('radio').first().waitFor()
  await look('blueprint', tab)

  await goTo(tab, 'Health')
  await tab.locator('.chart rect').nth(20).waitFor()
  await look('health', tab)

  await goTo(tab, 'Search')
  await tab.getByRole('searchbox').fill('Woke at six')
  await tab.locator('.entries li').first().waitFor()
  await look('search', tab)

  await goTo(tab, 'Sync panel')
  await tab.getByRole('button', { name: 'Test all syncs' }).press('Enter')
  await allTested(tab)
  await look('panel', tab)

  await tab.goto(`${url}devices.html`)
  for (const title of ['Phone', 'Laptop']) {
    const frame = tab.frameLocator(`iframe[title="${title}"]`)
    // this page's devices stay signed in from one test to the next
    const email = frame.getByLabel('Email')
    const nav = frame.getByRole('navigation')
    await email.or(nav).waitFor()
    if (await email.isVisible()) await signIn(frame, 'ben@example.com', 'ben-password')
    await frame.locator('.entries textarea').first().waitFor()
  }
  await look('devices.html', tab)
}

test('axe finds nothing on any page, and each edge is seen, in light and in dark', async () => {
  /** @type {string[]} */
  const faults = []
  await visit('of-axe', laptop, async (page, tab) => {
    for (const colorScheme of schemes) {
      await tab.emulateMedia({ colorScheme })
      const found = [...(await axeFaults(tab)), ...(await edgeFaults(tab))]
      faults.push(...found.map((fault) => `${page}, ${colorScheme}: ${fault}`))
    }
  })
  assert.deepEqual(faults, [])
})

test('on a phone: nothing is cut off, none scrolls sideways, text is readable, a finger hits each control', async () => {
  /** @type {string[]} */
  const faults = []
  await visit('of-a-phone', phone, async (page, tab) => {
    const found = [...(await phoneFaults(tab)), ...(await axeFaults(tab))]
    faults.push(...found.map((fault) => `${page}: ${fault}`))
  })
  assert.deepEqual(faults, [])
})

/** Of the page's ground. @param {Page} tab */
const lightness = (tab) =>
  tab.evaluate(() => {
    const [r = 0, g = 0, b = 0] =
      getComputedStyle(document.body)
        .backgroundColor.match(/[\d.]+/g)
        ?.map(Number) ?? []
    return (r + g + b) / 3 / 255
  })

test("light and dark: the system's, until one is chosen in the app", async () => {
  const tab = await openApp('of-a-theme', laptop)
  const isLight = async () => (await lightness(tab)) > 0.8
  const isDark = async () => (await lightness(tab)) < 0.2
  const follows = async () => {
    await tab.emulateMedia({ colorScheme: 'light' })
    assert.ok(await isLight())
    await tab.emulateMedia({ colorScheme: 'dark' })
    assert.ok(await isDark())
  }
  await tab.getByLabel('Email').waitFor()
  await follows()
  await signIn(tab, `theo-${Date.now()}@example.com`, 'theo-password', 'Sign up')
  await isSynced(tab)
  await follows()
  for (const [theme, holds] of /** @type {const} */ ([
    ['Light', isLight],
    ['Dark', isDark],
  ])) {
    await tab.getByLabel('Theme').selectOption(theme)
    await until(holds)
    for (const colorScheme of schemes) {
      await tab.emulateMedia({ colorScheme })
      assert.ok(await holds(), `${theme} in the app, ${colorScheme} in the system`)
    }
    await tab.reload()
    await tab.getByRole('navigation').waitFor()
    for (const colorScheme of schemes) {
      await tab.emulateMedia({ colorScheme })
      assert.ok(await holds(), `${theme} in the app, ${colorScheme} in the system, when it opens`)
    }
  }
  await tab.getByLabel('Theme').selectOption('System')
  await tab.emulateMedia({ colorScheme: 'light' })
  await until(isLight)
  await follows()
})

/** @param {Page} tab @param {string} key @param {string} [what] */
async function press(tab, key, what = key) {
  await tab.keyboard.press(key)
  assert.deepEqual(await focusFaults(tab), [], what)
}

/** @param {Locator} target */
const hasFocus = (target) => target.evaluate((element) => element === document.activeElement)

/** Goes on with Tab until it is there; every stop on the way shows where it is. @param {Page} tab @param {Locator} target */
async function tabTo(tab, target, key = 'Tab') {
  for (let stops = 0; stops < 60; stops++) {
    await press(tab, key, `${key} towards ${target}`)
    if (await hasFocus(target)) return
  }
  assert.fail(`${key} does not lead to ${target}`)
}

/** Over what is there. @param {Page} tab @param {string} text */
async function type(tab, text) {
  await tab.keyboard.press('Control+A')
  await tab.keyboard.type(text)
}

/** @param {Page} tab @param {string} name by its link in the header */
async function open(tab, name) {
  await tabTo(tab, tab.getByRole('link', { name, exact: true }), 'Shift+Tab')
  await press(tab, 'Enter')
  await until(() => hasFocus(tab.getByRole('heading', { name, level: 1 })))
  assert.deepEqual(await focusFaults(tab), [], `on ${name}`)
}

test('by keyboard alone: sign up, routine, journal, urge, every sync tested, sign out', async () => {
  const tab = await openApp('of-a-keyboard', laptop)
  const button = (/** @type {string} */ name) => tab.getByRole('button', { name, exact: true })
  await tab.getByLabel('Email').waitFor()
  await tabTo(tab, tab.getByLabel('Email'))
  await type(tab, `kay-${Date.now()}@example.com`)
  await tabTo(tab, tab.getByLabel('Password'))
  await type(tab, 'kay-password')
  await tabTo(tab, button('Sign up'))
  await tab.keyboard.press('Space')
  await tab.getByRole('navigation').waitFor()
  await until(() => hasFocus(tab.getByRole('heading', { name: 'Today' })))

  await tabTo(tab, button('I completed my routine'))
  await press(tab, 'Space')
  await until(async () => (await tab.getByTestId('total').textContent()) === '1')
  for (const text of ['Rested.', 'Early.']) {
    await tabTo(tab, tab.getByLabel('How was it?'), text === 'Rested.' ? 'Tab' : 'Shift+Tab')
    await type(tab, text)
    await tabTo(tab, button('Keep it'))
    await press(tab, 'Enter')
  }
  const entries = tab.locator('.entries textarea')
  await until(async () => (await entries.count()) === 2)
  assert.equal(await entries.first().inputValue(), 'Early.')
  // what has the focus goes away with its entry
  await tabTo(tab, button('Delete this entry').first())
  for (const left of [1, 0]) {
    await press(tab, 'Enter', 'delete an entry')
    await until(async () => (await entries.count()) === left)
    assert.deepEqual(await focusFaults(tab), [], `an entry is deleted, ${left} left`)
  }

  await open(tab, 'Urges')
  await tabTo(tab, tab.getByLabel('In words'))
  await type(tab, 'Pull to scroll')
  await tabTo(tab, tab.getByRole('slider'))
  await press(tab, 'ArrowRight')
  await tab.getByText('Energy: 6').waitFor()
  await tabTo(tab, button('Log it'))
  await press(tab, 'Enter')
  await tab.getByText('Urge/Symptom: Pull to scroll').waitFor()

  await open(tab, 'Sync panel')
  await tabTo(tab, button('Test all syncs'))
  await press(tab, 'Space', 'test all syncs')
  await allTested(tab)
  assert.deepEqual(await focusFaults(tab), [], 'all syncs are tested')
  assert.ok(await hasFocus(button('Test all syncs')))
  await tabTo(tab, tab.getByLabel('Import'))
  await tabTo(tab, tab.getByRole('link', { name: 'Two devices side by side' }))

  await open(tab, 'Achievements')
  await tabTo(tab, button('Unlock').first())
  await press(tab, 'Space', 'unlock')
  assert.deepEqual(await focusFaults(tab), [], 'it is unlocked')
  await tabTo(tab, button('Sign out'), 'Shift+Tab')
  await tab.keyboard.press('Enter')
  await button('Sign up').waitFor()
  await until(() => hasFocus(tab.getByRole('heading', { level: 1 })))
  await tabTo(tab, tab.getByLabel('Email'))
})
