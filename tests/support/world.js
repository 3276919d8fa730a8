// One local Supabase with the real migrations, a fault proxy in front of it, and devices of its users,
// for end-to-end tests: real engine, real IndexedDB format, real supabase-js sessions. Ends all it starts.

import 'fake-indexeddb/auto'
import { randomUUID } from 'node:crypto'
import { openSync } from '../../js/index.js'
import { startLocalSupabase } from '../../supabase/local/server.js'
import { authOf, makeClient, signedInClient } from './auth.js'
import { startFaultProxy } from './fault-proxy.js'

/** @typedef {Awaited<ReturnType<typeof startWorld>>} World */
/** @typedef {Awaited<ReturnType<World['device']>>} Device */

/**
 * Starts it; call `stop()` at the end.
 * @param {Parameters<typeof startLocalSupabase>[0]} [options]
 */
export async function startWorld(options = {}) {
  const server = await startLocalSupabase(options)
  const proxy = await startFaultProxy(server.url)
  const endpoint = { url: proxy.url, anonKey: server.anonKey }
  /** @type {Set<{ close(): Promise<void> }>} */
  const open = new Set()
  let people = 0

  /** A user nobody else uses, so that tests do not meet. @returns {Promise<User>} */
  async function newUser() {
    const email = `person${++people}-${randomUUID()}@example.com`
    const client = await signUp(email)
    const { data } = await client.auth.getUser()
    return { id: data.user?.id ?? '', email, password, client }
  }

  /** @param {string} email */
  async function signUp(email) {
    const client = makeClient(endpoint)
    const { error } = await client.auth.signUp({ email, password })
    if (error) throw error
    return signedInClient(endpoint, { email, password })
  }

  /**
   * A device of the user: its own database, unless `database` names one that was used before.
   * Talks to the server only in sync(), and writes nothing of its own, unless told otherwise.
   * @param {User} user
   * @param {Partial<import('../../js/open.js').OpenOptions>} [options]
   */
  async function device(user, options = {}) {
    /** @type {unknown[]} */
    const errors = []
    const client = await openSync({
      url: proxy.url,
      key: server.anonKey,
      auth: authOf(user.client),
      database: `device-${randomUUID()}`,
      autoSync: false,
      insights: false,
      onError: (error) => errors.push(error),
      ...options,
    })
    open.add(client)
    return Object.assign(client, { errors })
  }

  /** What openSync() in a page needs to sync as this user; JSON can hold it. @param {User} user */
  async function pageOptions(user) {
    const { data } = await user.client.auth.getSession()
    if (!data.session) throw new Error(`${user.email} is not signed in`)
    const session = { accessToken: data.session.access_token, userId: user.id }
    return { url: proxy.url, key: server.anonKey, session }
  }

  async function stop() {
    for (const client of open) await client.close().catch(() => {})
    await proxy.stop()
    await server.stop()
  }

  return { server, proxy, endpoint, newUser, device, pageOptions, stop }
}

const password = 'correct horse battery staple'

/** @typedef {{ id: string, email: string, password: string, client: import('@supabase/supabase-js').SupabaseClient }} User */

/**
 * Syncs in turn until nothing moves any more: two rounds are enough for any two devices.
 * @param {...{ sync(): Promise<unknown> }} devices
 */
export async function settle(...devices) {
  for (let round = 0; round < 2; round++) for (const each of devices) await each.sync()
}

/** All rows of a client, as the app reads them, by collection. @param {any} client */
export function allRows(client) {
  /** @type {Record<string, unknown[]>} */
  const rows = {}
  for (const name of synced) rows[name] = [...client.collection(name).list()]
  return rows
}

/** The collections that travel. */
export const synced = [
  ...['progress', 'achievements', 'path', 'logs', 'cosmic'],
  ...['astrology', 'attunements', 'embeddings', 'health'],
]

/** Numbers in [0, 1) that are the same for the same seed. @param {number} seed */
export function seeded(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}
