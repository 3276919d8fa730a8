// Owns the package entry "./auth-storage": one session for all pages and workers of an origin. Knows no
// row, no engine and no module.wasm; supabase-js only by what it calls and stores.

import { SyncError } from './error.js'
import { exchanged, isFresh, newestOf, removed, stored, tokensIn } from './session/kept-session.js'
import { rememberedPin } from './session/pin.js'
import { exchangeToken } from './session/refresh.js'
import { normalise } from './session/session.js'
import { SharedItems } from './session/shared-items.js'
import { checkPrefix } from './storage/items.js'

/**
 * @typedef {object} SharedAuthStorageOptions
 * @property {string} [database] IndexedDB name prefix, the same in all contexts. Default "somatic-sync"
 * @property {string} [storageKey] as given to supabase-js; default what it makes of the project's URL
 * @property {typeof globalThis.fetch} [fetch] what the returned fetch uses
 */

/**
 * supabase-js' `storage`, in IndexedDB, and beside it what else an app that shares a session needs.
 * @typedef {object} SharedAuthStorage
 * @property {(key: string) => Promise<string | null>} getItem what an older build left in localStorage
 *   is taken over, and deleted there
 * @property {(key: string, value: string) => Promise<void>} setItem a session that is known to have
 *   been replaced by a newer one does not take its place
 * @property {(key: string) => Promise<void>} removeItem
 * @property {typeof globalThis.fetch} fetch for createClient's `global.fetch`: of all contexts only one
 *   exchanges the refresh token, the others get its answer; and only a definite refusal ends a session
 * @property {(pin: string) => Promise<void>} rememberPin keeps a salted hash of it, on this device only
 * @property {(pin: string) => Promise<boolean | null>} checkPin null: none is remembered
 * @property {() => Promise<void>} forgetPin
 */

/**
 * One session for all pages and workers:
 * `const storage = sharedAuthStorage()`,
 * `createClient(url, key, { auth: { storage }, global: { fetch: storage.fetch } })`.
 * Without IndexedDB it keeps things in memory.
 * @param {SharedAuthStorageOptions} [options]
 * @returns {SharedAuthStorage} rejects with SyncError "storage-lost" or "quota"
 */
export function sharedAuthStorage(options = {}) {
  const { database = 'somatic-sync', storageKey } = options
  checkPrefix(database)
  const items = new SharedItems(database, Date.now)
  const pin = rememberedPin(items.items)

  /** @type {typeof globalThis.fetch} */
  const fetch = async (input, init) => {
    const pass = options.fetch ?? globalThis.fetch
    const token = refreshTokenIn(input, init)
    if (token === null) return pass(input, init)
    const key = storageKey ?? defaultKey(String(input))
    const outcome = await exchangeToken({
      ...{ items, key, token, lock: lockName(database, key) },
      // supabase-js stores the answer itself, and would discard it if it were stored already
      keep: (kept, asked, answer) => exchanged(kept, asked, answer, Date.now()),
      send: (asked, signal) =>
        pass(input, {
          ...init,
          signal: init?.signal ?? signal,
          body: JSON.stringify({ refresh_token: asked }),
        }),
    })
    const { kind, text, response } = outcome
    const { status = 200, headers = json } = response ?? {}
    // supabase-js takes each 4xx for the end of the session, and only what is thrown for a dead network
    if (kind === 'failed' && status < 500) throw new TypeError(failure(status))
    return new Response(text, { status, headers })
  }

  return {
    getItem: async (key) => (await items.read(key))?.value ?? null,
    setItem: (key, value) => items.store(key, value),
    removeItem: (key) => items.remove(key),
    fetch,
    rememberPin: pin.remember,
    checkPin: pin.check,
    forgetPin: pin.forget,
  }
}

/**
 * @typedef {object} SharedSessionOptions
 * @property {string} url Supabase project URL
 * @property {string} key publishable (anon) key
 * @property {string} [database] as given to sharedAuthStorage
 * @property {string} [storageKey] as given to supabase-js
 * @property {typeof globalThis.fetch} [fetch]
 * @property {() => number} [now] milliseconds since 1970; default Date.now
 */

/**
 * The session of the pages, for a worker without supabase-js: an `auth` for openSync() and
 * startBackgroundSync(). It reads what is stored each time, refreshes it when it is about to end (or
 * when asked to), and stores what it gets as supabase-js does.
 * @param {SharedSessionOptions} options
 * @returns {(options?: { refresh?: boolean }) => Promise<Session | null>} null: nobody is signed in, or
 *   the server says that the session is over; rejects when that cannot be known
 */
export function sharedSession(options) {
  const { url, key: apikey, database = 'somatic-sync', now = Date.now } = options
  if (!/^https?:\/\/./.test(url))
    throw new SyncError('invalid-value', 'url must be the project URL')
  checkPrefix(database)
  const key = options.storageKey ?? defaultKey(url)
  const items = new SharedItems(database, now)
  const endpoint = `${url.replace(/\/+$/, '')}/auth/v1/token?grant_type=refresh_token`
  /** @type {string | null} of the session given last: a refresh is asked for because it was no good */
  let given = null

  /** @param {string | null} text */
  const give = (text) => {
    const tokens = tokensIn(text)
    given = tokens?.refresh_token ?? null
    return normalise(tokens)
  }

  return async ({ refresh = false } = {}) => {
    const kept = await items.read(key)
    const text = newestOf(kept)
    const tokens = tokensIn(text)
    if (!tokens) return give(null)
    const isNew = !refresh || (given !== null && given !== tokens.refresh_token)
    if (isNew && isFresh(kept, now())) return give(text)
    const exchange = {
      ...{ items, key, token: tokens.refresh_token, lock: lockName(database, key) },
      /** @type {import('./session/refresh.js').Exchange['keep']} */
      keep: (before, asked, answer) => {
        const after = exchanged(before, asked, answer, now())
        return after && stored(after, complete(answer, now()), now())
      },
      /** @param {string} token @param {AbortSignal} signal */
      send: (token, signal) =>
        (options.fetch ?? globalThis.fetch)(endpoint, {
          ...{ method: 'POST', signal, body: JSON.stringify({ refresh_token: token }) },
          headers: { ...json, apikey, 'x-supabase-api-version': '2024-01-01' },
        }),
    }
    /** @type {unknown} */
    let error
    const outcome = await exchangeToken(exchange).catch((reason) => {
      error = reason
    })
    if (outcome?.kind === 'session') {
      if (outcome.response) tell(key, 'TOKEN_REFRESHED', outcome.text)
      return give(outcome.text)
    }
    if (outcome?.kind === 'refused') {
      await signOut(items, key, outcome.token)
      // nobody, unless somebody signed in meanwhile
      return give(newestOf(await items.read(key)))
    }
    // It could not be made new, but may still do.
    if (!refresh && isFresh(kept, now(), 0)) return give(text)
    throw error ?? new Error(failure(outcome?.response?.status))
  }
}

/** Only if the session that the server refused is still the one here. @param {SharedItems} items @param {string} key @param {string} token */
async function signOut(items, key, token) {
  const changed = await items.change(key, (kept) =>
    tokensIn(newestOf(kept))?.refresh_token === token ? removed(kept) : undefined,
  )
  if (changed?.value === null) tell(key, 'SIGNED_OUT', null)
}

/**
 * Tells the clients of supabase-js in the pages, as they tell each other. Nothing depends on it.
 * @param {string} key
 * @param {string} event
 * @param {string | null} text
 */
function tell(key, event, text) {
  if (typeof BroadcastChannel !== 'function') return
  const channel = new BroadcastChannel(key)
  channel.postMessage({ event, session: tokensIn(text) })
  channel.close()
}

const json = { 'content-type': 'application/json;charset=UTF-8' }

/** supabase-js stores when the token ends, which an old server does not say. @param {string} answer @param {number} now */
function complete(answer, now) {
  const session = JSON.parse(answer)
  session.expires_at ??= Math.round(now / 1000) + (session.expires_in ?? 0)
  return JSON.stringify(session)
}

/** The key that supabase-js derives. @param {string} url */
function defaultKey(url) {
  return `sb-${new URL(url).hostname.split('.')[0]}-auth-token`
}

/** @param {string} database @param {string} key */
function lockName(database, key) {
  return `${database}-auth refresh ${key}`
}

/**
 * @param {unknown} input
 * @param {RequestInit | undefined} init
 * @returns {string | null} null: it is another request
 */
function refreshTokenIn(input, init) {
  if (typeof init?.body !== 'string') return null
  if (!/\/token\?(.*&)?grant_type=refresh_token(&|$)/.test(String(input))) return null
  try {
    const token = JSON.parse(init.body).refresh_token
    return typeof token === 'string' ? token : null
  } catch {
    return null
  }
}

/** @param {number | undefined} status */
function failure(status) {
  return `refreshing the session failed (status ${status})`
}

/** @typedef {import('./session/session.js').Session} Session */
