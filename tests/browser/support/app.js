// Owns the app under test: on a local Supabase with a month of data, in a Chromium of its own. Ends all it starts.

import { fileURLToPath } from 'node:url'
import { startBackend } from '../../../web/backend.js'
import { serveApp } from '../../../web/serve.js'
import { startChromium, until } from './chromium.js'

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('playwright-core').FrameLocator} FrameLocator */

/**
 * @param {import('./chromium.js').Ending} t
 * @param {{ port: number }} options port: the next free one from there on; apart from those of other files
 */
export async function startApp(t, { port }) {
  const backend = await startBackend({})
  t.after(() => backend.stop())
  // one for each file: two that start side by side would write into the same
  const cacheDir = fileURLToPath(new URL(`../../../build/vite-${port}`, import.meta.url))
  const app = await serveApp({ url: backend.url, key: backend.anonKey, port, cacheDir })
  t.after(() => app.stop())
  const browser = await startChromium(t)
  return { backend, browser, url: app.url }
}

/** @param {Page | FrameLocator} tab @param {string} email @param {string} password @param {'Sign in' | 'Sign up'} [how] */
export async function signIn(tab, email, password, how = 'Sign in') {
  await tab.getByLabel('Email').fill(email)
  await tab.getByLabel('Password').fill(password)
  await tab.getByRole('button', { name: how }).click()
  await tab.getByRole('navigation').waitFor()
}

/** @param {Page} tab @param {string} name */
export const goTo = (tab, name) =>
  tab.getByRole('navigation').getByRole('link', { name, exact: true }).click()

/** @param {Page} tab */
export const isSynced = (tab) =>
  until(async () =>
    /: idle$/.test((await tab.locator('.status [role=status]').textContent()) ?? ''),
  )

/** The outcomes of the panel's tests, once each has one. @param {Page} tab @returns {Promise<(string | undefined)[]>} */
export async function allTested(tab) {
  const rows = tab.locator('tr[data-result]')
  const results = () => rows.evaluateAll((all) => all.map((row) => row.dataset.result))
  const isDone = (/** @type {string | undefined} */ each) => each === 'green' || each === 'red'
  await until(async () => {
    const all = await results()
    return all.length > 0 && all.every(isDone)
  })
  return results()
}
