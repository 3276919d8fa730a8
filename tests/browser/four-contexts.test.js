// Two tabs, a dedicated worker and a service worker write into one database at once. Stock IDBFS lost 120 of
// these 160 acknowledged writes. A restart of the browser lies between writing and looking.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { call, startChromium } from './support/chromium.js'
import { startSite } from './support/site.js'
import { checkSteps, numbers } from './support/steps.js'

const rounds = 8
const stepsPerRound = 5
const steps = rounds * stepsPerRound

const browser = await startChromium({ after })

for (const foldAfter of [1000, 15]) {
  const title = `2 tabs + worker + service worker, 40 writes each, folded every ${foldAfter}`
  test(`${title}: 160 of 160, in order`, (t) => writeAll(t, foldAfter))
}

/** @param {import('node:test').TestContext} t @param {number} foldAfter */
async function writeAll(t, foldAfter) {
  const site = await startSite(t)
  const tab = await browser.openTab(site.url)
  const contexts = [
    tab,
    await browser.openTab(site.url),
    await browser.startWorker(tab),
    await browser.startServiceWorker(tab),
  ]
  await Promise.all(contexts.map((context) => call(context, 'open', { foldAfter })))
  await call(contexts[1], 'watch')

  // Nobody starts a round before everybody has ended the last: so nobody is done before the rest began.
  for (let round = 0; round < rounds; round++) {
    const turn = { from: round * stepsPerRound + 1, count: stepsPerRound }
    const writing = contexts.map((context, i) => call(context, 'write', { writer: i + 1, ...turn }))
    await Promise.all(writing)
  }
  const { reports } = site
  const sights = await call(contexts[1], 'allSights')
  checkSights(sights)
  const turns = reports.filter(({ writer }, i) => writer !== reports[i - 1]?.writer).length

  await browser.restart()
  const later = await browser.openTab(site.url)
  await call(later, 'open')
  const { writers, torn, total } = await call(later, 'seen')
  const want = { steps: numbers(1, steps), own: steps }
  assert.deepEqual(writers, { 1: want, 2: want, 3: want, 4: want })
  assert.deepEqual({ torn, total }, { torn: [], total: 4 * steps })
  assert.deepEqual(browser.problems, [])
  const { generation } = await call(later, 'manifest')
  assert.equal(generation > 0, foldAfter < 160)
  t.diagnostic(
    `${total} of ${4 * steps} acknowledged writes are there; the writer changed ${turns} times, ` +
      `${generation} snapshots were installed, a tab looked ${sights.length} times meanwhile`,
  )
}

/**
 * At no moment does a context see a step without those its writer wrote before it, a part of a step, or less than
 * before.
 * @param {import('./support/steps.js').Seen[]} sights
 */
function checkSights(sights) {
  assert.ok(sights.length > rounds, 'it looked while the others wrote')
  let before = 0
  for (const sight of sights) {
    checkSteps(sight, [])
    assert.ok(sight.total >= before, `${sight.total} steps after ${before}`)
    before = sight.total
  }
}
