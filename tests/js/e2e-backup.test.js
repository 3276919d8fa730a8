// Backups beside a server and other devices: what was wiped comes back as it was, and nothing is counted,
// made or overwritten twice, whoever sends first.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, test } from 'node:test'
import { bindSync, syncChatMessage } from '../../js/supabase-sync-extended.js'
import { edits, embeddingId, logId, made, write } from '../support/odd-rows.js'
import { allRows, settle, startWorld } from '../support/world.js'

/** @type {import('../support/world.js').World} */
let world
before(async () => {
  world = await startWorld()
})
afterEach(() => world.proxy.reset())
after(() => world.stop())

/** @param {any} device */
async function shown(device) {
  await device.loadVectors()
  return JSON.stringify(allRows(device), null, 1)
}

/** @param {any} device */
const total = (device) => device.collection('progress').get('self')?.totalCompletions

/** @param {import('../support/world.js').User} user @param {...any} devices */
async function assertFresh(user, ...devices) {
  const fresh = await world.device(user)
  await fresh.sync()
  for (const device of devices) {
    assert.equal(device.status().pending, 0)
    assert.equal(device.status().rejected, 0)
    assert.equal(await shown(device), await shown(fresh))
  }
}

for (const isSynced of [true, false]) {
  for (const isOnline of [true, false]) {
    const what = `${isSynced ? 'synced' : 'never sent'}, imported ${isOnline ? 'after' : 'before'} a pull`
    test(`export, wipe, import gives the same data: ${what}`, async () => {
      const user = await world.newUser()
      const database = `backup-${randomUUID()}`
      let device = await world.device(user, { database })
      await write(device, 'put', made)
      if (isSynced) await device.sync()
      await write(device, 'patch', edits)
      if (isSynced) await device.sync()
      const before = await shown(device)
      const backup = new Blob([JSON.stringify(await device.exportData())])
      const rows = Object.values(allRows(device)).flat().length
      await device.wipe({ force: true })

      device = await world.device(user, { database })
      assert.equal(device.collection('logs').size, 0)
      if (isOnline) await device.sync()
      const isThere = isSynced && isOnline
      assert.deepEqual(
        await device.importData(backup),
        isThere ? { written: 0, skipped: rows } : { written: rows, skipped: 0 },
      )
      assert.equal(await shown(device), before)
      assert.deepEqual(await device.importData(backup), { written: 0, skipped: rows })
      await device.sync()
      if (isSynced) assert.equal(await shown(device), before)
      assert.equal(total(device), made.progress.self.totalCompletions)
      await assertFresh(user, device)
      assert.deepEqual(await device.importData(backup), { written: 0, skipped: rows })
    })
  }
}

for (const first of ['the device', 'the importer', 'both at once', 'the device, its answer lost']) {
  test(`beside a device that still pushes the original, nothing changes: ${first} first`, async () => {
    const user = await world.newUser()
    const [a, b] = [await world.device(user), await world.device(user)]
    await write(a, 'put', made)
    await settle(a, b)
    await a.collection('progress').increment('self', 'totalCompletions', 1, {
      completedDays: [['2026-11-09', '2026-11-09']],
    })
    await a.collection('logs').patch(logId, { content: 'not sent yet' })
    await a.collection('logs').put(randomUUID(), { category: 'chat', content: 'new', metadata: {} })
    await a.collection('health').remove('2026-11-02')
    await a.collection('achievements').patch('dusk', { unlocked: true })
    await a.exportData()
    await a.collection('progress').increment('self', 'totalCompletions', 2)
    const backup = await a.exportData()
    assert.equal((await b.importData(backup)).written, 5)
    assert.equal(await shown(b), await shown(a))
    assert.equal((await b.importData(backup)).written, 0)
    assert.equal((await a.importData(backup)).written, 0)
    if (first === 'the device') await a.sync()
    if (first === 'the importer') await b.sync()
    if (first === 'both at once') await Promise.allSettled([a.sync(), b.sync()])
    if (first === 'the device, its answer lost') {
      world.proxy.next('/rpc/sync', { dropResponse: true })
      await assert.rejects(a.sync(), { code: 'offline' })
    }
    await settle(a, b)
    assert.equal(total(a), 10)
    for (const device of [a, b]) assert.equal((await device.importData(backup)).written, 0)
    await settle(a, b)
    await assertFresh(user, a, b)
    assert.equal(total(b), 10)
    assert.equal(a.collection('health').get('2026-11-02'), undefined)
  })
}

test('an old backup takes nothing back: edits, a count and a deletion since then stay', async () => {
  const user = await world.newUser()
  const [a, b] = [await world.device(user), await world.device(user)]
  await write(a, 'put', made)
  const extra = randomUUID()
  await a.collection('logs').put(extra, { category: 'chat', content: 'goes', metadata: {} })
  await settle(a, b)
  const backup = await a.exportData()
  await write(b, 'patch', edits)
  await b.collection('progress').increment('self', 'totalCompletions')
  await b.collection('logs').remove(extra)
  await b.collection('embeddings').remove(embeddingId)
  await settle(a, b)
  const fresh = await world.device(user)
  for (const device of [a, b, fresh]) await device.importData(backup)
  await settle(a, b, fresh)
  await assertFresh(user, a, b, fresh)
  assert.equal(total(a), 8)
  assert.equal(a.collection('logs').get(logId)?.content, 'edited')
  assert.equal(a.collection('logs').get(extra), undefined)
  assert.equal(a.collection('embeddings').size, 0)
})

test('what the server refused is in it, and in rejected() where it is imported', async () => {
  const user = await world.newUser()
  const [a, b] = [await world.device(user), await world.device(user)]
  await a.collection('health').put('2026-11-01', { steps: 3_000_000_000 })
  await a.collection('health').put('2026-11-02', { steps: 3 })
  await a.sync()
  assert.equal(a.rejected().length, 1)
  const backup = await a.exportData()
  const [{ state, code, key, message }] = /** @type {any[]} */ (backup.pending)
  assert.deepEqual([state, code, key], ['rejected', a.rejected()[0].code, '2026-11-01'])
  assert.ok(message)
  assert.deepEqual(await b.importData(backup), { written: 2, skipped: 0 })
  await b.sync()
  assert.deepEqual(
    b.rejected().map((each) => [each.key, each.code]),
    [['2026-11-01', code]],
  )
  assert.equal((await b.importData(backup)).written, 0)
  assert.equal((await a.importData(backup)).written, 0)
})

test('a log that the drop-in functions write again after an import is the same row', async () => {
  const user = await world.newUser()
  const device = await world.device(user)
  const message = { id: 'm1', sessionId: 's', content: 'hello', role: 'user' }
  bindSync(/** @type {any} */ (device))
  assert.deepEqual(await syncChatMessage(message), { success: true })
  const backup = await device.exportData()
  const again = await world.device(user)
  await again.importData(backup)
  bindSync(/** @type {any} */ (again))
  await syncChatMessage({ ...message, content: 'hello again' })
  await settle(device, again)
  await settle(device, again)
  assert.equal(again.collection('logs').size, 1)
  assert.equal(again.collection('logs').list()[0].content, 'hello again')
  await assertFresh(user, device, again)
})

test('2,500 rows go up from a backup, through a cut connection, once', async () => {
  const user = await world.newUser()
  const [a, b] = [await world.device(user), await world.device(user)]
  await a.batch(() => {
    for (let i = 0; i < 2500; i++) {
      a.collection('logs').put(randomUUID(), { category: 'chat', content: `${i}`, metadata: {} })
    }
  })
  const stream = a.exportStream()
  await a.sync()
  assert.deepEqual(await b.importData(stream), { written: 2500, skipped: 0 })
  world.proxy.next('/rpc/sync', { dropResponse: true })
  await assert.rejects(b.sync(), { code: 'offline' })
  const report = await b.sync()
  assert.equal(report.pushed, 0, 'the server has them all')
  assert.equal(b.collection('logs').size, 2500)
  await assertFresh(user, a, b)
})
