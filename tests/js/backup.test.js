// Export and import on one device, without a server: what is in a backup and what is not, how it is streamed,
// and that one which is not whole, not ours or not of this user changes nothing.

import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { stateOf } from '../../js/client.js'
import { SyncError } from '../../js/error.js'
import { rememberedPin } from '../../js/session/pin.js'
import { openItems } from '../../js/storage/items.js'
import { made, write } from '../support/odd-rows.js'
import { anna, ben, engines, newDatabase, openClient, signedIn } from '../support/open-client.js'
import { storedFiles } from '../support/stored-files.js'
import { allRows } from '../support/world.js'

/** @type {any[]} */
let clients = []
afterEach(async () => {
  for (const client of clients) await client.close()
  clients = []
})

const one = '00000000-0000-4000-8000-000000000001'
const log = { category: 'journal', content: 'slept well', metadata: { mood: 'calm' } }

/** @param {ReadableStream<Uint8Array>} stream */
async function piecesOf(stream) {
  const pieces = []
  for await (const piece of /** @type {any} */ (stream)) pieces.push(piece)
  return pieces
}

/** @param {Uint8Array} bytes @param {number} size */
function inPieces(bytes, size) {
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close()
      controller.enqueue(bytes.subarray(at, at + size))
      at += size
    },
  })
}

/** @param {object} backup @param {object} changes */
const changed = (backup, changes) => structuredClone({ ...backup, ...changes })

for (const { name: engine, createModule } of engines.slice(1)) {
  /** @param {object} [options] */
  const open = async (options) => {
    const client = await openClient(options, createModule)
    clients.push(client)
    return client
  }

  test(`${engine}: what went out comes in, in every form, and a second time nothing`, async () => {
    const from = await open()
    await write(from, 'put', made)
    const backup = await from.exportData()
    assert.deepEqual(
      [backup.format, backup.userId, Object.keys(backup.collections).length],
      ['somatic-sync/1', anna, 9],
    )
    const bytes = Buffer.concat(await piecesOf(from.exportStream()))
    const streamed = JSON.parse(bytes.toString())
    assert.deepEqual({ ...streamed, exportedAt: '' }, { ...backup, exportedAt: '' })
    const count = Object.values(allRows(from)).flat().length
    for (const form of [backup, streamed, new Blob([bytes]), inPieces(bytes, 7)]) {
      const into = await open()
      assert.deepEqual(await into.importData(form), { written: count, skipped: 0 })
      assert.deepEqual(allRows(into), allRows(from))
      assert.deepEqual(await into.importData(backup), { written: 0, skipped: count })
      assert.deepEqual(await from.importData(await into.exportData()), {
        written: 0,
        skipped: count,
      })
    }
    assert.deepEqual(await from.importData(backup), { written: 0, skipped: count })
  })

  test(`${engine}: rows read as the app reads them, with their clocks`, async () => {
    const client = await open({ now: () => Date.parse('2026-11-22T10:00:00Z') })
    await client.collection('logs').put(one, log)
    await client.collection('progress').increment('self', 'totalCompletions', 3)
    const { collections, pending, exportedAt } = await client.exportData()
    const [{ $sync, ...row }] = collections.logs
    assert.equal(exportedAt, '2026-11-22T10:00:00.000Z')
    assert.deepEqual(row, client.collection('logs').get(one))
    assert.equal($sync.id, one)
    assert.match($sync.clocks.content, /^1795341600000-0000-[0-9a-f]{8}$/)
    const [progress] = collections.progress
    assert.deepEqual(
      [progress.totalCompletions, progress.$sync.counted],
      [3, { totalCompletions: null }],
    )
    const count = pending.find((/** @type {any} */ item) => item.collection === 'progress')
    assert.deepEqual([count.fields, count.counts.totalCompletions.add], [['totalCompletions'], 3])
    const { id, ...plain } = pending.find((/** @type {any} */ item) => item.collection === 'logs')
    assert.equal(id, undefined, 'what counts nothing needs no name')
    assert.deepEqual(plain, {
      ...{ collection: 'logs', key: one, state: 'unsent' },
      fields: ['category', 'content', 'createdAt', 'metadata'],
    })
  })

  test(`${engine}: neither session, nor PIN, nor theme are in it`, async () => {
    const database = newDatabase()
    const client = await open({ database })
    await rememberedPin(openItems(database)).remember('135790')
    await client
      .collection('auth')
      .put('self', { session: { token: 'secret-of-auth' }, email: 'a@b.c' })
    await client.collection('theme').put('self', { theme: 'dark-side' })
    await client.collection('logs').put(one, log)
    const text = JSON.stringify(await client.exportData())
    assert.match(text, /slept well/)
    for (const secret of [
      'secret-of-auth',
      'a@b.c',
      'dark-side',
      '135790',
      'pin',
      `token of ${anna}`,
    ]) {
      assert.ok(!text.includes(secret), secret)
    }
    const backup = await client.exportData()
    const session = [{ session: { token: 'planted' }, $sync: { id: one, clocks: {} } }]
    const planted = { ...backup, collections: { ...backup.collections, auth: session } }
    await assert.rejects(client.importData(planted), { code: 'invalid-value', message: /"auth"/ })
    assert.deepEqual(client.collection('auth').get('self').session, { token: 'secret-of-auth' })
  })

  test(`${engine}: cut off anywhere, it is refused whole`, async () => {
    const from = await open()
    await write(from, 'put', made)
    const bytes = Buffer.concat(await piecesOf(from.exportStream()))
    const into = await open()
    const end = bytes.lastIndexOf('}')
    const cuts = [0, 1, 20, 200, end, end - 1, end - 2, bytes.indexOf('ä') + 1]
    for (let part = 1; part < 20; part++) cuts.push(Math.floor((end * part) / 20))
    for (const cut of cuts) {
      const part = bytes.subarray(0, cut)
      for (const form of [new Blob([part]), inPieces(part, 1000)]) {
        await assert.rejects(into.importData(form), {
          code: 'invalid-value',
          message: /nothing was imported/,
        })
      }
    }
    const broken = new ReadableStream({
      start(controller) {
        controller.enqueue(bytes.subarray(0, 1000))
        controller.error(new Error('the cable was pulled'))
      },
    })
    await assert.rejects(into.importData(broken), { code: 'invalid-value', message: /cable/ })
    assert.equal(Object.values(allRows(into)).flat().length, 0)
    assert.equal(into.status().pending, 0)
    assert.ok((await into.importData(new Blob([bytes]))).written > 0)
  })

  test(`${engine}: foreign, newer, another user’s or damaged: refused whole, saying what to do`, async () => {
    const from = await open()
    await write(from, 'put', made)
    const backup = await from.exportData()
    /** @param {string} collection @param {(row: any) => object} change of its last row */
    const withRow = (collection, change) => {
      const copy = structuredClone(backup)
      const rows = copy.collections[collection]
      rows[rows.length - 1] = change(rows.at(-1))
      return copy
    }
    /** @param {object} sync */
    const withSync = (sync) =>
      withRow('health', (row) => ({ ...row, $sync: { ...row.$sync, ...sync } }))
    let deep = /** @type {any} */ (1)
    for (let i = 0; i < 1200; i++) deep = [deep]
    /** @type {[string, any, RegExp][]} */
    const bad = [
      ['nothing', undefined, /no object/],
      ['a text', JSON.stringify(backup), /no object/],
      ['an empty object', {}, /no backup of somatic-sync/],
      ['a list', [backup], /no backup of somatic-sync/],
      ['foreign', { version: 1, stores: {} }, /no backup of somatic-sync/],
      ['newer', changed(backup, { format: 'somatic-sync/2' }), /newer version .* update the app/],
      ['of Ben', changed(backup, { userId: ben }), /another user .* sign in/],
      ['of nobody', changed(backup, { userId: null }), /another user/],
      ['no date', changed(backup, { exportedAt: 'once' }), /exportedAt/],
      ['no collections', changed(backup, { collections: [] }), /collections/],
      ['no rows', changed(backup, { collections: { logs: {} } }), /logs is no list/],
      [
        'an unknown collection',
        changed(backup, { collections: { dreams: [] } }),
        /"dreams": update/,
      ],
      [
        'a prototype',
        changed(backup, { collections: { constructor: [] } }),
        /"constructor": update/,
      ],
      ['no pending', changed(backup, { pending: null }), /pending/],
      ['no overwritten', changed(backup, { overwritten: {} }), /overwritten/],
      ['an odd text', changed(backup, { overwritten: [{ id: 1 }] }), /overwritten\[0\]/],
      ['odd pending', changed(backup, { pending: [{ collection: 'logs' }] }), /pending\[0\]/],
      [
        'an odd count',
        changed(backup, {
          pending: [
            { collection: 'progress', key: 'self', counts: { totalCompletions: { add: 'x' } } },
          ],
        }),
        /no count/,
      ],
      ['a row without sync', withRow('health', ({ $sync, ...row }) => row), /health\[1\]/],
      ['a row without key', withRow('health', ({ date, ...row }) => row), /no key "date"/],
      ['a row twice', withRow('health', (row) => ({ ...row, date: '2026-11-01' })), /a second row/],
      [
        'an unknown field',
        withRow('health', (row) => ({ ...row, pulse: 1 })),
        /"health.pulse": update/,
      ],
      ['no vector', withRow('embeddings', (row) => ({ ...row, embedding: ['x'] })), /no vector/],
      ['no id', withSync({ id: 'x' }), /no UUID/],
      ['no clocks', withSync({ clocks: { '*': 'now' } }), /clocks/],
      ['half a letter', withRow('logs', (row) => ({ ...row, content: '\ud83d' })), /damaged/],
      ['NUL', withRow('logs', (row) => ({ ...row, metadata: { a: ['\0'] } })), /damaged/],
      ['depth', withRow('logs', (row) => ({ ...row, metadata: deep })), /deeper/],
    ]
    const into = await open()
    for (const [name, value, message] of bad) {
      await assert.rejects(into.importData(value), { code: 'invalid-value', message }, name)
      if (typeof value !== 'object') continue
      const blob = new Blob([JSON.stringify(value)])
      await assert.rejects(into.importData(blob), { code: 'invalid-value', message }, name)
    }
    const circle = /** @type {any} */ (changed(backup, {}))
    circle.pending.push(circle)
    await assert.rejects(into.importData(circle), { code: 'invalid-value' })
    assert.equal(Object.values(allRows(into)).flat().length, 0)
    assert.equal(into.status().pending, 0)
  })

  test(`${engine}: nobody signed in, or closed: neither export nor import`, async () => {
    const nobody = await open({ auth: async () => null })
    const client = await open()
    const backup = await client.exportData()
    await client.close()
    for (const [each, code] of [
      [nobody, 'signed-out'],
      [client, 'closed'],
    ]) {
      await assert.rejects(each.exportData(), { code })
      await assert.rejects(piecesOf(each.exportStream()), { code })
      await assert.rejects(each.importData(backup), { code })
    }
    const bens = await open({ auth: signedIn(ben) })
    await assert.rejects(bens.importData(backup), { code: 'invalid-value' })
  })

  test(`${engine}: 10,000 rows and vectors on the disk, streamed; imported in a few commits`, async (t) => {
    const database = newDatabase()
    let from = await open({ database, foldAfter: 4 })
    const rows = 10_000
    const vectors = 1500
    const id = (/** @type {number} */ i) =>
      `${String(i).padStart(8, '0')}-0000-4000-8000-000000000000`
    for (let at = 0; at < rows; at += 2000) {
      await from.batch(() => {
        for (let i = at; i < at + 2000; i++)
          from.collection('logs').put(id(i), { ...log, content: `day ${i}` })
        for (let i = at; i < at + 2000 && i < vectors; i++) {
          const embedding = Float32Array.from({ length: 384 }, (_, n) =>
            Math.fround(Math.sin(i + n)),
          )
          from.collection('embeddings').put(id(i), { content: `${i}`, metadata: {}, embedding })
        }
      })
    }
    const files = async () => [...(await storedFiles(`/${database}/${anna}`)).keys()]
    for (let i = 0; !(await files()).some((path) => path.startsWith('vectors/')); i++) {
      assert.ok(i < 200, 'the journal was folded')
      await from.collection('health').put('2026-11-01', { steps: i })
    }
    await from.close()
    from = await open({ database })
    const reader = from.exportStream().getReader()
    const parts = []
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      parts.push(piece.value)
    }
    const bytes = Buffer.concat(parts)
    // the first one tells what is unsent: here that is everything
    const largest = Math.max(...parts.slice(1).map(({ length }) => length))
    t.diagnostic(`${parts.length} pieces, the largest of ${largest} bytes, ${bytes.length} in all`)
    assert.ok(largest < bytes.length / 10, 'no piece of rows holds a tenth of it')
    const backup = JSON.parse(bytes.toString())
    assert.equal(backup.collections.embeddings.length, vectors)
    for (const { embedding, content } of backup.collections.embeddings) {
      assert.equal(Math.fround(embedding[7]), Math.fround(Math.sin(Number(content) + 7)))
    }
    const target = newDatabase()
    const into = await open({ database: target })
    const all = rows + vectors + 1
    assert.deepEqual(await into.importData(new Blob([bytes])), { written: all, skipped: 0 })
    const segments = [...(await storedFiles(`/${target}/${anna}`)).keys()].filter((path) =>
      path.startsWith('journal/'),
    )
    t.diagnostic(`${segments.length} commits`)
    assert.ok(segments.length < all / 100)
    assert.deepEqual(await into.importData(new Blob([bytes])), { written: 0, skipped: all })
    await into.loadVectors()
    await from.loadVectors()
    assert.deepEqual(allRows(into), allRows(from))
  })

  test(`${engine}: a full disk keeps nobody from leaving with the data`, async () => {
    const client = await open()
    await client.collection('logs').put(one, log)
    await client.collection('progress').increment('self', 'totalCompletions')
    const { core } = /** @type {any} */ (stateOf(client).parts)
    core.host.disk.commit = async () => {
      throw new SyncError('quota', 'the disk is full')
    }
    const { collections, pending } = await client.exportData()
    assert.equal(collections.logs.length, 1)
    const count = pending.find((/** @type {any} */ { counts }) => counts)
    assert.deepEqual([count.counts.totalCompletions.add, count.id], [1, undefined])
    const into = await open()
    assert.equal((await into.importData({ ...(await client.exportData()) })).written, 2)
    assert.equal(into.collection('progress').get('self').totalCompletions, 1)
  })

  test(`${engine}: a stream that nobody reads to its end holds nothing up`, async () => {
    const client = await open()
    await write(client, 'put', made)
    const reader = client.exportStream().getReader()
    await reader.read()
    await reader.cancel()
    client.exportStream()
    await client.collection('logs').put(one, log)
    const stream = client.exportStream().getReader()
    await stream.read()
    await client.close()
    await assert.rejects(
      async () => {
        for (let piece = await stream.read(); !piece.done; ) piece = await stream.read()
      },
      { code: 'closed' },
    )
  })
}
