// Several clients of one database side by side in Node, on the fake engine: what one writes the others hear of at
// once; one of them talks to the network where there are locks; nothing of it is needed.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, afterEach, beforeEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { stateOf } from '../../js/client.js'
import { Channel } from '../../js/contexts/channel.js'
import { coalesced } from '../../js/contexts/coalesced.js'
import { Contexts } from '../../js/contexts/contexts.js'
import { IndexedDbDisk } from '../../js/storage/disk.js'
import { MemoryDisk } from '../../js/storage/memory-disk.js'
import { createFakeModule } from '../support/fake-engine.js'
import { fakeLocks } from '../support/fake-locks.js'
import { anna, newDatabase, openClient, until } from '../support/open-client.js'

const one = '00000000-0000-4000-8000-000000000001'
const log = { category: 'journal', content: 'slept well' }

/** @type {any[]} */
let open = []
let database = ''
beforeEach(() => {
  database = newDatabase()
})
afterEach(async () => {
  for (const client of open) await client.close()
  open = []
})

const navigator = Object.getOwnPropertyDescriptor(globalThis, 'navigator')
after(() => navigator && Object.defineProperty(globalThis, 'navigator', navigator))

/** One context more. @param {{ locks?: any, [option: string]: any }} [options] */
async function join({ locks, ...options } = {}) {
  Object.defineProperty(globalThis, 'navigator', { value: { locks }, configurable: true })
  /** @type {number[]} */
  const requests = []
  const fetch = async () => {
    requests.push(Date.now())
    return new Response('{}')
  }
  const client = await openClient({ database, fetch, ...options })
  open.push(client)
  const { core, contexts } = stateOf(client).parts
  return {
    client,
    logs: client.collection('logs'),
    requests,
    core: /** @type {any} */ (core),
    contexts,
  }
}

/** @param {any} context */
const leads = ({ contexts }) => contexts.leader.isLeading

test('what one writes the others hear of at once: rows, listeners, status', async () => {
  const [first, second, third] = [await join(), await join(), await join()]
  /** @type {any[]} */
  const heard = []
  second.logs.subscribe((/** @type {any} */ keys) => heard.push(keys))
  second.client.subscribe((/** @type {any} */ status) => heard.push(status.pending))
  await first.logs.put(one, log)
  await until(() => heard.length === 2 && third.logs.get(one))
  assert.deepEqual(heard, [[one], 1])
  assert.equal(second.logs.get(one).content, 'slept well')
})

test('while it is loading nothing is read for a hint: it would be there twice', async () => {
  const name = `/${database}/${anna}`
  let refreshes = 0
  const core = /** @type {any} */ ({ refresh: async () => void refreshes++, feed() {} })
  const contexts = new Contexts({ core, disk: new MemoryDisk(), name, autoSync: false, format: 2 })
  const other = new Channel(`somatic-sync:${name}`, () => {})
  other.open()
  await contexts.announce()
  other.post({ type: 'news' })
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(refreshes, 0)
  contexts.start()
  await until(() => refreshes === 1)
  other.post({ type: 'news' })
  await until(() => refreshes === 2)
  contexts.stop()
  other.close()
})

test('a storm of hints costs a refresh under way and one more', async () => {
  const [first, second] = [await join(), await join()]
  let refreshes = 0
  const { disk } = second.core.host
  const refresh = disk.refresh.bind(disk)
  disk.refresh = (/** @type {any} */ onSegment) => {
    refreshes += 1
    return refresh(onSegment)
  }
  for (let i = 0; i < 50; i++) first.contexts?.onCommitted()
  await first.logs.put(one, log)
  await until(() => second.logs.get(one))
  assert.ok(refreshes < 10, `${refreshes}`)
})

test('coalesced: a call made during the work is served by work that begins after it', async () => {
  let begun = 0
  /** @type {(() => void)[]} */
  const ends = []
  const run = coalesced(() => {
    begun += 1
    return new Promise((resolve) => ends.push(resolve))
  })
  const first = run()
  const others = [run(), run(), run()]
  assert.equal(begun, 1)
  ends[0]()
  await first
  await until(() => begun === 2)
  const late = run()
  ends[1]()
  await Promise.all(others)
  await until(() => begun === 3)
  ends[2]()
  await late
  assert.equal(begun, 3)
})

test('with every message lost, or no channel at all, the next commit or focus reads it too', async (t) => {
  await t.test('lost', async (t) => {
    t.mock.method(Channel.prototype, 'post', () => {})
    const [first, second] = [await join(), await join()]
    await first.logs.put(one, log)
    assert.equal(second.logs.get(one), undefined)
    second.contexts?.wake()
    await until(() => second.logs.get(one))
    const late = await join()
    await first.logs.patch(one, { content: 'else' })
    await late.client.collection('theme').put('self', { theme: 'dark' })
    assert.equal(late.logs.get(one).content, 'else')
  })
  await t.test('no channel: everybody leads', async () => {
    const { BroadcastChannel } = globalThis
    Reflect.deleteProperty(globalThis, 'BroadcastChannel')
    try {
      const { client } = fakeLocks()
      const contexts = [await join({ locks: client() }), await join({ locks: client() })]
      for (const { contexts: own, client } of contexts) {
        assert.equal(own?.leader, null)
        await client.sync()
      }
    } finally {
      globalThis.BroadcastChannel = BroadcastChannel
    }
  })
})

test('a page that is put away lets go of its lease, and writes again when it is back', async () => {
  const locks = fakeLocks().client()
  const { contexts, logs, core } = await join({ locks })
  const leases = async () =>
    (await locks.query()).held.filter(({ name }) => name.includes('journal-after'))
  for (let i = 0; i < 3; i++) await logs.put(one, { ...log, content: `${i}` })
  assert.equal((await leases()).length, 1)
  assert.equal(core.host.disk.lease.covers(core.host.disk.head), true)
  contexts?.leave(true)
  await until(async () => (await leases()).length === 0)
  contexts?.enter()
  await logs.put(one, log)
  assert.equal(logs.get(one).content, log.content)
  await until(async () => (await leases()).length === 1)
})

test('each run begins with what others wrote', async (t) => {
  t.mock.method(Channel.prototype, 'post', () => {})
  const [first, second] = [await join(), await join()]
  await first.logs.put(one, log)
  const report = await second.client.sync()
  assert.equal(report.pushed, 1)
})

test('a message of another build, or rubbish, changes nothing', async () => {
  const { contexts } = await join({ locks: fakeLocks().client(), autoSync: true })
  const stranger = new BroadcastChannel(`somatic-sync:/${database}/${anna}`)
  for (const message of [null, 7, 'news', {}, { type: 7 }, { type: 'election' }]) {
    stranger.postMessage(message)
  }
  stranger.close()
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(contexts?.leader?.isLeading, true)
})

test('only the leader pulls by itself; whoever is asked to sync does', async () => {
  const { client } = fakeLocks()
  const options = { autoSync: true }
  const leader = await join({ ...options, locks: client() })
  await until(() => leader.requests.length === 1)
  const follower = await join({ ...options, locks: client() })
  await until(() => leader.requests.length === 2) // a start pulls
  assert.deepEqual([leads(leader), leads(follower), follower.requests.length], [true, false, 0])
  assert.deepEqual([leader.core.engine.leads, follower.core.engine.leads], [true, false])
  const synced = follower.client.whenSynced()
  await until(() => leader.requests.length === 3)
  assert.equal(follower.requests.length, 0)
  await follower.client.sync()
  await synced
  assert.equal(follower.requests.length, 1)
})

test('when the leader closes the next takes over, and pulls', async () => {
  const { client } = fakeLocks()
  const leader = await join({ autoSync: true, locks: client() })
  const follower = await join({ autoSync: true, locks: client() })
  await leader.client.close()
  await until(() => leads(follower) && follower.requests.length === 1)
})

/** Who talks to the network, and who waits for it. @param {any} locks @returns {Promise<string[]>} */
async function networkLocks(locks) {
  const { held, pending } = await locks.query()
  const names = [...held, ...pending].map((/** @type {{ name: string }} */ { name }) => name)
  return names.filter((name) => name.endsWith(':network'))
}

test('without autoSync nobody asks for the lock', async () => {
  const { client } = fakeLocks()
  const locks = client()
  await join({ locks })
  assert.deepEqual(await networkLocks(locks), [])
})

test('who may not send any more does not lead: a newer build wrote, or its user is gone', async (t) => {
  const { client } = fakeLocks()
  const options = { autoSync: true }
  await t.test('a newer build', async () => {
    const old = await join({ ...options, locks: client() })
    const disk = new IndexedDbDisk({
      name: `/${database}/${anna}`,
      module: await createFakeModule(),
    })
    await disk.load(() => {})
    await disk.commit(
      () => new TextEncoder().encode('newer format'),
      () => {},
    )
    await disk.close()
    old.contexts?.wake()
    await until(() => !leads(old))
    old.contexts?.enter()
    await new Promise((resolve) => setTimeout(resolve, 10))
    assert.deepEqual(await networkLocks(old.contexts?.leader?.parts.locks), [])
  })
  await t.test('a user who is gone', async () => {
    database = newDatabase()
    let tell = (/** @type {string} */ _event, /** @type {null} */ _session) => {}
    const session = { access_token: 'token', user: { id: anna } }
    const auth = {
      getSession: async () => ({ data: { session } }),
      onAuthStateChange: (/** @type {any} */ callback) => {
        tell = callback
        return { data: { subscription: { unsubscribe() {} } } }
      },
    }
    const gone = await join({ ...options, auth, locks: client() })
    await until(() => leads(gone))
    tell('SIGNED_OUT', null)
    await until(() => !leads(gone))
  })
})

/** @type {[away: string, back: string, of: 'window' | 'page'][]} */
const putAway = [
  ['pagehide', 'pageshow', 'window'],
  ['freeze', 'resume', 'page'],
]
for (const [away, back, of] of putAway) {
  test(`${away}: lock and channel are let go of; ${back}: joins again`, async () => {
    const page = Object.assign(new EventTarget(), { visibilityState: 'visible' })
    const window = new EventTarget()
    Object.assign(globalThis, {
      document: page,
      addEventListener: window.addEventListener.bind(window),
      removeEventListener: window.removeEventListener.bind(window),
    })
    const tell = (/** @type {string} */ event) => {
      const target = of === 'window' ? window : page
      target.dispatchEvent(Object.assign(new Event(event), { persisted: true }))
    }
    try {
      const { client } = fakeLocks()
      const first = await join({ autoSync: true, locks: client() })
      const second = await join({ autoSync: true, locks: client() })
      await until(() => leads(first))
      tell(away)
      assert.deepEqual([leads(first), leads(second)], [false, false])
      await until(async () => {
        const { held, pending } = await client().query()
        return held.length + pending.length === 0
      })
      await first.logs.put(one, log)
      await new Promise((resolve) => setTimeout(resolve, 20))
      assert.equal(second.logs.get(one), undefined, 'nothing is heard')
      second.contexts?.enter()
      await until(() => leads(second) && second.logs.get(one))
      tell(back)
      await second.client.close()
      await until(() => leads(first))
      await first.client.close()
    } finally {
      for (const name of ['document', 'addEventListener', 'removeEventListener']) {
        Reflect.deleteProperty(globalThis, name)
      }
    }
  })
}

test('an open client does not keep a Node process alive', async () => {
  const script = `
    import { openClient } from '${new URL('../support/open-client.js', import.meta.url)}'
    const client = await openClient({ autoSync: true })
    await client.collection('theme').put('self', { theme: 'dark' })
    process.stdout.write('written')`
  const written = await new Promise((resolve, reject) => {
    const options = { timeout: 60_000, cwd: fileURLToPath(new URL('../..', import.meta.url)) }
    const args = ['--input-type=module', '--eval', script]
    execFile(process.execPath, args, options, (error, stdout) =>
      error ? reject(error) : resolve(stdout),
    )
  })
  assert.equal(written, 'written')
})
