// What sharedAuthStorage keeps: what supabase-js gave it, the newest session of several writers, and what
// older builds left in localStorage. No server here: refreshing is tests/js/auth-refresh.test.js.

import 'fake-indexeddb/auto'
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { sharedAuthStorage, sharedSession } from '../../js/auth-storage.js'
import { somaticSchema } from '../../js/somatic-schema.js'
import { openItems } from '../../js/storage/items.js'
import { useLocalStorage } from '../support/fake-local-storage.js'
import { newDatabase } from '../support/open-client.js'

const key = 'sb-project-auth-token'
/** @type {ReturnType<typeof useLocalStorage>} */
let local
/** @type {string} */
let database
/** @type {(() => void)[]} */
let undo = []
beforeEach(() => {
  local = useLocalStorage()
  database = newDatabase()
})
afterEach(() => {
  for (const step of undo) step()
  undo = []
  local.restore()
})

const start = 1_800_000_000
/** The n-th session of a user, an hour after the one before. @param {number} n @param {string} [user] */
function session(n, user = 'anna', more = {}) {
  return JSON.stringify({
    ...{ access_token: `access ${user} ${n}`, refresh_token: `token ${user} ${n}` },
    ...{ expires_in: 3600, expires_at: start + n * 3600, user: { id: user }, ...more },
  })
}
const open = () => sharedAuthStorage({ database })

test('items are kept as given, for all contexts, and after reopening', async () => {
  const [a, b] = [open(), open()]
  const values = ['{"any":"thing"}', '', 'no JSON', session(1), '"null"']
  for (const [i, value] of values.entries()) await a.setItem(`key ${i}`, value)
  for (const [i, value] of values.entries()) assert.equal(await b.getItem(`key ${i}`), value)
  assert.equal(await open().getItem('key 3'), session(1))
  assert.equal(await a.getItem('another'), null)
  await b.removeItem('key 3')
  await b.removeItem('never there')
  assert.equal(await a.getItem('key 3'), null)
})

test('what was removed leaves nothing readable of it', async () => {
  const a = open()
  await a.setItem(key, session(1))
  await a.setItem(`${key}-code-verifier`, '"verifier"')
  await a.removeItem(key)
  await a.removeItem(`${key}-code-verifier`)
  const items = openItems(database)
  assert.equal(await items.read(`${key}-code-verifier`), undefined)
  assert.doesNotMatch(JSON.stringify(await items.read(key)), /token|access|anna/)
})

/**
 * Which session is there after writes by several contexts, the last of them stale or not.
 * @type {{ name: string, writes: string[], want: string }[]}
 */
const written = [
  { name: 'the next', writes: [session(1), session(2)], want: session(2) },
  { name: 'not a replaced one', writes: [session(1), session(2), session(1)], want: session(2) },
  {
    name: 'not one replaced long ago',
    writes: [...Array.from({ length: 9 }, (_, i) => session(i)), session(1)],
    want: session(8),
  },
  {
    name: 'the same with another profile',
    writes: [session(1), session(1, 'anna', { user: { id: 'anna', email: 'new' } })],
    want: session(1, 'anna', { user: { id: 'anna', email: 'new' } }),
  },
  { name: 'another user’s', writes: [session(2), session(1, 'ben')], want: session(1, 'ben') },
  {
    name: 'of a user who came back',
    writes: [session(2), session(1, 'ben'), session(1)],
    want: session(1),
  },
]
for (const { name, writes, want } of written) {
  test(`the session that stays: ${name}`, async () => {
    for (const value of writes) await open().setItem(key, value)
    assert.equal(await open().getItem(key), want)
  })
}

/** @type {{ name: string, here?: string[], local: string, want: string | null }[]} */
const takeovers = [
  { name: 'taken when there is none here', local: session(1), want: session(1) },
  { name: 'a code verifier too', local: '"verifier"', want: '"verifier"' },
  { name: 'an old tab refreshed', here: [session(1)], local: session(2), want: session(2) },
  {
    name: 'an old tab is behind',
    here: [session(1), session(2)],
    local: session(1),
    want: session(2),
  },
  { name: 'the same, after a kill', here: [session(1)], local: session(1), want: session(1) },
  { name: 'older, not of the same line', here: [session(2)], local: session(1), want: session(2) },
  {
    name: 'another user signed in there later',
    here: [session(1)],
    local: session(2, 'ben'),
    want: session(2, 'ben'),
  },
  {
    name: 'another user had signed in there before',
    here: [session(2)],
    local: session(1, 'ben'),
    want: session(2),
  },
  { name: 'signed out here', here: [session(2), ''], local: session(2), want: null },
  { name: 'signed out here, older there', here: [session(2), ''], local: session(1), want: null },
  {
    name: 'signed in there afterwards',
    here: [session(2), ''],
    local: session(3),
    want: session(3),
  },
]
for (const { name, here = [], local: value, want } of takeovers) {
  test(`localStorage: ${name}`, async () => {
    for (const write of here) {
      if (write) await open().setItem(key, write)
      else await open().removeItem(key)
    }
    local.items.set(key, value)
    assert.equal(await open().getItem(key), want)
    assert.equal(local.items.has(key), false, 'no second copy lives')
    assert.equal(await open().getItem(key), want)
  })
}

test('localStorage: two tabs take over at once', async () => {
  local.items.set(key, session(1))
  const tabs = [open(), open(), open()]
  const seen = await Promise.all(tabs.map((tab) => tab.getItem(key)))
  assert.deepEqual(seen, [session(1), session(1), session(1)])
  assert.equal(local.items.size, 0)
})

test('localStorage: nothing is deleted there before it is safe here', async () => {
  local.items.set(key, session(1))
  const original = IDBObjectStore.prototype.put
  undo.push(() => {
    IDBObjectStore.prototype.put = original
  })
  IDBObjectStore.prototype.put = () => {
    throw new DOMException('made up', 'QuotaExceededError')
  }
  await assert.rejects(open().getItem(key), { code: 'quota' })
  assert.equal(local.items.get(key), session(1))
  undo.pop()?.()
  assert.equal(await open().getItem(key), session(1))
})

test('localStorage: what an old tab writes meanwhile is not deleted', async () => {
  local.items.set(key, session(1))
  const reading = open().getItem(key)
  local.items.set(key, session(2))
  assert.equal(await reading, session(1))
  assert.equal(local.items.get(key), session(2))
  assert.equal(await open().getItem(key), session(2))
  await open().setItem(key, session(1)) // an update of the profile, based on the old one
  assert.equal(await open().getItem(key), session(2))
})

test('localStorage: a write or a sign-out here leaves no copy there', async () => {
  local.items.set(key, session(1))
  await open().setItem(key, session(2))
  assert.equal(local.items.size, 0)
  local.items.set(key, session(1))
  await open().removeItem(key)
  assert.equal(local.items.size, 0)
  assert.equal(await open().getItem(key), null)
})

test('localStorage that is forbidden is none', async () => {
  Object.defineProperty(globalThis, 'localStorage', {
    configurable: true,
    get() {
      throw new DOMException('denied', 'SecurityError')
    },
  })
  await open().setItem(key, session(1))
  assert.equal(await open().getItem(key), session(1))
})

test('a lost connection is made again', async () => {
  const items = openItems(database)
  await items.change(key, () => ({ a: 1 }))
  /** @type {IDBDatabase[]} */
  const connections = []
  const original = IDBDatabase.prototype.transaction
  undo.push(() => {
    IDBDatabase.prototype.transaction = original
  })
  IDBDatabase.prototype.transaction = /** @this {any} @param {[any]} args */ function (...args) {
    connections.push(this)
    if (connections.length === 1) this.close() // what Safari does: the handle is there, and dead
    return original.apply(this, args)
  }
  assert.deepEqual(await items.read(key), { a: 1 })
  assert.equal(new Set(connections).size, 2)
})

test('without IndexedDB it is kept in memory, for all of the process', async () => {
  const { indexedDB } = globalThis
  undo.push(() => {
    globalThis.indexedDB = indexedDB
  })
  // @ts-expect-error it is always there, says TypeScript
  globalThis.indexedDB = undefined
  await open().setItem(key, session(1))
  assert.equal(await open().getItem(key), session(1))
  await open().removeItem(key)
  assert.equal(await open().getItem(key), null)
})

test('a PIN is checked by what cannot be read back, on any context', async () => {
  const a = open()
  assert.equal(await a.checkPin('1234'), null)
  await a.rememberPin('1234')
  assert.deepEqual([await open().checkPin('1234'), await open().checkPin('1235')], [true, false])
  const kept = await openItems(database).read('somatic-sync:pin')
  assert.deepEqual(Object.keys(kept).sort(), ['hash', 'iterations', 'salt'])
  assert.doesNotMatch(JSON.stringify(kept), /1234/)
  const first = kept.hash.join()
  await a.rememberPin('1234')
  assert.notEqual((await openItems(database).read('somatic-sync:pin')).hash.join(), first, 'salted')
  await a.forgetPin()
  assert.equal(await a.checkPin('1234'), null)
})

test('the schema’s auth and theme stay on the device, and have no place for a PIN', () => {
  const { auth, theme } = somaticSchema.collections
  assert.deepEqual([auth.localOnly, theme.localOnly], [true, true])
  assert.deepEqual(
    [Object.keys(auth.fields), Object.keys(theme.fields)],
    [['session', 'email'], ['theme']],
  )
})

test('options that make no sense are refused', () => {
  const bad = { code: 'invalid-value' }
  assert.throws(() => sharedAuthStorage({ database: 'a/b' }), bad)
  assert.throws(() => sharedSession({ url: 'nowhere', key: 'k' }), bad)
})
