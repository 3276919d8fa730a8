// Signed-in supabase-js clients for tests, and the two forms of `auth` that openSync() takes. Works
// against any URL, so that a test can put the fault proxy in between. Knows no table.

import { createClient } from '@supabase/supabase-js'
// @ts-expect-error ws ships no types, and @types/ws is not worth a dependency for one constructor
import { WebSocket } from 'ws'

/**
 * @typedef {{ accessToken: string, userId: string, expiresAt?: number }} Session
 * @typedef {(options: { refresh: boolean }) => Promise<Session | null>} AuthFunction
 * @typedef {{ url: string, anonKey: string }} Endpoint
 */

/**
 * A supabase-js client with a session of its own that nothing refreshes or stores behind the test's
 * back.
 * @param {Endpoint} endpoint
 * @param {import('@supabase/supabase-js').SupabaseClientOptions<'public'>} [options]
 */
export function makeClient({ url, anonKey }, options = {}) {
  return createClient(url, anonKey, {
    ...options,
    auth: { persistSession: false, autoRefreshToken: false, ...options.auth },
    realtime: { transport: WebSocket, ...options.realtime }, // Node 20 has no WebSocket
  })
}

/**
 * @param {Endpoint} endpoint
 * @param {{ email: string, password: string }} user
 * @param {Parameters<typeof makeClient>[1]} [options]
 */
export async function signedInClient(endpoint, { email, password }, options) {
  const client = makeClient(endpoint, options)
  const { error } = await client.auth.signInWithPassword({ email, password })
  if (error) throw error
  return client
}

/**
 * The function form of `auth`, over a supabase-js client.
 * @param {ReturnType<typeof makeClient>} client
 * @returns {AuthFunction}
 */
export function authOf(client) {
  return async ({ refresh }) => {
    const { data } = await (refresh ? client.auth.refreshSession() : client.auth.getSession())
    if (!data.session) return null
    const { access_token, user, expires_at } = data.session
    return { accessToken: access_token, userId: user.id, expiresAt: expires_at }
  }
}

/**
 * The function form of `auth`, from a script: the first session until a refresh is asked for, then
 * the next, the last one for good. `refreshes` tells how often it was asked.
 * @param {(Session | null)[]} sessions
 */
export function scriptedAuth(...sessions) {
  let index = 0
  const auth = Object.assign(
    /** @type {AuthFunction} */
    async ({ refresh }) => {
      if (refresh) {
        auth.refreshes += 1
        index = Math.min(index + 1, sessions.length - 1)
      }
      return sessions[index] ?? null
    },
    { refreshes: 0 },
  )
  return auth
}
