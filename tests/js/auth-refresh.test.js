// One session, refreshed by one context at a time: real supabase-js clients and workers without it over one
// storage, against a real server that revokes the session when a token comes back that was replaced twice.

import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { sessionSource } from '../../js/session/session.js'

import { startAuthServer, storageKey } from '../support/shared-session.js'

/** @type {Awaited<ReturnType<typeof startAuthServer>>} */
let world
before(async () => {
  world = await startAuthServer()
})
afterEach(() => world.proxy.reset())
after(() => world.stop())

const path = '/auth/v1/token'
/** @typedef {Awaited<ReturnType<typeof world.device>>} Device */

/** @param {import('../../supabase/local/server.js').TestSession} session */
function supabaseSession({ accessToken, refreshToken, expiresAt }) {
  return { access_token: accessToken, refresh_token: refreshToken, expires_at: expiresAt }
}

/** Has the session, whoever asks; none was told otherwise. @param {Device} device */
async function isSignedIn(device) {
  const { data } = await device.page().auth.getUser() // asks the server
  assert.equal(data.user?.id, device.userId)
  assert.equal((await device.worker()())?.userId, device.userId)
  assert.ok(!device.events.includes('SIGNED_OUT'))
}

test('eight contexts find the token expired at once: one refresh, all have the new one', async () => {
  const device = await world.device()
  const old = await device.stored()
  await device.endsIn(-7200)
  world.proxy.reset()
  const pages = [device.page(), device.page(), device.page(), device.page()]
  const workers = [device.worker(), device.worker(), device.worker(), device.worker()]
  const [ofPages, ofWorkers] = await Promise.all([
    Promise.all(pages.map(({ auth }) => auth.getSession())),
    Promise.all(workers.map((ask) => ask({ refresh: false }))),
  ])
  assert.equal(world.refreshes(), 1)
  const now = await device.stored()
  assert.notEqual(now.refresh_token, old.refresh_token)
  for (const { data, error } of ofPages) {
    assert.equal(error, null)
    assert.equal(data.session?.refresh_token, now.refresh_token)
  }
  for (const session of ofWorkers) {
    const { access_token: accessToken, expires_at } = now
    assert.deepEqual(session, { accessToken, userId: device.userId, expiresAt: expires_at * 1000 })
  }
  await isSignedIn(device)
})

test('all ask for a new token at once, for the one they have: one refresh', async () => {
  const device = await world.device()
  const asked = [
    ...[device.page(), device.page(), device.page()].map(({ auth }) => sessionSource(auth)),
    ...[device.worker(), device.worker()].map((ask) => sessionSource(ask)),
  ]
  for (const source of asked) await source.get(false)
  world.proxy.reset()
  const sessions = await Promise.all(asked.map((source) => source.get(true)))
  assert.equal(world.refreshes(), 1)
  for (const session of sessions) assert.equal(session?.userId, device.userId)
  await isSignedIn(device)
})

test('a page and a worker, interleaved 20 times: 20 refreshes', async () => {
  const device = await world.device()
  const page = device.page()
  const worker = device.worker()
  const asks = [() => page.auth.getSession(), () => worker(), () => device.page().auth.getSession()]
  world.proxy.reset()
  for (let round = 0; round < 20; round++) {
    await device.endsIn(round % 4 < 2 ? -10 : 60) // over, or within the margin
    const turns = [0, 1, 2].map((i) => asks[(round + i) % 3])
    if (round % 2 === 0) await Promise.all(turns.map((ask) => ask()))
    else for (const ask of turns) await ask()
    assert.equal(world.refreshes(), round + 1)
  }
  await isSignedIn(device)
})

test('a worker whose token was no good takes the one that somebody else got', async () => {
  const device = await world.device()
  const worker = device.worker()
  const first = await worker()
  await device.page().auth.refreshSession()
  world.proxy.reset()
  const second = await worker({ refresh: true })
  assert.equal(world.refreshes(), 0)
  assert.equal(second?.accessToken, (await device.stored()).access_token)
  await worker({ refresh: true })
  assert.equal(world.refreshes(), 1, 'and when that is no good either, a new one')
  assert.equal(first?.userId, device.userId)
})

test('what a worker stores is what supabase-js would have stored', async () => {
  const device = await world.device()
  const shape = (/** @type {object} */ session) => Object.keys(session).sort()
  await device.page().auth.refreshSession()
  const ofPage = await device.stored()
  await device.endsIn(-10)
  const given = await device.worker()()
  const ofWorker = await device.stored()
  assert.notEqual(ofWorker.refresh_token, ofPage.refresh_token)
  assert.equal(ofWorker.access_token, given?.accessToken)
  assert.deepEqual(shape(ofWorker), shape(ofPage))
  assert.deepEqual(shape(ofWorker.user), shape(ofPage.user))
})

test('the answer is lost: the same token again, and all have the session', async () => {
  const device = await world.device()
  await device.endsIn(-10)
  const lost = world.proxy.next(path, { dropResponse: true })
  await assert.rejects(async () => device.worker()())
  assert.equal(lost.hits, 1)
  const { data } = await device.page().auth.getSession()
  assert.equal(data.session?.user.id, device.userId)
  await device.endsIn(-10)
  world.proxy.next(path, { dropResponse: true })
  assert.equal(
    (await device.page().auth.getSession()).error,
    null,
    'supabase-js tries again itself',
  )
  await isSignedIn(device)
})

test('a page that dies before it stored the answer: the next one finds it, offline too', async () => {
  const device = await world.device()
  await device.endsIn(-10)
  const { refresh_token } = await device.stored()
  const url = `${world.proxy.url}${path}?grant_type=refresh_token`
  const body = JSON.stringify({ refresh_token })
  const headers = { apikey: world.server.anonKey, 'content-type': 'application/json' }
  const answer = await device.storage.fetch(url, { method: 'POST', body, headers })
  assert.equal((await device.stored()).refresh_token, refresh_token, 'supabase-js never stored it')
  world.proxy.reset()
  world.proxy.offline()
  const { refresh_token: next, access_token } = await answer.json()
  assert.equal((await device.worker()())?.accessToken, access_token)
  const { data } = await device.page().auth.getSession()
  assert.equal(data.session?.refresh_token, next)
  assert.equal((await device.stored()).refresh_token, next)
  world.proxy.reset()
  await isSignedIn(device)
})

test('offline: the session stays, whoever asks', async () => {
  const device = await world.device()
  const page = device.page()
  const worker = device.worker()
  await page.auth.getSession()
  world.proxy.offline()
  await device.endsIn(60)
  assert.equal((await worker())?.userId, device.userId, 'about to end is not over')
  await device.endsIn(-7200)
  const kept = await device.stored()
  const [{ data }] = await Promise.all([page.auth.getSession(), assert.rejects(worker())])
  assert.equal(data.session, null)
  assert.deepEqual(await device.stored(), kept)
  world.proxy.reset()
  await isSignedIn(device)
})

/** What is no answer about the session. Each comes once; after it the server is itself again. */
const failures = [
  { name: 'a server that is down', fault: { status: 503 } },
  { name: 'too many requests', fault: { status: 429, body: { code: 'over_request_rate_limit' } } },
  { name: 'a captive portal', fault: { status: 403, body: '<html>Sign in to the hotel</html>' } },
  { name: 'a captive portal that says 200', fault: { status: 200, body: '<html>' } },
  { name: 'JSON from somewhere else', fault: { status: 200, body: { hello: 1 } } },
  { name: 'a wrong api key', fault: { status: 401, body: { message: 'Invalid API key' } } },
]
for (const { name, fault } of failures) {
  test(`nobody is signed out by ${name}`, async () => {
    const device = await world.device()
    await device.endsIn(-10)
    const hit = world.proxy.next(path, fault)
    await assert.rejects(async () => device.worker()())
    assert.equal(hit.hits, 1)
    world.proxy.next(path, fault)
    const { data, error } = await device.page().auth.getSession() // supabase-js tries again itself
    assert.equal(error, null)
    assert.equal(data.session?.user.id, device.userId)
    await isSignedIn(device)
  })
}

test('the session is over: the worker says so, and signs out', async () => {
  const device = await world.device()
  await world.server.sql('delete from auth.refresh_tokens where user_id = $1', [device.userId])
  assert.equal((await device.worker()())?.userId, device.userId, 'its access token is good still')
  await device.endsIn(-10)
  assert.equal(await device.worker()(), null)
  assert.equal(await device.stored(), null)
  assert.equal((await device.page().auth.getSession()).data.session, null)
})

test('the session is over: a page signs out', async () => {
  const device = await world.device()
  await world.server.sql('delete from auth.refresh_tokens where user_id = $1', [device.userId])
  await device.endsIn(-10)
  const page = device.page()
  assert.equal((await page.auth.getSession()).data.session, null)
  assert.equal(await device.stored(), null)
  assert.ok(device.events.includes('SIGNED_OUT'))
})

test('a refusal of a token that is not the stored one any more signs nobody out', async () => {
  const device = await world.device()
  await device.endsIn(-10)
  const body = { error_code: 'refresh_token_already_used', msg: 'Invalid Refresh Token' }
  world.proxy.next(path, { status: 400, body, latencyMs: 300 })
  const asked = device.worker()()
  // meanwhile the user signs in again
  const { email, password } = device
  const fresh = await world.server.signIn(email, password)
  const session = { ...(await device.stored()), ...supabaseSession(fresh) }
  await device.storage.setItem(storageKey, JSON.stringify(session))
  assert.equal((await asked)?.accessToken, fresh.accessToken)
  assert.equal((await device.stored()).refresh_token, fresh.refreshToken)
  await isSignedIn(device)
})

test('nor somebody else who signed in meanwhile', async () => {
  const [device, other] = [await world.device(), await world.device()]
  await world.server.sql('delete from auth.refresh_tokens where user_id = $1', [device.userId])
  await device.endsIn(-10)
  world.proxy.always(path, { latencyMs: 300 })
  const asked = device.worker()()
  await device.storage.setItem(storageKey, JSON.stringify(await other.stored()))
  assert.equal((await asked)?.userId, other.userId)
  assert.equal((await device.stored()).user.id, other.userId)
})

test('signing out is for all: nobody brings the session back', async () => {
  const device = await world.device()
  const page = device.page()
  await page.auth.getSession()
  await page.auth.signOut()
  assert.equal(await device.stored(), null)
  assert.equal(await device.worker()(), null)
  assert.equal(await device.worker()({ refresh: true }), null)
  assert.equal((await device.page().auth.getSession()).data.session, null)
})

test('a client with the storage alone, without our fetch, works beside the others', async () => {
  const device = await world.device()
  const plain = device.page({ isPlain: true })
  for (let round = 0; round < 3; round++) {
    await device.endsIn(-10)
    await Promise.all([plain.auth.getSession(), device.page().auth.getSession(), device.worker()()])
  }
  await isSignedIn(device)
})

test('a session from elsewhere is taken as it is', async () => {
  const [device, other] = [await world.device(), await world.device()]
  const { access_token, refresh_token } = await other.stored()
  const { data } = await device.page().auth.setSession({ access_token, refresh_token })
  assert.equal(data.user?.id, other.userId)
  const refreshed = await device.page().auth.refreshSession()
  assert.equal(refreshed.data.user?.id, other.userId)
  assert.equal((await device.worker()())?.userId, other.userId)
})

test('a clock two years ahead refreshes once, not each time', async () => {
  const device = await world.device()
  const worker = device.worker({ now: () => Date.now() + 2 * 365 * 86_400_000 })
  world.proxy.reset()
  for (let i = 0; i < 4; i++) assert.equal((await worker())?.userId, device.userId)
  assert.equal(world.refreshes(), 1)
})
