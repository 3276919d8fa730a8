// A context that hears nothing of what others write, as one that was frozen, and then writes: on what is there by
// then, though that is a snapshot of many pieces. On the compiled core and the disk it ships with.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stateOf } from '../../js/client.js'
import { idOf as id } from '../support/ids.js'
import { anna, engines, newDatabase, openClient, until } from '../support/open-client.js'
import { storedFiles } from '../support/stored-files.js'

const log = { category: 'journal', content: 'as it was', metadata: { mood: 'calm' } }

/** @param {string} database */
async function piecesOf(database) {
  const files = await storedFiles(`/${database}/${anna}`)
  return [...files.keys()].filter((path) => path.startsWith('snapshot/')).length
}

for (const { name, createModule } of engines.slice(1)) {
  test(`${name}: what others counted and wrote while a context slept stays`, async () => {
    const database = newDatabase()
    const open = (/** @type {object} */ options) =>
      openClient({ database, ...options }, createModule)
    const awake = await open({ foldAfter: 3 })
    const [logs, progress] = [awake.collection('logs'), awake.collection('progress')]
    await awake.batch(() => {
      for (let n = 0; n < 70; n++)
        logs.put(id(n), { ...log, metadata: { n, text: 'x'.repeat(9000) } })
      for (const n of [70, 71]) logs.put(id(n), log)
      progress.put('self', { totalCompletions: 4 })
    })
    const slept = await open({})
    Object.assign(stateOf(slept).parts.core ?? {}, { refresh: async () => {} })
    await progress.increment('self', 'totalCompletions', 3)
    await logs.patch(id(71), { content: 'since' })
    await logs.remove(id(70))
    await until(async () => (await piecesOf(database)) > 1, 10_000)

    await Promise.all([
      slept.collection('progress').increment('self', 'totalCompletions'),
      slept.collection('logs').patch(id(71), { metadata: { mood: 'tense' } }),
      slept.collection('logs').patch(id(70), { metadata: { mood: 'tense' } }),
    ])
    await awake.collection('theme').put('self', { theme: 'dark' }) // hears of that
    for (const client of [awake, slept]) {
      assert.equal(client.collection('progress').get('self')?.totalCompletions, 8)
      const { content, metadata } = client.collection('logs').get(id(71)) ?? {}
      assert.deepEqual([content, metadata], ['since', { mood: 'tense' }])
      const gone = client.collection('logs').get(id(70))
      assert.equal(gone?.content, 'as it was', 'an edit of a row that is gone makes it again')
      await client.close()
    }
  })
}
