// The election of who talks to the network, without a client: contexts that are closed, crash, freeze, hide, and
// messages that get lost. The clock is the test's.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { Leader } from '../../js/contexts/leader.js'
import { fakeLocks } from '../support/fake-locks.js'

let now = 0
/** @type {ReturnType<typeof fakeLocks>} */
let locks
/** @type {any[]} */
let contexts = []
let isLossy = false

beforeEach(() => {
  now = 1000
  locks = fakeLocks()
  contexts = []
  isLossy = false
  mock.timers.enable({ apis: ['setTimeout'] })
  mock.method(performance, 'now', () => now)
})
afterEach(() => {
  mock.timers.reset()
  mock.restoreAll()
})

/** A context that has joined. @param {{ isVisible?: boolean, locks?: any }} [options] */
async function join({ isVisible = true, locks: own = locks.client() } = {}) {
  /** @type {any} */
  const context = { isVisible, hasWork: false, isFrozen: false, led: 0, called: [], posted: [] }
  context.locks = own
  context.leader = new Leader({
    name: 'network',
    locks: own,
    post: (message) => {
      context.posted.push(message.type)
      if (!isLossy) for (const other of contexts) if (other !== context) deliver(other, message)
    },
    isVisible: () => context.isVisible,
    hasWork: () => context.hasWork,
    onLead: (isLeading) => {
      if (isLeading) context.led += 1
    },
    onCalled: (pull) => context.called.push(pull),
  })
  contexts.push(context)
  context.leader.start()
  await settled()
  return context
}

/** @param {any} context @param {any} message */
function deliver(context, message) {
  setImmediate(() => {
    if (!context.isFrozen) context.leader.hear(message)
  })
}

/** All that follows without time passing. */
async function settled() {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** @param {number} ms */
async function pass(ms) {
  for (const end = now + ms; now < end; now += 100) {
    mock.timers.tick(100)
    await settled()
  }
}

const leaders = () =>
  contexts.filter(({ leader }) => leader.isLeading).map((context) => contexts.indexOf(context))

test('the first to come leads; when it leaves, the next does; who comes back queues', async () => {
  const first = await join()
  await join()
  await join()
  assert.deepEqual(leaders(), [0])
  first.leader.leave()
  await settled()
  assert.deepEqual(leaders(), [1])
  first.leader.start()
  contexts[1].leader.leave()
  await settled()
  assert.deepEqual(leaders(), [2])
  contexts[2].leader.leave()
  await settled()
  assert.deepEqual(leaders(), [0])
})

test('a follower that leaves leaves the queue', async () => {
  await join()
  const second = await join()
  assert.equal((await second.locks.query()).pending.length, 1)
  second.leader.leave()
  await settled()
  assert.equal((await second.locks.query()).pending.length, 0)
})

test('a crash of the leader hands over', async () => {
  const first = await join()
  await join()
  contexts.shift()
  first.locks.crash()
  await settled()
  assert.deepEqual(leaders(), [0])
})

test('a hidden leader gives way to a visible caller, past the hidden ones in the queue', async () => {
  await join({ isVisible: false })
  await join({ isVisible: false })
  const visible = await join()
  assert.deepEqual(leaders(), [0])
  visible.leader.call(true)
  await settled()
  assert.deepEqual(leaders(), [2])
  assert.deepEqual(contexts[0].called, [], 'the new leader pulls')
  visible.leader.leave()
  await settled()
  assert.equal(leaders().length, 1, 'the hidden ones stand in the queue again')
})

test('a visible leader stays, and is told what the callers want; a hidden caller is no rival', async () => {
  const leader = await join()
  const [visible, hidden] = [await join(), await join({ isVisible: false })]
  visible.leader.call(true)
  hidden.leader.call(false)
  await pass(5000)
  assert.deepEqual([leaders(), leader.called], [[0], [true, false]])
})

test('a leader that gets hidden hands over to a visible one', async () => {
  const leader = await join()
  await join({ isVisible: false })
  await join()
  leader.isVisible = false
  leader.leader.hide()
  await settled()
  assert.deepEqual(leaders(), [2])
})

test('a frozen leader is stolen from after 1.5 s, and queues when it wakes up', async () => {
  const frozen = await join()
  const follower = await join()
  frozen.isFrozen = true
  follower.leader.call(true)
  await pass(1400)
  assert.equal(follower.led, 0)
  await pass(200)
  assert.equal(follower.led, 1)
  frozen.isFrozen = false
  await settled()
  assert.deepEqual(leaders(), [1], 'it was told')
  follower.leader.leave()
  await settled()
  assert.deepEqual(leaders(), [0])
})

test('of two who call a frozen leader the visible one steals, the other stands back', async () => {
  const frozen = await join()
  const [hidden, visible] = [await join({ isVisible: false }), await join()]
  frozen.isFrozen = true
  hidden.leader.call(true)
  visible.leader.call(true)
  await pass(4000)
  assert.deepEqual([hidden.led, visible.led], [0, 1])
})

test('unsent work calls the leader, again and again while there is some', async () => {
  const leader = await join()
  const follower = await join()
  follower.leader.look()
  await pass(20_000)
  assert.deepEqual(leader.called, [], 'no work, no call')
  follower.hasWork = true
  for (let i = 0; i < 100; i++) follower.leader.look()
  await settled()
  assert.equal(leader.called.length, 1)
  await pass(21_000)
  assert.equal(leader.called.length, 5)
  leader.isFrozen = true // having answered a moment ago
  await pass(7000)
  assert.deepEqual([follower.led, leaders()], [1, [1]])
})

test('when messages do not get through everybody leads at times, ever more rarely', async () => {
  isLossy = true
  await join()
  await join()
  for (const context of contexts) context.hasWork = true
  contexts[1].leader.look()
  await pass(10_000)
  assert.ok(contexts.every(({ led }) => led >= 2))
  await pass(600_000)
  const before = contexts[0].led
  await pass(600_000)
  assert.ok(contexts[0].led - before <= 5, `${contexts[0].led - before}`)
  isLossy = false
  contexts[0].leader.call(true)
  contexts[1].leader.call(true)
  await pass(1000)
  const settledLeaders = leaders()
  await pass(300_000)
  assert.deepEqual(leaders(), settledLeaders)
})

test('where no lock can be had one leads all the same', async () => {
  const refused = {
    request: async () => {
      throw new DOMException('no', 'SecurityError')
    },
    query: async () => {
      throw new DOMException('no', 'SecurityError')
    },
  }
  await join({ locks: refused })
  await join({ locks: refused })
  assert.deepEqual(leaders(), [0, 1])
})
