// Who is signed in: both forms of `auth` made one, and when a client's user counts as gone.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sessionSource } from '../../js/session/session.js'
import { watchAuth } from '../../js/session/watch-auth.js'

const supabaseSession = {
  access_token: 'token',
  refresh_token: 'secret',
  expires_at: 1_800_000_000,
  user: { id: 'anna' },
}
const session = { accessToken: 'token', userId: 'anna', expiresAt: 1_800_000_000_000 }
const jwt = `x.${btoa('{"sub":"anna"}').replaceAll('=', '')}.y`
/** @param {number | undefined} status */
const authError = (status) => Object.assign(new Error(`status ${status}`), { status })

/** @type {{ name: string, auth: any, refresh?: boolean, want: any }[]} */
const given = [
  {
    name: 'a function’s session',
    auth: async () => ({ accessToken: 'token', userId: 'anna' }),
    want: { accessToken: 'token', userId: 'anna' },
  },
  { name: 'a function’s supabase session', auth: async () => supabaseSession, want: session },
  { name: 'a function’s null', auth: async () => null, want: null },
  { name: 'a function’s undefined', auth: () => undefined, want: null },
  {
    name: 'refresh to a function',
    auth: async (/** @type {any} */ o) => ({ accessToken: `fresh ${o.refresh}`, userId: 'a' }),
    refresh: true,
    want: { accessToken: 'fresh true', userId: 'a' },
  },
  {
    name: 'getSession',
    auth: { getSession: async () => ({ data: { session: supabaseSession } }) },
    want: session,
  },
  {
    name: 'a session without user, by its token',
    auth: { getSession: async () => ({ data: { session: { access_token: jwt } } }) },
    want: { accessToken: jwt, userId: 'anna' },
  },
  {
    name: 'no session',
    auth: { getSession: async () => ({ data: { session: null }, error: null }) },
    want: null,
  },
  {
    name: 'refreshSession when asked to refresh',
    auth: {
      getSession: async () => assert.fail(),
      refreshSession: async () => ({ data: { session: supabaseSession } }),
    },
    refresh: true,
    want: session,
  },
  {
    name: 'getSession where there is no refreshSession',
    auth: { getSession: async () => ({ data: { session: supabaseSession } }) },
    refresh: true,
    want: session,
  },
  {
    name: 'the session that another tab refreshed meanwhile',
    auth: {
      getSession: async () => ({ data: { session: supabaseSession }, error: null }),
      refreshSession: async () => ({
        data: { session: null },
        error: Object.assign(authError(409), { name: 'AuthRefreshDiscardedError' }),
      }),
    },
    refresh: true,
    want: session,
  },
  {
    name: 'a refused refresh token: nobody',
    auth: { getSession: async () => ({ data: { session: null }, error: authError(400) }) },
    want: null,
  },
  {
    name: 'offline: asking failed',
    auth: { getSession: async () => ({ data: { session: null }, error: authError(0) }) },
    want: /status 0/,
  },
  {
    name: 'no status: asking failed',
    auth: { getSession: async () => ({ data: { session: null }, error: authError(undefined) }) },
    want: /status undefined/,
  },
  {
    name: 'server down: asking failed',
    auth: { getSession: async () => ({ data: { session: null }, error: authError(503) }) },
    want: /status 503/,
  },
  {
    name: 'too often: asking failed',
    auth: { getSession: async () => ({ data: { session: null }, error: authError(429) }) },
    want: /status 429/,
  },
  {
    name: 'a throwing function',
    auth: () => {
      throw new Error('mine')
    },
    want: /mine/,
  },
  {
    name: 'a rejecting function',
    auth: async () => {
      throw new Error('mine')
    },
    want: /mine/,
  },
  {
    name: 'a session that is none',
    auth: async () => ({ token: 'x' }),
    want: /without accessToken or userId/,
  },
]
for (const { name, auth, refresh = false, want } of given) {
  test(`takes ${name}`, async () => {
    const asked = sessionSource(auth).get(refresh)
    if (want instanceof RegExp) await assert.rejects(asked, want)
    else assert.deepEqual(await asked, want)
  })
}

/** An auth object whose events the test fires. */
function eventful() {
  /** @type {Set<(event: string, session: unknown) => void>} */
  const callbacks = new Set()
  return {
    getSession: async () => ({ data: { session: null } }),
    onAuthStateChange(/** @type {(event: string, session: unknown) => void} */ callback) {
      callbacks.add(callback)
      return { data: { subscription: { unsubscribe: () => callbacks.delete(callback) } } }
    },
    fire: (/** @type {string} */ event, /** @type {unknown} */ session) => {
      for (const callback of callbacks) callback(event, session)
    },
    callbacks,
  }
}
const ofBen = { access_token: 'token', user: { id: 'ben' } }
const tick = () => new Promise((resolve) => setTimeout(resolve, 5))

/** @type {{ name: string, events: [string, unknown][], want: (string | null)[] }[]} */
const watched = [
  {
    name: 'the same user’s events',
    events: [
      ['INITIAL_SESSION', supabaseSession],
      ['TOKEN_REFRESHED', supabaseSession],
      ['SIGNED_IN', supabaseSession],
    ],
    want: [],
  },
  {
    name: 'a session that is null for the moment',
    events: [
      ['INITIAL_SESSION', null],
      ['TOKEN_REFRESHED', null],
    ],
    want: [],
  },
  { name: 'an event with a broken session', events: [['USER_UPDATED', { nothing: 1 }]], want: [] },
  { name: 'SIGNED_OUT', events: [['SIGNED_OUT', null]], want: [null] },
  {
    name: 'SIGNED_OUT twice',
    events: [
      ['SIGNED_OUT', null],
      ['SIGNED_OUT', null],
    ],
    want: [null],
  },
  {
    name: 'another user',
    events: [
      ['SIGNED_IN', ofBen],
      ['TOKEN_REFRESHED', ofBen],
    ],
    want: ['ben'],
  },
  {
    name: 'another user after signing out',
    events: [
      ['SIGNED_OUT', null],
      ['SIGNED_IN', ofBen],
    ],
    want: [null, 'ben'],
  },
]
for (const { name, events, want } of watched) {
  test(`watching tells ${JSON.stringify(want)} on ${name}`, async () => {
    const auth = eventful()
    const watch = watchAuth(sessionSource(/** @type {any} */ (auth)))
    /** @type {(string | null)[]} */
    const told = []
    watch.follow('anna', (_event, userId) => told.push(userId))
    for (const [event, session] of events) auth.fire(event, session)
    assert.deepEqual(told, [], 'nothing from inside the call: supabase-js holds its lock')
    await tick()
    assert.deepEqual(told, want)
    watch.stop()
    assert.equal(auth.callbacks.size, 0)
  })
}

test('what happened before there was a client is told when there is one', async () => {
  const auth = eventful()
  const watch = watchAuth(sessionSource(/** @type {any} */ (auth)))
  auth.fire('SIGNED_OUT', null)
  await tick()
  /** @type {(string | null)[]} */
  const told = []
  watch.follow('anna', (_event, userId) => told.push(userId))
  assert.deepEqual(told, [null])
})

test('a session that was asked for counts too, and nothing after stop', async () => {
  const auth = eventful()
  const watch = watchAuth(sessionSource(/** @type {any} */ (auth)))
  /** @type {(string | null)[]} */
  const told = []
  watch.follow('anna', (_event, userId) => told.push(userId))
  watch.check(null)
  watch.check(session)
  watch.check({ accessToken: 'x', userId: 'ben' })
  assert.deepEqual(told, ['ben'])
  auth.fire('SIGNED_OUT', null)
  watch.stop()
  watch.check(session)
  await tick()
  assert.deepEqual(told, ['ben'])
})
