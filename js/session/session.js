// Owns who is signed in: the two forms of OpenOptions.auth made one. Knows no database and no
// request; a token is read here and kept nowhere.

import { SyncError } from '../error.js'
import { idleTimeout, within } from '../within.js'

/**
 * @typedef {object} Session
 * @property {string} accessToken
 * @property {string} userId
 * @property {number} [expiresAt] milliseconds since 1970
 */

/**
 * The part of supabase-js' `auth` that is used.
 * @typedef {object} AuthLike
 * @property {() => Promise<{ data: { session: unknown } }>} getSession
 * @property {() => Promise<{ data: { session: unknown } }>} [refreshSession]
 * @property {(callback: (event: string, session: unknown) => void) => unknown} [onAuthStateChange]
 */

/** @typedef {AuthLike | ((options: { refresh: boolean }) => Promise<Session | null>)} Auth */

/** supabase-js retries a refresh for up to 30 s when offline. */
const answerMs = 40_000

/**
 * @typedef {object} SessionSource
 * @property {(refresh: boolean) => Promise<Session | null>} get null: nobody for the moment.
 *   Rejects when asking failed, as it does offline
 * @property {(onChange: (event: string, session: Session | null) => void) => () => void} watch
 *   tells every change the auth object reports, outside its call; returns what stops it
 */

/**
 * @param {Auth} auth
 * @returns {SessionSource}
 */
export function sessionSource(auth) {
  return {
    async get(refresh) {
      const asked = typeof auth === 'function' ? auth({ refresh }) : askObject(auth, refresh)
      const answer = await within(answerMs, asked, () => new Error('auth does not answer'))
      return normalise(answer)
    },
    watch(onChange) {
      if (typeof auth === 'function' || !auth.onAuthStateChange) return () => {}
      let isWatching = true
      const subscription = auth.onAuthStateChange((event, session) => {
        // supabase-js holds its lock during the call: a call back into auth would wait for ever
        idleTimeout(() => {
          if (isWatching) onChange(event, readable(session))
        }, 0)
      })
      return () => {
        isWatching = false
        unsubscribe(subscription)
      }
    },
  }
}

/** @param {AuthLike} auth @param {boolean} refresh @returns {Promise<unknown>} */
async function askObject(auth, refresh) {
  const answer = /** @type {{ data?: { session: unknown }, error?: any }} */ (
    refresh && auth.refreshSession ? await auth.refreshSession() : await auth.getSession()
  )
  const error = answer?.error
  // Another tab was faster, so the session is there, only not in this answer.
  if (refresh && error?.name === 'AuthRefreshDiscardedError') return askObject(auth, false)
  if (error && !answer?.data?.session && isPassing(error)) throw error
  return answer?.data?.session ?? null
}

/** @param {unknown} session @returns {Session | null} null for what is no session */
function readable(session) {
  try {
    return normalise(session)
  } catch {
    return null
  }
}

/**
 * Asking failed, as against "there is no session" and "the token is no good", which supabase-js also
 * reports as errors, with a status of 4xx.
 * @param {{ status?: unknown }} error
 */
function isPassing({ status }) {
  if (typeof status !== 'number') return true
  return status < 400 || status >= 500 || status === 408 || status === 429
}

/**
 * @param {unknown} session ours, or one of supabase-js
 * @returns {Session | null}
 * @throws {SyncError} "invalid-value" when it is neither
 */
export function normalise(session) {
  if (session === null || session === undefined) return null
  const given = /** @type {any} */ (session)
  const accessToken = given.accessToken ?? given.access_token
  const userId = given.userId ?? given.user?.id ?? claimsOf(accessToken).sub
  if (typeof accessToken !== 'string' || typeof userId !== 'string' || !accessToken || !userId) {
    throw new SyncError('invalid-value', 'auth gave a session without accessToken or userId')
  }
  const expiresAt = typeof given.expires_at === 'number' ? given.expires_at * 1000 : given.expiresAt
  return expiresAt === undefined ? { accessToken, userId } : { accessToken, userId, expiresAt }
}

/** What an access token says about itself, unverified. @param {unknown} token @returns {any} */
export function claimsOf(token) {
  try {
    const payload = String(token).split('.')[1].replace(/-/g, '+').replace(/_/g, '/')
    return JSON.parse(atob(payload)) ?? {}
  } catch {
    return {}
  }
}

/** @param {any} subscription `{ data: { subscription } }` of supabase-js, or a function */
function unsubscribe(subscription) {
  if (typeof subscription === 'function') subscription()
  else subscription?.data?.subscription?.unsubscribe?.()
}
