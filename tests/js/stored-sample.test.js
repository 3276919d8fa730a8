// A database as the first version of the storage format left it (tests/golden/database-1.json: a snapshot, segments
// after it, work in every state) opens in every later build. A format that cannot read it needs an upgrade path.

import 'fake-indexeddb/auto'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { pathsOf } from '../../js/storage/paths.js'
import { begin, putFile, upgrade, version } from '../../js/storage/records.js'
import { engines, openClient, until } from '../support/open-client.js'
import { storedFiles } from '../support/stored-files.js'

const sample = JSON.parse(
  readFileSync(new URL('../golden/database-1.json', import.meta.url), 'utf8'),
)

const fail = (/** @type {unknown} */ error) => assert.fail(String(error))

/** Puts the sample where a client will look for it. */
async function store() {
  const paths = pathsOf(sample.name)
  const request = indexedDB.open(sample.name, version)
  const db = await new Promise((resolve, reject) => {
    request.onupgradeneeded = () => {
      upgrade(request.result, /** @type {IDBTransaction} */ (request.transaction), paths)
    }
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
  const transaction = db.transaction('FILE_DATA', 'readwrite')
  const files = transaction.objectStore('FILE_DATA')
  files.clear()
  begin(files, paths)
  for (const [path, contents] of Object.entries(sample.files)) {
    const bytes = contents === null ? null : Uint8Array.from(Buffer.from(contents, 'base64'))
    if (bytes) putFile(files, fail, path, bytes)
  }
  await new Promise((resolve) => {
    transaction.oncomplete = resolve
  })
  db.close()
}

/** The pieces of snapshots, in order. @param {string} name @returns {Promise<Uint8Array[]>} */
async function piecesOf(name) {
  const files = await storedFiles(name)
  const paths = [...files.keys()].filter((path) => path.startsWith('snapshot/'))
  return paths.map((path) => files.get(path).contents)
}

/** @param {Uint8Array[]} files */
const formats = (files) => files.map((bytes) => bytes[4])

for (const { name, createModule } of engines.slice(1)) {
  test(`${name}: the sample of version 1 opens with everything in it`, async () => {
    await store()
    /** @type {unknown[]} */
    const errors = []
    const onError = (/** @type {unknown} */ error) => errors.push(error)
    const client = await openClient({ database: 'sample', onError }, createModule)
    for (const [collection, rows] of Object.entries(sample.shown)) {
      assert.deepEqual(client.collection(collection).list(), rows, collection)
    }
    const { pending, rejected } = client.status()
    assert.deepEqual({ pending, rejected }, sample.status)
    /** @type {any[]} */
    const refusals = client.rejected()
    assert.deepEqual(
      refusals.map(({ collection, key, code }) => ({ collection, key, code })),
      sample.refusals,
    )
    await client.collection('theme').put('self', { theme: 'light' })
    assert.deepEqual(errors, [])
    await client.close()
  })

  test(`${name}: the next snapshot brings it to this version, and nothing changes`, async () => {
    await store()
    const upgrading = await openClient({ database: 'sample', foldAfter: 1 }, createModule)
    await upgrading.collection('theme').put('self', { theme: 'light' })
    await until(async () => formats(await piecesOf(sample.name)).at(-1) === 2)
    await upgrading.close()
    const client = await openClient({ database: 'sample' }, createModule)
    for (const [collection, rows] of Object.entries(sample.shown)) {
      if (collection === 'theme') continue
      assert.deepEqual(client.collection(collection).list(), rows, collection)
    }
    const { pending, rejected, lastError } = client.status()
    assert.deepEqual({ pending, rejected, lastError }, { ...sample.status, lastError: null })
    await client.close()
  })
}
