// Vectors on their way through the disk: in files that IDBFS never loads, installed with a snapshot, written
// anew when most are stale, read on demand. Then builds that know different formats, open side by side.

import 'fake-indexeddb/auto'
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { afterEach, test } from 'node:test'
import { IndexedDbDisk } from '../../js/storage/disk.js'
import { agreeableServer, requestIn } from '../support/agreeable-server.js'
import { fakeFs } from '../support/fake-fs.js'
import { fakeLocks } from '../support/fake-locks.js'
import { anna, engines, newDatabase, openClient, signedIn, until } from '../support/open-client.js'
import { storedFiles } from '../support/stored-files.js'

const vector = (/** @type {number} */ seed) =>
  Array.from({ length: 384 }, (_, i) => Math.fround(Math.sin(seed * 7 + i)))
const row = (/** @type {number} */ seed) => ({
  content: `passage ${seed}`,
  metadata: { n: seed },
  embedding: vector(seed),
})

/** @type {PropertyDescriptor | undefined} */
const navigator = Object.getOwnPropertyDescriptor(globalThis, 'navigator')
/** @type {any[]} */
let clients = []
afterEach(async () => {
  for (const client of clients) await client.close()
  clients = []
  if (navigator) Object.defineProperty(globalThis, 'navigator', navigator)
  else Reflect.deleteProperty(globalThis, 'navigator')
})

/** Every file of Anna's database. @param {string} database */
const filesOf = (database) => storedFiles(`/${database}/${anna}`)

/** @param {Map<string, any>} files @param {string} folder */
const below = (files, folder) => [...files.keys()].filter((path) => path.startsWith(`${folder}/`))

/** How many vectors the files hold. @param {Map<string, any>} files */
function vectorsIn(files) {
  return below(files, 'vectors').reduce((sum, path) => {
    const { contents } = files.get(path)
    return sum + new DataView(contents.buffer, contents.byteOffset).getUint32(20, true)
  }, 0)
}

/** The numbers as floats. @param {any} row */
const floatsOf = ({ embedding }) => embedding.map(Math.fround)

test('a fold that is given up leaves no vector that counts, and the next one cleans up', async () => {
  const database = newDatabase()
  const disk = new IndexedDbDisk({ name: `/${database}/${anna}`, module: fakeFs() })
  await disk.load(() => true)
  await disk.commit(
    () => new Uint8Array(1),
    () => true,
  )
  const file = new Uint8Array(24)
  file[20] = 1
  /** @param {() => number} namedVectors */
  const source = (namedVectors) => {
    const [pieces, files] = [[new Uint8Array(1)], [file]]
    const nothing = new Uint8Array(0)
    return {
      ...{ to: 1, isWhole: true, rows: 1, namedVectors },
      nextPiece: () => pieces.pop() ?? nothing,
      nextVectors: () => files.pop() ?? nothing,
      vectorsStillNamed: (/** @type {Uint8Array} */ older) => older,
    }
  }
  await assert.rejects(disk.fold(source(() => assert.fail('killed'))), /killed/)
  const [orphan] = below(await filesOf(database), 'vectors')
  assert.ok(orphan)
  /** @type {Uint8Array[]} */
  const read = []
  await disk.readVectors((bytes) => void read.push(bytes))
  assert.equal(read.length, 0, 'no manifest names it')
  assert.equal(await disk.fold(source(() => 1)), true)
  const files = below(await filesOf(database), 'vectors')
  assert.equal(files.length, 1)
  assert.notEqual(files[0], orphan)
  await disk.readVectors((bytes) => void read.push(bytes))
  assert.deepEqual(read, [file])
  await disk.close()
})

for (const { name: engine, createModule } of engines.slice(1)) {
  /** @param {string} database @param {object} [options] */
  const openReal = async (database, options) => {
    const all = { database, auth: signedIn(anna), fetch: agreeableServer(), ...options }
    const client = await openClient(all, createModule)
    clients.push(client)
    return client
  }
  /** Writes until a snapshot was installed. @param {any} client @param {string} database */
  const fold = async (client, database) => {
    const before = String((await filesOf(database)).get('manifest')?.contents)
    let steps = 0
    await until(async () => {
      await client.collection('progress').put('self', { totalCompletions: ++steps })
      await client.sync()
      return String((await filesOf(database)).get('manifest')?.contents) !== before
    }, 10_000)
  }

  test(`${engine}: vectors are folded into files that IDBFS does not see`, async () => {
    const database = newDatabase()
    const client = await openReal(database, { foldAfter: 5 })
    const keys = Array.from({ length: 30 }, () => randomUUID()).sort()
    await client.batch(() => {
      for (const [i, key] of keys.entries()) client.collection('embeddings').put(key, row(i))
    })
    await client.sync()
    await fold(client, database)
    const files = await filesOf(database)
    assert.equal(vectorsIn(files), 30)
    for (const path of below(files, 'vectors')) assert.equal('timestamp' in files.get(path), false)
    const pieces = below(files, 'snapshot').map((path) => files.get(path).contents.length)
    const total = pieces.reduce((sum, size) => sum + size, 0)
    assert.ok(total < 30 * 1536, `the pieces hold no vector: ${total} bytes`)
    await client.close()

    const again = await openReal(database)
    const rows = again.collection('embeddings').list()
    assert.deepEqual(
      rows.map((/** @type {any} */ { id }) => id),
      keys,
    )
    for (const each of rows) assert.equal(each.embedding, undefined, 'not read at opening')
    assert.equal(again.status().lastError, null)
  })

  test(`${engine}: what is not sent yet is in memory after a restart, and goes up`, async () => {
    const database = newDatabase()
    const client = await openReal(database, { foldAfter: 2 })
    const [sent, unsent] = [randomUUID(), randomUUID()]
    await client.collection('embeddings').put(sent, row(1))
    await client.sync()
    const offline = await openReal(database, { foldAfter: 2, fetch: () => Promise.reject() })
    await offline.collection('embeddings').put(unsent, row(2))
    for (let i = 0; i < 9; i++) await offline.collection('theme').put('self', { theme: `${i}` })
    await until(async () => vectorsIn(await filesOf(database)) >= 2)
    await offline.close()
    await client.close()

    /** @type {any[]} */
    const pushed = []
    const server = agreeableServer()
    const fetch = async (/** @type {string} */ url, /** @type {any} */ init) => {
      pushed.push(...((await requestIn(init.body)).push ?? []))
      return server(url, init)
    }
    const again = await openReal(database, { fetch })
    assert.deepEqual(floatsOf(again.collection('embeddings').get(unsent)), vector(2))
    await again.sync()
    const mutation = pushed.find(({ id }) => id === unsent)
    assert.deepEqual(JSON.parse(mutation.set.embedding).map(Math.fround), vector(2))
  })

  test(`${engine}: stale vectors go when most are`, async () => {
    const database = newDatabase()
    const client = await openReal(database, { foldAfter: 3 })
    const keys = Array.from({ length: 10 }, () => randomUUID())
    for (let round = 0; round < 60; round++) {
      await client.batch(() => {
        for (const [i, key] of keys.entries()) {
          for (let n = 0; n < 4; n++)
            client.collection('embeddings').put(key, row(round * 99 + i + n))
        }
      })
      await client.sync()
      if (round % 6 === 5) await fold(client, database)
    }
    assert.ok(vectorsIn(await filesOf(database)) < 1100)
    await client.close()
    const again = await openReal(database)
    assert.equal(again.collection('embeddings').size, 10)
  })

  test(`${engine}: an older build and this one write side by side, until the older is gone`, async () => {
    const locks = fakeLocks().client()
    Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { locks } })
    const database = newDatabase()
    const older = await openReal(database, { knownFormat: 1, foldAfter: 4 })
    const newer = await openReal(database, { foldAfter: 4 })
    const [a, b] = [randomUUID(), randomUUID()]
    await newer.collection('embeddings').put(a, row(1))
    await older.collection('embeddings').put(b, row(2))
    for (let i = 0; i < 12; i++) await newer.collection('theme').put('self', { theme: `${i}` })
    await until(async () => below(await filesOf(database), 'snapshot').length > 0)
    await older.collection('theme').put('self', { theme: 'older' })
    assert.deepEqual(floatsOf(older.collection('embeddings').get(a)), vector(1))
    assert.deepEqual(floatsOf(newer.collection('embeddings').get(b)), vector(2))
    assert.equal(older.status().storage, 'durable')
    const files = await filesOf(database)
    assert.equal(vectorsIn(files), 0)
    await newer.close()
    await older.close()

    const alone = await openReal(database, { foldAfter: 4 })
    assert.equal(alone.collection('theme').get('self').theme, 'older')
    assert.equal(alone.collection('embeddings').size, 2)
    for (let i = 0; i < 9; i++) await alone.collection('theme').put('self', { theme: `${i}` })
    await until(async () => vectorsIn(await filesOf(database)) === 2)
    await alone.close()
    const late = await openReal(database, { knownFormat: 1 })
    assert.equal(late.status().storage, 'read-only')
    const code = 'reload-needed'
    await assert.rejects(late.collection('theme').put('self', { theme: 'late' }), { code })
  })

  test(`${engine}: an older build beside a database of this format reads on, and says so`, async () => {
    const database = newDatabase()
    const older = await openReal(database, { knownFormat: 1 })
    await older.collection('theme').put('self', { theme: 'dark' })
    // without Web Locks the two do not know of each other
    const newer = await openReal(database)
    await newer.collection('embeddings').put(randomUUID(), row(1))
    await newer.collection('theme').put('self', { theme: 'light' })
    const code = 'reload-needed'
    await assert.rejects(older.collection('theme').put('self', { theme: 'older' }), { code })
    assert.equal(older.status().storage, 'read-only')
    assert.equal(newer.collection('theme').get('self').theme, 'light')
  })
}
