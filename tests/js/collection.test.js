// What an app sees of collections: the conformance suite of the shim, run on every engine and on
// both disks.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onEachSetting } from '../support/each-setting.js'

const log = { category: 'journal', content: 'slept well' }
const one = '00000000-0000-4000-8000-000000000001'
const two = '00000000-0000-4000-8000-000000000002'

onEachSetting(({ newClient }) => {
  test('a write is seen at once and resolves later', async () => {
    const logs = (await newClient()).collection('logs')
    const done = logs.put(one, log)
    assert.equal(logs.get(one).content, 'slept well')
    assert.equal(logs.get(one).id, one, 'the key is in what is read')
    assert.equal(logs.get(one).metadata, null, 'never set reads as null')
    assert.equal(await done, undefined)
    assert.deepEqual([logs.size, logs.keys()], [1, [one]])
  })

  test('put leaves out undefined, patch sets and clears, remove removes', async () => {
    const logs = (await newClient()).collection('logs')
    await logs.put(one, { ...log, metadata: { mood: 'calm' }, createdAt: undefined })
    await logs.patch(one, { content: 'slept', metadata: undefined })
    assert.equal(logs.get(one).content, 'slept')
    assert.deepEqual(logs.get(one).metadata, { mood: 'calm' })
    await logs.patch(one, { metadata: null })
    assert.equal(logs.get(one).metadata, null)
    await logs.remove(one)
    assert.deepEqual([logs.get(one), logs.size, logs.keys(), logs.list()], [undefined, 0, [], []])
  })

  test('increment adds, and sets fields at the same moment', async () => {
    const progress = (await newClient()).collection('progress')
    const days = [['2026-11-22', '2026-11-22']]
    await progress.increment('self', 'totalCompletions')
    await progress.increment('self', 'totalCompletions', 2, { completedDays: days })
    assert.equal(progress.get('self').totalCompletions, 3)
    assert.deepEqual(progress.get('self').completedDays, days)
  })

  test('own keys named __proto__ survive', async () => {
    const logs = (await newClient()).collection('logs')
    const metadata = JSON.parse('{"__proto__":{"x":1},"constructor":2}')
    await logs.put(one, { ...log, metadata })
    assert.equal(JSON.stringify(logs.get(one).metadata), JSON.stringify(metadata))
    assert.equal(/** @type {any} */ ({}).x, undefined)
  })

  test('get and list give the same frozen objects while nothing changed', async () => {
    const client = await newClient()
    const logs = client.collection('logs')
    await logs.put(one, { ...log, metadata: { deep: [{ er: 1 }] } })
    await logs.put(two, log)
    const row = logs.get(one)
    const list = logs.list({ where: { category: 'journal' } })
    assert.equal(logs.get(one), row)
    assert.equal(logs.list({ where: { category: 'journal' } }), list)
    assert.equal(list[0], row)
    assert.equal(client.collection('logs'), logs)
    for (const part of [list, row, row.metadata, row.metadata.deep, row.metadata.deep[0]]) {
      assert.ok(Object.isFrozen(part))
    }
    await client.collection('theme').put('self', { theme: 'dark' })
    assert.equal(logs.list({ where: { category: 'journal' } }), list)

    await logs.patch(one, { content: 'else' })
    assert.notEqual(logs.get(one), row)
    assert.equal(row.content, 'slept well', 'what the app holds never changes')
    const next = logs.list({ where: { category: 'journal' } })
    assert.notEqual(next, list)
    assert.equal(next[1], list[1], 'rows that did not change stay the same objects')
  })

  test('a change that does not touch a list leaves it the same array', async () => {
    const logs = (await newClient()).collection('logs')
    await logs.put(one, log)
    const journal = logs.list({ where: { category: 'journal' } })
    await logs.put(two, { category: 'chat', content: 'hello' })
    assert.equal(logs.list({ where: { category: 'journal' } }), journal)
    assert.equal(logs.list().length, 2)
  })

  test('list filters, orders and limits', async () => {
    const logs = (await newClient()).collection('logs')
    await logs.put(one, { ...log, metadata: { sessionId: 'a' } })
    await logs.put(two, { ...log, metadata: { sessionId: 'b' } })
    const ids = (/** @type {object} */ options) =>
      logs.list(options).map((/** @type {any} */ row) => row.id)
    assert.deepEqual(ids({}), [one, two])
    assert.deepEqual(ids({ desc: true, limit: 1 }), [two])
    assert.deepEqual(ids({ where: { 'metadata.sessionId': 'b' } }), [two])
    assert.deepEqual(ids({ where: { category: 'chat' } }), [])
    for (const [options, code] of [
      [{ where: { nothing: 1 } }, 'unknown-field'],
      [{ orderBy: 'nothing' }, 'unknown-field'],
      [{ limit: -1 }, 'invalid-value'],
      [{ limits: 1 }, 'invalid-value'],
      [{ where: { category: new Date() } }, 'invalid-value'],
    ]) {
      assert.throws(() => logs.list(options), { name: 'SyncError', code }, JSON.stringify(options))
    }
  })

  test('keys() is the caller’s own array', async () => {
    const logs = (await newClient()).collection('logs')
    await logs.put(one, log)
    logs.keys().push('x')
    assert.deepEqual(logs.keys(), [one])
  })

  test('a refused write rejects, throws nothing, and leaves the store as it was', async () => {
    const client = await newClient()
    const logs = client.collection('logs')
    const achievements = client.collection('achievements')
    await logs.put(one, log)
    const row = logs.get(one)
    const before = client.status().pending
    /** @type {[() => Promise<void>, string][]} */
    const refused = [
      [() => logs.put(one, { ...log, metadata: { at: new Date() } }), 'invalid-value'],
      [() => logs.put(one, null), 'invalid-value'],
      [() => logs.put(one), 'invalid-value'],
      [() => logs.put('', log), 'invalid-value'],
      [() => logs.put(3, log), 'invalid-value'],
      [() => logs.patch(one, { content: 'x'.repeat(1_000_001) }), 'too-large'],
      [() => logs.patch(one, { colour: 'red' }), 'unknown-field'],
      [() => logs.increment(one, 'colour'), 'unknown-field'],
      [() => logs.increment(one, 'toString'), 'unknown-field'],
      [() => achievements.put('first-day', { progress: 1.5 }), 'invalid-value'],
      [() => achievements.increment('first-day', 'progress', Number.NaN), 'invalid-value'],
    ]
    for (const [write, code] of refused) {
      await assert.rejects(write(), { name: 'SyncError', code, retryable: false }, String(write))
    }
    assert.equal(logs.get(one), row)
    assert.deepEqual([logs.size, achievements.size, client.status().pending], [1, 0, before])
  })

  test('an unknown collection is refused at once, naming the known ones', async () => {
    const client = await newClient()
    assert.throws(() => client.collection('log'), {
      name: 'SyncError',
      code: 'unknown-collection',
      message: /"log".*progress, achievements, path, logs/,
    })
    assert.throws(() => client.collection('toString'), { code: 'unknown-collection' })
  })

  test('subscribers are told after the change, once per write', async () => {
    const logs = (await newClient()).collection('logs')
    /** @type {unknown[]} */
    const heard = []
    const stop = logs.subscribe((/** @type {string[]} */ keys) =>
      heard.push([keys, logs.get(one)?.content]),
    )
    const done = logs.put(one, log)
    await done
    assert.deepEqual(heard, [[[one], 'slept well']])
    stop()
    await logs.remove(one)
    assert.equal(heard.length, 1)
  })

  test('a listener that throws is reported and stops nobody', async () => {
    /** @type {any[]} */
    const failures = []
    const client = await newClient({
      onError: (/** @type {any} */ error) => failures.push(error),
    })
    const logs = client.collection('logs')
    let calls = 0
    logs.subscribe(() => {
      throw new Error('mine')
    })
    logs.subscribe(() => {
      calls += 1
    })
    await logs.put(one, log)
    assert.equal(calls, 1)
    assert.deepEqual(failures, [
      { code: 'invariant', message: 'a listener threw: mine', retryable: false },
    ])
  })

  test('a listener that writes sees its write at once', async () => {
    const client = await newClient()
    const logs = client.collection('logs')
    const theme = client.collection('theme')
    /** @type {unknown[]} */
    const heard = []
    theme.subscribe(() => heard.push(theme.get('self').theme))
    logs.subscribe(() => {
      theme.put('self', { theme: 'dark' })
      heard.push(`within: ${theme.get('self').theme}`)
    })
    await logs.put(one, log)
    assert.deepEqual(heard, ['within: dark', 'dark'])
  })

  test('a batch is one write: seen together, durable together', async () => {
    const client = await newClient()
    const logs = client.collection('logs')
    const theme = client.collection('theme')
    /** @type {string[]} */
    const order = []
    const done = client.batch(() => {
      logs.put(one, log).then(() => order.push('one'))
      client.batch(() => {
        logs.put(two, log).then(() => order.push('two'))
      })
      theme.put('self', { theme: 'dark' })
      assert.equal(logs.size, 0, 'reads inside see what was before')
    })
    assert.deepEqual([logs.size, theme.get('self').theme], [2, 'dark'])
    await done
    await null
    assert.deepEqual(order.sort(), ['one', 'two'])
    assert.equal(await client.batch(() => {}), undefined)
  })

  test('a throw, a refused write or an async function gives the whole batch up', async () => {
    const client = await newClient()
    const logs = client.collection('logs')
    const mine = new Error('mine')
    /** @type {Promise<void>[]} */
    const inside = []
    const thrown = client.batch(() => {
      inside.push(logs.put(one, log))
      throw mine
    })
    await assert.rejects(thrown, mine)
    await assert.rejects(inside[0], { code: 'aborted', cause: mine })
    const refused = client.batch(() => {
      inside.push(logs.put(one, log))
      inside.push(logs.put(two, { ...log, metadata: new Map() }))
    })
    await assert.rejects(refused, { code: 'invalid-value', message: /metadata is a Map/ })
    await assert.rejects(inside[1], { code: 'invalid-value' })
    await assert.rejects(inside[2], { code: 'invalid-value' })
    const later = client.batch(async () => {
      inside.push(logs.put(one, log))
      throw mine
    })
    await assert.rejects(later, { code: 'invalid-value', message: /synchronous/ })
    const nested = client.batch(() => {
      logs.put(one, log)
      client.batch(() => {
        throw mine
      })
    })
    await assert.rejects(nested, mine)
    const byCore = client.batch(() => {
      logs.put(one, log)
      logs.put(two, { ...log, colour: 'red' })
    })
    await assert.rejects(byCore, { code: 'unknown-field' })
    assert.deepEqual([logs.size, client.status().pending], [0, 0])
    await logs.put(one, log)
    assert.equal(logs.size, 1, 'the next write is on its own')
  })

  test('typed arrays go into vectors, and only there', async () => {
    const embeddings = (await newClient()).collection('embeddings')
    const embedding = new Float32Array(385).fill(0.5).subarray(1)
    await embeddings.put(one, { content: 'text', metadata: {}, embedding })
    assert.deepEqual([...embeddings.get(one).embedding], [...embedding])
    await assert.rejects(embeddings.patch(one, { metadata: { embedding } }), {
      code: 'invalid-value',
    })
  })

  test('after close everything reads empty and is refused', async () => {
    const client = await newClient()
    const logs = client.collection('logs')
    await logs.put(one, log)
    /** @type {string[]} */
    const states = []
    client.subscribe((/** @type {any} */ status) => states.push(status.state))
    const last = logs.put(two, log)
    await client.close()
    assert.equal(await last, undefined, 'a write before close() still becomes durable')
    assert.equal(states.at(-1), 'closed')
    assert.deepEqual([logs.get(one), logs.list(), logs.keys(), logs.size], [undefined, [], [], 0])
    for (const call of [
      () => logs.put(one, log),
      () => client.batch(() => logs.put(one, log)),
      () => client.sync(),
      () => client.whenSynced(),
      () => client.retryRejected('x'),
    ]) {
      await assert.rejects(call(), { code: 'closed' }, String(call))
    }
    assert.equal(client.status().state, 'closed')
    assert.equal(await client.close(), undefined)
  })
})
