// client.cached() on the fake engine: when a loader is called and when not, what becomes of what it gives, and
// how it fails. Clocks are the test's; tests/js/e2e-cached.test.js has devices and the server.

import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'
import { stateOf } from '../../js/client.js'
import { canonicalInputs, isYoung, surplus } from '../../js/freshness.js'
import { defineSchema } from '../../js/schema.js'
import { somaticSchema } from '../../js/somatic-schema.js'
import { liveEngines } from '../support/fake-engine.js'
import { fakeLocks } from '../support/fake-locks.js'
import { engines, newDatabase, openClient, until } from '../support/open-client.js'

const hourMs = 3_600_000
const today = '2026-11-22'
const noon = Date.parse(`${today}T12:00:00Z`)
const place = { latitude: 52.52, longitude: 13.4 }
const moon = { location: { city: 'Berlin' }, astronomy: { moon_phase: 'Full', n: [1.5, 1e21] } }

/** @type {any[]} */
let open = []
const navigator = Object.getOwnPropertyDescriptor(globalThis, 'navigator')
const restoreNavigator = () => {
  if (navigator) Object.defineProperty(globalThis, 'navigator', navigator)
  else Reflect.deleteProperty(globalThis, 'navigator')
}
afterEach(async () => {
  for (const client of open) await client.close()
  open = []
  restoreNavigator()
  assert.equal(liveEngines.size, 0, 'every engine was freed')
})
after(restoreNavigator)

/** @param {any} value */
const setNavigator = (value) =>
  Object.defineProperty(globalThis, 'navigator', { value, configurable: true })

/**
 * A client whose clock the test moves, with short limits.
 * @param {{ clock?: { ms: number }, limits?: object, [option: string]: any }} [options]
 * @param {any} [createModule]
 */
async function newClient({ clock = { ms: noon }, limits, ...options } = {}, createModule) {
  const client = await openClient({ now: () => clock.ms, ...options }, createModule)
  open.push(client)
  Object.assign(stateOf(client).caches.limits, { pullMs: 50, turnMs: 200, ...limits })
  return Object.assign(client, { clock })
}

/** A loader that counts its calls and gives these, the last one for ever. @param {...any} results */
function loaderOf(...results) {
  const load = Object.assign(
    async () => {
      const result = results[Math.min(load.calls, results.length - 1)]
      load.calls += 1
      if (result instanceof Error) throw result
      return structuredClone(result)
    },
    { calls: 0 },
  )
  return load
}

/** @param {any} client @param {any} load @param {object} [options] */
const cosmic = (client, load, options) => client.cached('cosmic', today, load, options)

for (const { name, createModule } of engines) {
  test(`${name}: loaded once, stored with cachedAt and fresh, given again while young`, async () => {
    const client = await newClient({}, createModule)
    const load = loaderOf(moon)
    assert.deepEqual(await cosmic(client, load, { inputs: place }), moon)
    const row = client.collection('cosmic').get(today)
    assert.equal(row.cachedAt, '2026-11-22T12:00:00.000Z')
    assert.deepEqual(row.astronomy, moon.astronomy)
    const inputs = '{"latitude":52.5,"longitude":13.4}'
    const { sum, ...entry } = row.fresh.astronomy
    assert.deepEqual(entry, { at: noon, inputs })
    assert.match(sum, /^[0-9a-f]{16}$/)
    assert.equal(client.status().pending, 1, 'one write')

    client.clock.ms += 6 * hourMs - 1
    const again = await cosmic(client, load, { inputs: { longitude: 13.42, latitude: 52.51 } })
    assert.deepEqual([again, load.calls], [moon, 1])
    assert.ok(Object.isFrozen(again) && Object.isFrozen(again.astronomy))
    client.clock.ms += 1
    await cosmic(client, load, { inputs: place })
    assert.equal(load.calls, 2)
  })

  test(`${name}: a result that is no valid row is refused, and nothing is stored`, async () => {
    const client = await newClient({}, createModule)
    await client.collection('cosmic').put(today, { location: { city: 'kept' } })
    const written = client.collection('cosmic').get(today)
    const big = 'x'.repeat(50_000_000)
    const started = performance.now()
    for (const [result, code] of /** @type {[any, string][]} */ ([
      ['text', 'invalid-value'],
      [[moon], 'invalid-value'],
      [{ astronomy: {} }, 'invalid-value'],
      [{ ...moon, sunrise: 1 }, 'unknown-field'],
      [{ ...moon, cachedAt: '2026-11-22T12:00:00Z' }, 'unknown-field'],
      [{ ...moon, astronomy: { at: new Date(0) } }, 'invalid-value'],
      [{ ...moon, astronomy: Number.NaN }, 'invalid-value'],
      [{ ...moon, astronomy: big }, 'too-large'],
      [{ ...moon, astronomy: Array(6_000_000).fill('12345678') }, 'too-large'],
    ])) {
      await assert.rejects(
        cosmic(client, async () => result),
        { code, name: 'SyncError' },
      )
    }
    assert.ok(performance.now() - started < 5_000, 'without hanging')
    assert.equal(client.collection('cosmic').get(today), written)
  })
}

test('compiled engine: what only the engine refuses is refused, and nothing is stored', {
  skip: engines.length < 2,
}, async () => {
  const client = await newClient({}, engines.at(-1)?.createModule)
  await assert.rejects(
    client.cached('cosmic', 'tomorrow', async () => moon),
    { code: 'invalid-value' },
  )
  await assert.rejects(
    cosmic(client, async () => ({ ...moon, date: '2026-11-21' })),
    { code: 'invalid-value' },
  )
  assert.equal(client.collection('cosmic').size, 0)
  const row = { ...moon, date: today }
  assert.deepEqual(await cosmic(client, async () => row), moon, 'a whole row may name its key')
})

test('groups of fields are fresh each by itself: a permanent chart, transits for a day', async () => {
  const client = await newClient()
  const chart = loaderOf({ natalChart: { sun: 'Leo' } })
  const transits = loaderOf({ transits: { n: 1 } }, { transits: { n: 2 } })
  /** @param {object} birth */
  const render = async (birth) => [
    await client.cached('astrology', 'self', chart, { fields: ['natalChart'], inputs: birth }),
    await client.cached('astrology', 'self', transits, { fields: ['transits'], inputs: birth }),
  ]
  const birth = { date: '1990-08-01', lat: 48.14, lng: 11.58 }
  await render(birth)
  client.clock.ms += 23 * hourMs
  await render({ lng: 11.6, lat: 48.1, date: '1990-08-01' })
  assert.deepEqual([chart.calls, transits.calls], [1, 1])
  client.clock.ms += 3 * 365 * 24 * hourMs
  const [{ natalChart }, later] = await render(birth)
  assert.deepEqual(
    [chart.calls, transits.calls, natalChart.sun, later.transits.n],
    [1, 2, 'Leo', 2],
  )
  await render({ ...birth, date: '1990-08-02' })
  assert.deepEqual([chart.calls, transits.calls], [2, 3], 'other birth data')
})

test('the caller’s maxAgeMs counts instead of the schema’s; 0 is never fresh', async () => {
  const client = await newClient()
  const load = loaderOf(moon)
  await cosmic(client, load)
  client.clock.ms += 1000
  await cosmic(client, load, { maxAgeMs: 1001 })
  assert.equal(load.calls, 1)
  await cosmic(client, load, { maxAgeMs: 1000 })
  await cosmic(client, load, { maxAgeMs: 0 })
  assert.equal(load.calls, 3)
  client.clock.ms += 1e12
  await cosmic(client, load, { maxAgeMs: Number.POSITIVE_INFINITY })
  assert.equal(load.calls, 3)
})

test('no inputs, null and an empty text are three different inputs', async () => {
  const client = await newClient()
  const load = loaderOf(moon)
  for (const inputs of [undefined, null, '']) await cosmic(client, load, { inputs })
  assert.equal(load.calls, 3)
})

test('what something else wrote into a field is not given as the answer for these inputs', async () => {
  const client = await newClient()
  const load = loaderOf({ natalChart: { sun: 'Leo' } }, { natalChart: { sun: 'Leo', again: true } })
  const options = { fields: ['natalChart'], inputs: { date: '1990-08-01' } }
  const chart = () => client.cached('astrology', 'self', load, options)
  await chart()
  await client.collection('astrology').patch('self', { natalChart: { sun: 'Virgo' } })
  assert.deepEqual(await chart(), { natalChart: { sun: 'Leo', again: true } })
  assert.equal(load.calls, 2)
})

test('what makes no sense is refused before anything is loaded', async () => {
  const client = await newClient()
  const load = loaderOf(moon)
  const loop = /** @type {any} */ ({})
  loop.loop = loop
  for (const [args, code] of /** @type {[any[], string][]} */ ([
    [['comets', today, load], 'unknown-collection'],
    [['logs', today, load], 'invalid-value'],
    [['cosmic', '', load], 'invalid-value'],
    [['cosmic', 7, load], 'invalid-value'],
    [['cosmic', today], 'invalid-value'],
    [['cosmic', today, load, { fields: [] }], 'invalid-value'],
    [['cosmic', today, load, { fields: ['sun'] }], 'unknown-field'],
    [['cosmic', today, load, { fields: ['cachedAt'] }], 'invalid-value'],
    [['cosmic', today, load, { fields: ['date'] }], 'invalid-value'],
    [['cosmic', today, load, { maxAgeMs: -1 }], 'invalid-value'],
    [['cosmic', today, load, { maxAgeMs: Number.NaN }], 'invalid-value'],
    [['cosmic', today, load, { maxAgeMs: '6h' }], 'invalid-value'],
    [['cosmic', today, load, { inputs: loop }], 'invalid-value'],
    [['cosmic', today, load, { inputs: new Date() }], 'invalid-value'],
    [['cosmic', today, load, { inputs: 'x'.repeat(4095) }], 'invalid-value'],
  ])) {
    await assert.rejects(client.cached(...args), { code })
  }
  assert.equal(load.calls, 0)
  assert.deepEqual(await cosmic(client, load, { inputs: 'x'.repeat(4094) }), moon)
})

test('nothing found is answered and not kept; a part that is null is', async () => {
  const client = await newClient()
  const nothing = [null, undefined, { location: null, astronomy: null }]
  const load = loaderOf(...nothing, { ...moon, location: null })
  for (const result of nothing) assert.deepEqual(await cosmic(client, load), result)
  assert.equal(client.collection('cosmic').size, 0)
  assert.deepEqual(await cosmic(client, load), { ...moon, location: null })
  await cosmic(client, load)
  assert.equal(load.calls, 4)
})

test('a loader that fails: what is stored for these inputs, however old, else its error', async () => {
  const client = await newClient()
  const quota = new Error('429')
  const fail = loaderOf(quota)
  await assert.rejects(cosmic(client, fail), (error) => error === quota)
  await assert.rejects(
    cosmic(client, () => {
      throw quota
    }),
    (error) => error === quota,
  )
  await cosmic(client, loaderOf(moon), { inputs: 1 })
  client.clock.ms += 400 * 24 * hourMs
  assert.deepEqual(await cosmic(client, fail, { inputs: 1 }), moon)
  await assert.rejects(cosmic(client, fail, { inputs: 2 }), (error) => error === quota)
  assert.equal(fail.calls, 3)
})

test('a loader that hangs ends in "aborted" or the stale value; what it gives later is kept', async () => {
  const client = await newClient({ limits: { loadMs: 30 } })
  let answer = (/** @type {any} */ _) => {}
  const hang = () => new Promise((resolve) => (answer = resolve))
  await assert.rejects(cosmic(client, hang), { code: 'aborted', retryable: true })
  answer(moon)
  await until(() => client.collection('cosmic').get(today))
  const load = loaderOf({ ...moon, astronomy: 2 })
  assert.deepEqual(await cosmic(client, load), moon)
  assert.equal(load.calls, 0)

  client.clock.ms += 7 * hourMs
  assert.deepEqual(await cosmic(client, hang), moon)
  await cosmic(client, load)
  answer({ ...moon, astronomy: 'late' })
  await new Promise((resolve) => setTimeout(resolve, 10))
  assert.equal(client.collection('cosmic').get(today).astronomy, 2, 'not over a later answer')

  client.clock.ms += 7 * hourMs
  await cosmic(client, hang)
  answer({ ...moon, nonsense: 1 })
  await new Promise((resolve) => setTimeout(resolve, 10))
  assert.equal(client.collection('cosmic').get(today).astronomy, 2, 'nor if it is not valid')
})

test('callers at the same time share one load, also its failure; other inputs have their own', async () => {
  const client = await newClient()
  const load = loaderOf(moon)
  const all = await Promise.all(
    Array.from({ length: 100 }, () => cosmic(client, load, { inputs: place })),
  )
  assert.equal(load.calls, 1)
  for (const each of all) assert.deepEqual(each, moon)
  const fail = loaderOf(new Error('down'))
  const inputs = [1, 1, 2]
  const settled = await Promise.allSettled(inputs.map((n) => cosmic(client, fail, { inputs: n })))
  assert.deepEqual(
    settled.map(({ status }) => status),
    ['rejected', 'rejected', 'rejected'],
  )
  assert.equal(fail.calls, 2)
})

test('online: one pull first, for a short time; what it brings is not loaded', async () => {
  const { fresh, ...rest } = await answered()
  let wait = 0
  let requests = 0
  const fetch = async () => {
    requests += 1
    await new Promise((resolve) => setTimeout(resolve, wait))
    return new Response(JSON.stringify({ rows: [['cosmic', today, { ...rest, fresh }]] }))
  }
  const load = loaderOf(moon)
  const quick = await newClient({ fetch, limits: { pullMs: 2_000 } })
  assert.deepEqual(await cosmic(quick, load), moon)
  await cosmic(quick, load)
  assert.deepEqual([load.calls, requests], [0, 1])

  wait = 500
  const slow = await newClient({ fetch, limits: { pullMs: 20 } })
  const started = performance.now()
  assert.deepEqual(await cosmic(slow, load), moon)
  assert.equal(load.calls, 1)
  assert.ok(performance.now() - started < 400)
})

/** A row as another device stores it. @returns {Promise<any>} */
async function answered() {
  const client = await newClient()
  await cosmic(client, loaderOf(moon))
  return client.collection('cosmic').get(today)
}

test('offline nothing is asked of the server', async () => {
  let requests = 0
  const fetch = async () => {
    requests += 1
    throw new TypeError('fetch failed')
  }
  setNavigator({ onLine: false })
  const client = await newClient({ fetch })
  await cosmic(client, loaderOf(moon))
  assert.equal(requests, 0)
  setNavigator({ onLine: true })
  await cosmic(client, loaderOf(moon), { inputs: 1 })
  assert.equal(requests, 1)
})

test('a time more than a day in the future is believed by nobody, one less than that is', async () => {
  for (const [ahead, calls] of [
    [24 * hourMs, 0],
    [24 * hourMs + 1, 1],
  ]) {
    const client = await newClient()
    const { date, ...row } = await answered()
    for (const field of ['location', 'astronomy']) {
      row.fresh = { ...row.fresh, [field]: { ...row.fresh[field], at: noon + ahead } }
    }
    await client.collection('cosmic').put(date, row)
    const load = loaderOf(moon)
    await cosmic(client, load)
    assert.equal(load.calls, calls)
  }
})

test('what replaced an answer of one’s own is younger than that, whatever a wrong clock says', async () => {
  const client = await newClient()
  const load = loaderOf(moon)
  await cosmic(client, load)
  const { date, ...row } = client.collection('cosmic').get(today)
  for (const off of [-900, 900]) {
    for (const field of ['location', 'astronomy']) {
      row.fresh = { ...row.fresh, [field]: { ...row.fresh[field], at: noon + off * hourMs } }
    }
    await client.collection('cosmic').put(date, row)
    await cosmic(client, load)
    assert.equal(load.calls, 1)
  }
  client.clock.ms += 6 * hourMs
  await cosmic(client, load)
  assert.equal(load.calls, 2, 'and no longer')
})

test('entries that say nothing sensible are not fresh', async () => {
  const client = await newClient()
  const load = loaderOf(moon)
  const rows = client.collection('cosmic')
  for (const fresh of [null, [], 'x', 7, { astronomy: 7, location: null }, { astronomy: {} }]) {
    await rows.put(today, { ...moon, fresh })
    stateOf(client).caches.own.clear()
    await cosmic(client, load)
    await rows.remove(today)
  }
  assert.equal(load.calls, 6)
  const deep = JSON.parse(`${'['.repeat(200_000)}${']'.repeat(200_000)}`)
  const { fresh } = await answered()
  const fetch = async () => new Response(JSON.stringify({ rows: [] }))
  const other = await newClient({ fetch })
  stateOf(other)
    .rows.get('cosmic')
    ?.remember(today, { ...moon, date: today, fresh, astronomy: deep })
  await cosmic(other, load)
  assert.equal(load.calls, 7, 'nor is a row nested deeper than the stack a danger')
})

test('a cache that ages as a whole keeps its 100 rows stored last; one by fields keeps all', async () => {
  const client = await newClient()
  const day = (/** @type {number} */ n) =>
    new Date(noon - n * 24 * hourMs).toISOString().slice(0, 10)
  for (let n = 0; n < 103; n++) {
    client.clock.ms += 1000
    await client.cached('cosmic', day(n), loaderOf(moon))
  }
  const rows = client.collection('cosmic')
  await until(() => rows.size === 100)
  assert.deepEqual(
    [0, 1, 2, 3, 102].map((n) => rows.get(day(n)) !== undefined),
    [false, false, false, true, true],
  )
  assert.equal(client.status().lastError, null)
})

test('two contexts: one loads while the other waits and then finds it', async () => {
  const origin = fakeLocks()
  const database = newDatabase()
  setNavigator({ locks: origin.client(), onLine: false })
  const [a, b] = [await newClient({ database }), await newClient({ database })]
  let answer = (/** @type {any} */ _) => {}
  let calls = 0
  const load = () => {
    calls += 1
    return new Promise((resolve) => (answer = resolve))
  }
  const both = [cosmic(a, load), cosmic(b, load)]
  await until(() => calls === 1)
  await new Promise((resolve) => setTimeout(resolve, 20))
  answer(moon)
  assert.deepEqual(await Promise.all(both), [moon, moon])
  assert.equal(calls, 1)
  const { held, pending } = await origin.client().query()
  assert.deepEqual(
    [held, pending].flat().filter(({ name }) => name.includes('cached')),
    [],
  )
})

test('a context that holds the turn for ever is not waited for for ever', async () => {
  const origin = fakeLocks()
  const database = newDatabase()
  setNavigator({ locks: origin.client(), onLine: false })
  const [a, b] = [
    await newClient({ database }),
    await newClient({ database, limits: { turnMs: 30 } }),
  ]
  const stuck = cosmic(a, () => new Promise(() => {}))
  stuck.catch(() => {})
  await until(async () =>
    (await origin.client().query()).held.some(({ name }) => /cached/.test(name)),
  )
  const load = loaderOf(moon)
  assert.deepEqual(await cosmic(b, load), moon)
  assert.equal(load.calls, 1)
  await a.close()
  await assert.rejects(stuck, { code: 'closed' })
  const { held } = await origin.client().query()
  assert.ok(!held.some(({ name }) => /cached/.test(name)), 'closing lets go of the turn')
})

test('where locks are refused it works without', async () => {
  const locks = { request: () => Promise.reject(new DOMException('no', 'SecurityError')) }
  setNavigator({ locks: { ...locks, query: async () => ({}) }, onLine: false })
  const client = await newClient({ autoSync: false })
  assert.deepEqual(await cosmic(client, loaderOf(moon)), moon)
})

test('signed out and closed: rejects as a write does, also in the middle of a load', async () => {
  const nobody = await newClient({ auth: async () => null })
  const load = loaderOf(moon)
  await assert.rejects(cosmic(nobody, load), { code: 'signed-out' })
  const client = await newClient()
  await cosmic(client, load)
  const hanging = cosmic(client, () => new Promise(() => {}), { inputs: 1 })
  const gone = assert.rejects(hanging, { code: 'signed-out' })
  stateOf(client).userGone(null)
  await gone
  await assert.rejects(
    cosmic(client, load),
    { code: 'signed-out' },
    'a stored value is theirs alone',
  )

  const other = await newClient()
  const closing = cosmic(other, () => new Promise(() => {}))
  const closed = assert.rejects(closing, { code: 'closed' })
  await other.close()
  await closed
  await assert.rejects(cosmic(other, load), { code: 'closed' })
  assert.equal(load.calls, 1)
})

test('a context that may not write calls no API: the stale value, or its reason', async () => {
  const client = await newClient()
  const load = loaderOf(moon)
  await cosmic(client, load)
  Object.assign(stateOf(client).parts.core ?? {}, { isReadOnly: true })
  client.clock.ms += 7 * hourMs
  assert.deepEqual(await cosmic(client, load), moon)
  await assert.rejects(cosmic(client, load, { inputs: 1 }), { code: 'reload-needed' })
  assert.equal(load.calls, 1)
})

test('a schema of one’s own: any type of field, no cachedAt', {
  skip: engines.length < 2,
}, async () => {
  const schema = defineSchema({
    collections: {
      weather: {
        table: 'weather',
        key: 'town',
        fields: {
          town: { column: 'town', type: 'text' },
          degrees: { column: 'degrees', type: 'number', scale: 1 },
          until: { column: 'until', type: 'timestamp' },
          text: { column: 'text', type: 'text' },
          fresh: { column: 'fresh', type: 'json' },
        },
      },
    },
  })
  const client = await newClient({ schema }, engines.at(-1)?.createModule)
  const load = loaderOf({ degrees: 7.26, until: '2026-11-22T13:00+01:00', text: 'é' })
  const want = { degrees: 7.3, text: 'é', until: '2026-11-22T12:00:00.000Z' }
  assert.deepEqual(await client.cached('weather', 'Ulm', load), want, 'what was stored')
  assert.deepEqual(await client.cached('weather', 'Ulm', load), want)
  assert.equal(load.calls, 1)
})

for (const { name, a, b, isEqual } of [
  { name: 'another order', a: { x: 1, y: [2] }, b: { y: [2], x: 1 }, isEqual: true },
  { name: 'another element', a: { x: [1, 2] }, b: { x: [2, 1] }, isEqual: false },
  { name: 'a few km', a: { latitude: 48.137 }, b: { latitude: 48.1 }, isEqual: true },
  { name: 'another town', a: { latitude: 48.16 }, b: { latitude: 48.1 }, isEqual: false },
  { name: 'west of 0', a: { at: { lng: -0.04 } }, b: { at: { lng: 0.04 } }, isEqual: true },
  { name: 'a list of places', a: [{ lat: 1.01 }], b: [{ lat: 1 }], isEqual: true },
  { name: 'capitals', a: { Longitude: 1.01 }, b: { Longitude: 1 }, isEqual: true },
  { name: 'no place', a: { energy: 1.01 }, b: { energy: 1 }, isEqual: false },
  { name: 'a place as text', a: { lat: '1.01' }, b: { lat: '1' }, isEqual: false },
  { name: 'undefined is not given', a: { x: 1, y: undefined }, b: { x: 1 }, isEqual: true },
]) {
  test(`inputs: ${name} ${isEqual ? 'is the same' : 'differs'}`, () => {
    assert.equal(canonicalInputs(a) === canonicalInputs(b), isEqual)
  })
}

test('young: from a day in the future to the limit, exclusive', () => {
  const day = 24 * hourMs
  assert.deepEqual(
    [-day - 1, -day, 0, 9, 10].map((age) => isYoung(noon - age, 10, noon)),
    [false, true, true, true, false],
  )
  assert.equal(isYoung(noon + 5, 0, noon), false)
})

test('surplus: longest stored first, by cachedAt, else by what fresh says', () => {
  const rows = [
    { n: 1, cachedAt: '2026-11-22T00:00:00Z', fresh: null },
    { n: 2, cachedAt: null, fresh: { a: { at: noon }, b: { at: 1 }, c: 'x' } },
    { n: 3, cachedAt: null, fresh: null },
    { n: 4, cachedAt: '2026-11-23T00:00:00Z' },
  ]
  const old = (/** @type {number} */ kept) => surplus(rows, kept).map(({ n }) => n)
  assert.deepEqual([old(4), old(2), old(0)], [[], [3, 1], [3, 1, 2, 4]])
})

test('the schema of the app can be cached where it says so', () => {
  for (const [name, spec] of Object.entries(somaticSchema.collections)) {
    assert.equal('maxAgeMs' in spec, 'fresh' in spec.fields, name)
  }
})
