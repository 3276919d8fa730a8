// Owns calling a function of the project's database as the user, outside a sync run. Knows no function.

import { SyncError } from './error.js'

/**
 * @typedef {(name: string, args: object) => Promise<any>} Rpc rejects with a SyncError: "offline",
 *   "signed-out", "unauthorized", "migrations-missing", "server"
 */

/**
 * @param {object} parts
 * @param {(path: string, init: RequestInit) => Promise<Response>} parts.fetch
 * @param {(refresh: boolean) => Promise<import('./session/session.js').Session | null>} parts.session
 * @param {string} parts.userId nobody else's session is used
 * @returns {Rpc}
 */
export function rpcAs({ fetch, session, userId }) {
  /** @param {string} name @param {object} args @param {boolean} refresh */
  async function call(name, args, refresh) {
    const who = await attempt(() => session(refresh))
    if (who?.userId !== userId) throw new SyncError('signed-out', 'this user is not signed in')
    const headers = {
      'content-type': 'application/json',
      authorization: `Bearer ${who.accessToken}`,
    }
    const init = { method: 'POST', headers, body: JSON.stringify(args) }
    return attempt(() => fetch(`/rest/v1/rpc/${name}`, init))
  }

  return async (name, args) => {
    let response = await call(name, args, false)
    if (response.status === 401) response = await call(name, args, true)
    if (response.ok) return response.status === 204 ? null : response.json()
    const { code = '', message = '' } = await response.json().catch(() => ({}))
    const detail = `${name}(): ${message || `status ${response.status}`}`
    if (response.status === 401) throw new SyncError('unauthorized', `sign in again: ${detail}`)
    if (code === 'PGRST202') {
      throw new SyncError('migrations-missing', `run \`supabase db push\`: ${detail}`)
    }
    throw new SyncError('server', detail)
  }
}

/** @template T @param {() => Promise<T>} work */
async function attempt(work) {
  try {
    return await work()
  } catch (error) {
    throw new SyncError('offline', 'the server cannot be reached', error)
  }
}
