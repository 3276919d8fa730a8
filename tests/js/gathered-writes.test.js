// Writes that nobody listens to are one event for the core: nothing but the count of events may tell. On every engine
// and on both disks.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stateOf } from '../../js/client.js'
import { onEachSetting } from '../support/each-setting.js'
import { idOf as id } from '../support/ids.js'

const log = { category: 'journal', content: 'slept well' }
const count = 100

onEachSetting(({ newClient }) => {
  /** A client, its logs, and the types of the events its core is given from here on, but for what storage says. */
  async function start() {
    const client = await newClient()
    /** @type {string[]} */
    const events = []
    const { room } = /** @type {any} */ (stateOf(client).parts.core)
    const { write } = room
    room.write = (/** @type {string} */ json) => {
      const { type } = JSON.parse(json)
      if (type !== 'flushed') events.push(type)
      return write.call(room, json)
    }
    return { client, logs: client.collection('logs'), events }
  }

  /** @param {any} logs */
  const burst = (logs, first = 0) =>
    Array.from({ length: count }, (_, n) => logs.put(id(first + n), log))

  test('one event for all of them, each settled', async () => {
    const { logs, events } = await start()
    const writes = burst(logs)
    assert.deepEqual(events, [], 'the code that writes runs first')
    await Promise.all(writes)
    assert.deepEqual(events, ['writes'])
    assert.equal(logs.size, count)
  })

  for (const [what, look, expected] of /** @type {[string, (client: any) => any, any][]} */ ([
    ['get', (client) => client.collection('logs').get(id(0))?.content, 'slept well'],
    ['list', (client) => client.collection('logs').list().length, count + 1],
    ['keys', (client) => client.collection('logs').keys().length, count + 1],
    ['size', (client) => client.collection('logs').size, count + 1],
    ['status', (client) => client.status().pending, count + 1],
  ])) {
    test(`${what} sees them at once, also where it was asked before`, async () => {
      const { client, logs } = await start()
      await logs.put(id(count), log)
      look(client)
      const writes = burst(logs)
      assert.deepEqual(look(client), expected)
      await Promise.all(writes)
      assert.deepEqual(look(client), expected)
    })
  }

  test('whoever listens is told before each write returns', async () => {
    const { logs, events } = await start()
    /** @type {string[]} */
    const told = []
    const early = logs.put(id(0), log)
    logs.subscribe((/** @type {string[]} */ keys) => told.push(...keys))
    const late = logs.put(id(1), log)
    assert.deepEqual(told, [id(0), id(1)], 'in the order of the writes')
    assert.deepEqual(events, ['writes', 'write'])
    await Promise.all([early, late])
  })

  test('a look tells nobody: listeners are called after it', async () => {
    const { logs } = await start()
    /** @type {string[]} */
    const told = []
    const done = logs.put(id(0), log)
    logs.subscribe((/** @type {string[]} */ keys) => told.push(...keys))
    assert.equal(logs.get(id(0)).content, 'slept well')
    assert.deepEqual(told, [])
    await done
    assert.deepEqual(told, [id(0)])
  })

  test('one that is refused is refused alone', async () => {
    const { logs } = await start()
    const writes = burst(logs)
    const refused = logs.put(id(count), { ...log, nothing: 1 })
    const more = burst(logs, count + 1)
    await assert.rejects(refused, { name: 'SyncError', code: 'unknown-field' })
    await Promise.all([...writes, ...more])
    assert.equal(logs.size, 2 * count)
  })

  test('nothing goes before what was written before it', async () => {
    const { client, logs, events } = await start()
    const writes = [
      ...burst(logs),
      client.batch(() => {
        logs.remove(id(0))
      }),
      logs.put(id(1), log),
    ]
    const sync = client.sync()
    assert.deepEqual(events, ['writes', 'syncNow'])
    await assert.rejects(sync)
    await Promise.all(writes)
    assert.equal(logs.size, count - 1)
  })

  test('closing lets them become durable', async () => {
    const { client, logs } = await start()
    const writes = burst(logs)
    await client.close()
    await Promise.all(writes)
  })

  test('very many do not wait for each other', async () => {
    const { logs, events } = await start()
    const text = 'a'.repeat(2_000)
    const writes = Array.from({ length: 300 }, (_, n) => logs.put(id(n), { ...log, content: text }))
    assert.deepEqual(events, ['writes', 'writes'])
    await Promise.all(writes)
    assert.equal(logs.size, 300)
  })
})
