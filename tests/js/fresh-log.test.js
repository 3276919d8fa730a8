// A database made and deleted before the others are opened: in Chromium only, once, never in anybody's way. That
// Chromium then begins a new log is tests/browser/kills.test.js's.

import 'fake-indexeddb/auto'
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { forgetLog, freshLog } from '../../js/storage/fresh-log.js'
import { result } from '../support/fake-fs.js'
import { fakeLocks } from '../support/fake-locks.js'

const name = 'somatic-sync:fresh-log'
const { navigator } = globalThis
const { open } = IDBFactory.prototype
/** @type {string[]} databases that were opened */
let opened = []

/** @param {string} brand @returns {any} the locks of another context */
function inBrowser(brand) {
  const origin = fakeLocks()
  const locks = origin.client()
  Object.defineProperty(globalThis, 'navigator', {
    configurable: true,
    value: { locks, userAgentData: { brands: [{ brand: 'Not A Brand' }, { brand }] } },
  })
  return origin.client()
}

beforeEach(() => {
  opened = []
  IDBFactory.prototype.open = function (
    /** @type {string} */ database,
    /** @type {any} */ version,
  ) {
    opened.push(database)
    return open.call(this, database, version)
  }
})
afterEach(() => {
  IDBFactory.prototype.open = open
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: navigator })
  forgetLog()
})

const left = async () => (await indexedDB.databases()).filter((each) => each.name === name)

test('in Chromium: made and deleted, once, and again after a connection was lost', async () => {
  inBrowser('Chromium')
  await Promise.all([freshLog(), freshLog()])
  await freshLog()
  assert.deepEqual([opened, await left()], [[name], []])
  forgetLog()
  await freshLog()
  assert.deepEqual([opened, await left()], [[name, name], []])
})

test('elsewhere: nothing', async () => {
  inBrowser('Firefox')
  await freshLog()
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: undefined })
  forgetLog()
  await freshLog()
  assert.deepEqual(opened, [])
})

test('another context is at it: it is waited for, and not done again', async () => {
  const locks = inBrowser('Chromium')
  let letGo = () => {}
  locks.request(name, {}, () => new Promise((resolve) => (letGo = () => resolve(undefined))))
  let isDone = false
  const done = freshLog().then(() => {
    isDone = true
  })
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(isDone, false)
  letGo()
  await done
  assert.deepEqual(opened, [])
})

test('a context that was frozen in the middle of it holds nobody up for long; it is tried again', async (t) => {
  const locks = inBrowser('Chromium')
  let letGo = () => {}
  locks.request(name, {}, () => new Promise((resolve) => (letGo = () => resolve(undefined))))
  await freshLog()
  assert.deepEqual(opened, [])
  letGo()
  await new Promise((resolve) => setTimeout(resolve, 20))
  await freshLog()
  assert.deepEqual([opened, await left()], [[name], []])
  const frozen = await result(open.call(indexedDB, name))
  forgetLog()
  const before = performance.now()
  await freshLog()
  t.diagnostic(`a connection elsewhere: ${Math.round(performance.now() - before)} ms`)
  frozen.close()
  await freshLog()
  assert.deepEqual(await left(), [])
})
