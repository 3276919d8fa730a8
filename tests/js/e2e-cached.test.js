// client.cached() on devices of one user, end to end: an API that counts its calls is called once for all of
// them, whatever the network and the clocks do.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, test } from 'node:test'
import { settle, startWorld } from '../support/world.js'

const hourMs = 3_600_000
const today = new Date().toISOString().slice(0, 10)
const place = { latitude: 52.52, longitude: 13.4 }
const birth = { date: '1990-08-01', time: '04:30', latitude: 48.14, longitude: 11.58 }

/** @type {import('../support/world.js').World} */
let world
before(async () => {
  world = await startWorld()
})
afterEach(() => world.proxy.reset())
after(() => world.stop())

/** An API: what it gives tells which call it was. */
function apiOf() {
  const api = {
    calls: 0,
    isDown: false,
    async sky() {
      api.calls += 1
      if (api.isDown) throw new Error('429 Too Many Requests')
      return { location: { city: 'Berlin' }, astronomy: { call: api.calls, phases: [1.5, 1e21] } }
    },
    /** @param {object} birthData */
    async chart(birthData) {
      api.calls += 1
      return { birthData, natalChart: { call: api.calls, z: { b: 1, a: -0.25 } } }
    },
    async transits() {
      api.calls += 1
      return { transits: { call: api.calls } }
    },
  }
  return api
}

/** @typedef {import('../support/world.js').Device} Device */

/** @param {Device} device @param {ReturnType<typeof apiOf>} api @param {any} [inputs] */
const sky = (device, api, inputs = place) => device.cached('cosmic', today, api.sky, { inputs })
/** @param {Device} device @param {ReturnType<typeof apiOf>} api @param {any} [inputs] */
const chart = (device, api, inputs = birth) =>
  device.cached('astrology', 'self', () => api.chart(inputs), {
    ...{ fields: ['birthData', 'natalChart'], inputs },
  })
/** @param {Device} device @param {ReturnType<typeof apiOf>} api @param {any} [inputs] */
const transits = (device, api, inputs = birth) =>
  device.cached('astrology', 'self', api.transits, { fields: ['transits'], inputs })

/** A clock that is off by so much, and can be moved. */
function clockOf(offMs = 0) {
  const clock = { offMs, now: () => Date.now() + clock.offMs }
  return clock
}

/** A user's devices, one for each clock. @param {...{ now: () => number }} clocks */
async function devicesOf(...clocks) {
  const user = await world.newUser()
  return Promise.all(clocks.map(({ now }) => world.device(user, { now })))
}

/**
 * Makes what is stored older: the server's time passes for nobody's test.
 * @param {any} device
 * @param {string} collection
 * @param {string} key
 * @param {number} ms
 */
async function age(device, collection, key, ms) {
  const { fresh } = device.collection(collection).get(key)
  const older = Object.entries(fresh).map(([field, entry]) => [
    field,
    { ...entry, at: entry.at - ms },
  ])
  await device.collection(collection).patch(key, { fresh: Object.fromEntries(older) })
}

test('100 renders on two devices cost one call once the second has synced', async () => {
  const api = apiOf()
  const [a, b] = await devicesOf(clockOf(), clockOf())
  const first = await Promise.all(Array.from({ length: 50 }, () => sky(a, api)))
  await a.sync()
  await b.sync()
  const second = await Promise.all(Array.from({ length: 50 }, () => sky(b, api)))
  for (let i = 0; i < 50; i++) await sky(i % 2 ? a : b, api)
  assert.equal(api.calls, 1)
  assert.deepEqual(second[49], first[0])
  assert.deepEqual(a.collection('cosmic').get(today), b.collection('cosmic').get(today))
})

test('a second device that was not synced pulls before it calls', async () => {
  const api = apiOf()
  const [a, b] = await devicesOf(clockOf(), clockOf())
  await sky(a, api)
  await a.sync()
  await sky(b, api)
  assert.equal(api.calls, 1)
})

test('two devices at the same moment: two calls at most, then none', async () => {
  const api = apiOf()
  const [a, b] = await devicesOf(clockOf(), clockOf())
  const renders = Array.from({ length: 50 }, () => [sky(a, api), sky(b, api)]).flat()
  await Promise.all(renders)
  assert.ok(api.calls <= 2, `${api.calls} calls`)
  const { calls } = api
  await settle(a, b)
  for (const each of [a, b, a, b]) await sky(each, api)
  assert.equal(api.calls, calls)
  assert.deepEqual(a.collection('cosmic').get(today), b.collection('cosmic').get(today))
})

test('a chart stays for good on every device, transits a day, other birth data is loaded', async () => {
  const api = apiOf()
  const [a, b] = await devicesOf(clockOf(), clockOf())
  await chart(a, api)
  await transits(a, api)
  await settle(a, b)
  await chart(b, api)
  await transits(b, api)
  assert.equal(api.calls, 2)
  await age(a, 'astrology', 'self', 25 * hourMs)
  await settle(a, b)
  await chart(b, api)
  assert.equal(api.calls, 2)
  await transits(b, api)
  await settle(b, a)
  await transits(a, api)
  assert.equal(api.calls, 3)
  const other = { ...birth, date: '1990-08-02' }
  assert.deepEqual((await chart(a, api, other)).birthData, other)
  await settle(a, b)
  await chart(b, api, other)
  assert.equal(api.calls, 4)
})

test('groups loaded on two devices at once do not mix up whose answer is whose', async () => {
  const api = apiOf()
  const [a, b] = await devicesOf(clockOf(), clockOf())
  const other = { ...birth, date: '1990-08-02' }
  await Promise.all([chart(a, api), chart(b, api, other)])
  await transits(a, api) // the later edit of what is known about all groups
  await settle(a, b)
  for (const device of [a, b]) {
    for (const inputs of [birth, other]) {
      const { birthData } = await chart(device, api, inputs)
      assert.deepEqual(birthData, inputs)
    }
  }
})

test('a row that an app without sync wrote over is not given as the answer for these inputs', async () => {
  const api = apiOf()
  const user = await world.newUser()
  const a = await world.device(user)
  await chart(a, api)
  await a.sync()
  const { error } = await user.client
    .from('astrology_data_cache')
    .update({ natal_chart: { of: 'somebody else' } })
    .eq('user_id', user.id)
  assert.equal(error, null)
  await a.sync()
  assert.equal((await chart(a, api)).natalChart.call, 2)
})

test('offline: the stale value, however old, and nothing lost', async () => {
  const api = apiOf()
  const clock = clockOf()
  const [a, b] = await devicesOf(clock, clockOf())
  const first = await sky(a, api)
  await a.sync()
  world.proxy.next('/rpc/sync', { dropResponse: true })
  api.isDown = true
  clock.offMs += 7 * hourMs
  assert.deepEqual(await sky(a, api), first)
  await assert.rejects(sky(a, api, { latitude: 0 }), { message: '429 Too Many Requests' })
  api.isDown = false
  const again = await sky(a, api)
  assert.equal(again.astronomy.call, 4)
  await settle(a, b)
  assert.deepEqual(b.collection('cosmic').get(today)?.astronomy, again.astronomy)
})

test('50 MB, nonsense and nothing: refused or not kept, what was there stays on every device', async () => {
  const api = apiOf()
  const [a, b] = await devicesOf(clockOf(), clockOf())
  await sky(a, api)
  await settle(a, b)
  await age(a, 'cosmic', today, 7 * hourMs)
  await settle(a, b)
  const before = JSON.stringify(a.collection('cosmic').list())
  const big = 'x'.repeat(50_000_000)
  // a remembers that it loaded this itself, a while ago
  const given = (/** @type {any} */ result) => sky(b, { ...api, sky: async () => result })
  await assert.rejects(given({ location: null, astronomy: [big] }), { code: 'too-large' })
  await assert.rejects(given({ location: null, sun: 1 }), { code: 'unknown-field' })
  assert.equal(await given(null), null)
  await settle(a, b)
  for (const each of [a, b]) assert.equal(JSON.stringify(each.collection('cosmic').list()), before)
  assert.equal(a.status().rejected, 0)
})

// A wrong clock costs a call more on the devices that meet it, and no call with every render.
for (const [name, offMs] of /** @type {[string, number][]} */ ([
  ['two days ahead', 47 * hourMs],
  ['two days behind', -48 * hourMs],
  ['two years ahead', 17_520 * hourMs],
  ['two years behind', -17_520 * hourMs],
])) {
  test(`a clock ${name}: one call, and one more of a device that knows no better`, async () => {
    const api = apiOf()
    const clocks = [clockOf(offMs), clockOf()]
    const [wrong, right] = await devicesOf(...clocks)
    // the chart has no day as its key: no device is refused a day that has not come
    for (let round = 0; round < 10; round++) {
      for (const each of [wrong, right]) {
        await transits(each, api)
        await each.sync()
      }
    }
    assert.ok(api.calls <= 2, `${api.calls} calls`)
    await settle(wrong, right)
    assert.deepEqual(
      wrong.collection('astrology').get('self'),
      right.collection('astrology').get('self'),
    )
  })
}

test('what was stored is there after a kill, and fresh', async () => {
  const api = apiOf()
  const user = await world.newUser()
  const database = `device-${randomUUID()}`
  const first = await world.device(user, { database })
  const given = await sky(first, api)
  const again = await world.device(user, { database }) // the first one is not closed
  assert.deepEqual(await sky(again, api), given)
  assert.equal(api.calls, 1)
})

test('rows beyond 100 are removed everywhere, the ones stored first', async () => {
  const api = apiOf()
  const [a, b] = await devicesOf(clockOf(), clockOf())
  const day = (/** @type {number} */ n) =>
    new Date(Date.now() - n * 24 * hourMs).toISOString().slice(0, 10)
  for (let n = 0; n < 102; n++) {
    await a.cached('cosmic', day(n), api.sky)
    if (n === 50) await settle(a, b)
  }
  await settle(a, b)
  for (const each of [a, b]) {
    const rows = each.collection('cosmic')
    const found = [0, 1, 2, 101].map((n) => rows.get(day(n)) !== undefined)
    assert.deepEqual([rows.size, ...found], [100, false, false, true, true])
  }
})
