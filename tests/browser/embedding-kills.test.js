// A tab is killed in the middle of a long job of embeddings, again and again: whoever opens the database next
// goes on where it was. The site is told of each text before it is embedded, so nothing is forgotten by a kill.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { call, startChromium, until } from './support/chromium.js'
import { startSite } from './support/site.js'

const browser = await startChromium({ after })

/** Texts that are asked for together (js/search/embedding-maker.js): more cannot be under way. */
const batch = 32

test('5,000 embeddings, the tab killed three times: each text once, none forgotten', async (t) => {
  const site = await startSite(t)
  const texts = Array.from({ length: 5000 }, (_, i) => `entry number ${i}`)
  const writer = await browser.openTab(site.url)
  await call(writer, 'open')
  await call(writer, 'putNotes', texts)
  await call(writer, 'close')

  /** @returns {string[]} */
  const asked = () => site.reports.flatMap((/** @type {any} */ { embedded }) => embedded)
  const kills = [1000, 2200, 3400]
  /** @type {number[]} */
  const stored = []
  for (const enough of kills) {
    const tab = await browser.openTab(site.url)
    const renderer = await browser.rendererOf(tab)
    await call(tab, 'openEmbedding')
    stored.push(await call(tab, 'size', 'embeddings'))
    await until(() => asked().length >= enough, 60_000)
    await browser.killTab(tab, renderer)
  }

  const tab = await browser.openTab(site.url)
  await call(tab, 'openEmbedding')
  stored.push(await call(tab, 'size', 'embeddings'))
  await until(async () => (await call(tab, 'size', 'embeddings')) >= texts.length, 60_000)
  assert.deepEqual((await call(tab, 'passages')).sort(), texts.sort())
  const again = asked().length - texts.length
  assert.ok(again <= kills.length * batch, `${again} texts were embedded twice`)
  assert.equal(stored[0], 0)
  kills.forEach((enough, i) => {
    // of what was asked for, the batch under way is lost, and so were those of the kills before
    assert.ok(
      stored[i + 1] >= enough - (i + 1) * batch,
      `${stored[i + 1]} after the kill at ${enough}`,
    )
  })
  t.diagnostic(
    `killed with ${stored.slice(1).join(', ')} of 5,000 stored; ${again} texts were under way and asked again`,
  )
})
