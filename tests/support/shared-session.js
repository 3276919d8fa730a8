// A device with one shared session: pages with supabase-js, workers without, over one database; and a
// count of the refreshes that reached the server. Knows no row.

import 'fake-indexeddb/auto'
import { sharedAuthStorage, sharedSession } from '../../js/auth-storage.js'
import { SharedItems } from '../../js/session/shared-items.js'
import { startLocalSupabase } from '../../supabase/local/server.js'
import { makeClient } from './auth.js'
import { startFaultProxy } from './fault-proxy.js'
import { newDatabase } from './open-client.js'

const storageKey = 'sb-127-auth-token'
const password = 'correct horse battery staple'

/** A real server that ends the session when a token is used that was replaced twice. */
export async function startAuthServer() {
  const server = await startLocalSupabase({})
  const proxy = await startFaultProxy(server.url)
  const endpoint = { url: proxy.url, anonKey: server.anonKey }
  let people = 0

  /** Signed in, by a page. */
  async function device() {
    const database = newDatabase()
    const email = `person${++people}@example.com`
    /** @type {string[]} what the clients of supabase-js told */
    const events = []
    const items = new SharedItems(database, Date.now)

    /** @param {{ isPlain?: boolean }} [options] isPlain: without our fetch */
    const page = ({ isPlain = false } = {}) => {
      const storage = sharedAuthStorage({ database })
      const client = makeClient(endpoint, {
        auth: {
          ...{ storage, storageKey, persistSession: true },
          ...{ autoRefreshToken: false, detectSessionInUrl: false },
        },
        global: isPlain ? {} : { fetch: storage.fetch },
      })
      client.auth.onAuthStateChange((event) => events.push(event))
      return client
    }
    /** @param {Partial<import('../../js/auth-storage.js').SharedSessionOptions>} [options] */
    const worker = (options) =>
      sharedSession({ url: proxy.url, key: server.anonKey, database, ...options })

    const { data, error } = await page().auth.signUp({ email, password })
    if (error) throw error
    return {
      ...{ database, email, password, page, worker, events, userId: data.user?.id ?? '' },
      storage: sharedAuthStorage({ database }),
      /** what supabase-js reads */
      stored: async () => JSON.parse((await items.read(storageKey))?.value ?? 'null'),
      /** The access token ends in so many seconds. @param {number} seconds */
      async endsIn(seconds) {
        await items.change(storageKey, (kept) => {
          if (!kept?.value) throw new Error('nobody is signed in')
          const at = Date.now() + seconds * 1000
          const session = { ...JSON.parse(kept.value), expires_at: Math.floor(at / 1000) }
          return { ...kept, value: JSON.stringify(session), freshUntil: at }
        })
      },
    }
  }

  return {
    ...{ server, proxy, endpoint },
    device,
    refreshes: () => proxy.counts.byPath['/auth/v1/token']?.requests ?? 0,
    async stop() {
      await proxy.stop()
      await server.stop()
    },
  }
}
export { storageKey }
