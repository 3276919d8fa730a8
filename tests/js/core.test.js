// The border between the shim and the compiled core: what is written into its memory and copied out of it, when the disk
// is asked, and what happens when the core breaks down in between. On every engine and on both disks.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stateOf } from '../../js/client.js'
import { nextTask } from '../../js/next-task.js'
import { onEachSetting } from '../support/each-setting.js'
import { idOf as id } from '../support/ids.js'

const log = { category: 'journal', content: 'slept well' }

onEachSetting(({ newClient, isCompiled }) => {
  async function start() {
    const client = await newClient()
    const core = /** @type {any} */ (stateOf(client).parts.core)
    return { client, core, logs: client.collection('logs') }
  }

  /** Calls `before` each time that the object's method is called. */
  function spy(/** @type {any} */ object, /** @type {string} */ method, before = () => {}) {
    const original = object[method]
    object[method] = (/** @type {any[]} */ ...given) => {
      before()
      return original.apply(object, given)
    }
  }

  test('long and short events in turn, in letters of three bytes', async () => {
    const { logs } = await start()
    const texts = [10, 50_000, 3, 68_000, 300].map((length) => '字'.repeat(length))
    for (const [n, content] of texts.entries()) await logs.put(id(n), { ...log, content })
    assert.deepEqual(
      texts.map((_, n) => logs.get(id(n)).content),
      texts,
    )
  })

  test('events and segments when the memory of the core has grown', async () => {
    const { client, core, logs } = await start()
    const before = core.module.HEAPU8.length
    const content = 'Ä'.repeat(40_000)
    for (let n = 0; n < 300; n += 10) {
      await client.batch(() => {
        for (let i = n; i < n + 10; i++) logs.put(id(i), { ...log, content: `${content}${i}` })
      })
    }
    if (isCompiled) assert.ok(core.module.HEAPU8.length > before)
    for (const n of [0, 150, 299]) assert.equal(logs.get(id(n)).content, `${content}${n}`)
  })

  test('the disk has the segment before the core is asked what else there is', async () => {
    const { core, logs } = await start()
    await logs.put(id(0), log)
    await nextTask() // the core hears that this is durable
    /** @type {string[]} */
    const order = []
    spy(core.host.disk, 'commit', () => order.push('commit'))
    spy(core.engine, 'effects', () => order.push('effects'))
    await logs.put(id(1), log)
    assert.deepEqual(order.slice(0, 2), ['commit', 'effects'])
    assert.equal(order.lastIndexOf('commit'), 0)
  })

  test('an event longer than what is kept for events, and short ones after it', async () => {
    const { client, core, logs } = await start()
    const content = 'ß'.repeat(60_000)
    await client.batch(() => {
      for (let n = 0; n < 10; n++) logs.put(id(n), { ...log, content })
    })
    await logs.put(id(10), log)
    assert.equal(core.room.size, 16_384)
    assert.deepEqual([logs.get(id(9)).content, logs.get(id(10)).content], [content, log.content])
  })

  test('a core that breaks down after its commit began: one error, and nobody left waiting', async () => {
    const { client, core, logs } = await start()
    await logs.put(id(1), log)
    core.engine.effects = () => {
      throw new WebAssembly.RuntimeError('unreachable')
    }
    core.host.disk.commit = () => Promise.reject(new Error('the disk fails, too'))
    await assert.rejects(logs.put(id(2), log), {
      code: 'invariant',
      message: /unreachable.*look whether/,
    })
    assert.equal(client.status().state, 'error')
  })

  test('a commit that began before the core broke down: the others hear of it, and close() waits', async () => {
    const { client, core, logs } = await start()
    await logs.put(id(1), log)
    await nextTask()
    let told = 0
    spy(core.host, 'onCommitted', () => told++)
    core.engine.effects = () => {
      throw new WebAssembly.RuntimeError('unreachable')
    }
    /** @type {(seq: number) => void} */
    let stored = () => {}
    core.host.disk.commit = () =>
      new Promise((resolve) => {
        stored = resolve
      })
    await assert.rejects(logs.put(id(2), log), { code: 'invariant' })
    let isClosed = false
    const closing = client.close().then(() => {
      isClosed = true
    })
    await nextTask()
    assert.deepEqual([isClosed, told], [false, 0])
    stored(99)
    await closing
    assert.equal(told, 1)
  })

  test('after a break-down the status tells what was unsent, though nobody had asked', async () => {
    const { client, core, logs } = await start()
    await logs.put(id(1), log)
    await new Promise((resolve) => setTimeout(resolve, 1100))
    core.break(new Error('for a test'))
    const { state, pending } = client.status()
    assert.deepEqual([state, pending], ['error', 1])
  })

  test('the core is asked for its status when somebody wants it, and not for each write', async () => {
    const { client, core, logs } = await start()
    stateOf(client).status.lookSoon = () => {} // once a second, also for nobody
    let asked = 0
    spy(core.engine, 'query', () => asked++)
    for (let n = 0; n < 5; n++) await logs.put(id(n), log)
    assert.equal(asked, 0)
    assert.equal(client.status().pending, 5)
    /** @type {number[]} */
    const heard = []
    const stop = client.subscribe((/** @type {any} */ { pending }) => heard.push(pending))
    await logs.put(id(5), log)
    stop()
    assert.deepEqual(heard, [6])
  })
})
