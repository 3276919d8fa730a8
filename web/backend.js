// Owns the server of `npm start`: a local Supabase whose users have a month of data. Seeded once: by devices of theirs,
// through the package, as the data would have come.

import 'fake-indexeddb/auto'
import { monthOf } from '../demo/month.js'
import { openSync } from '../js/index.js'
import { startLocalSupabase, TEST_USERS } from '../supabase/local/server.js'

/** @param {{ folder?: string, reset?: boolean, say?: (line: string) => void }} options */
export async function startBackend({ folder, reset, say = () => {} }) {
  say('Starting the local Supabase')
  const server = await startLocalSupabase({ folder, reset })
  for (const [i, { email, password }] of TEST_USERS.entries()) {
    const session = await server.signIn(email, password)
    const [{ count }] = await server.sql(
      'select count(*)::int as count from sovereign_logs where user_id = $1',
      [session.userId],
    )
    if (count > 0) continue
    say(`Writing a month of data for ${email}`)
    await seed(server, session, { person: email.split('@')[0], seed: i + 1 })
  }
  return server
}

/** @param {any} server @param {any} session @param {{ person: string, seed: number }} whose */
async function seed(server, session, whose) {
  const client = await openSync({
    ...{ url: server.url, key: server.anonKey, auth: async () => session },
    ...{ storage: 'memory', autoSync: false },
  })
  await client.batch(() => {
    for (const { collection, key, op, fields, field, by } of monthOf(whose)) {
      const rows = /** @type {any} */ (client).collection(collection)
      if (op === 'increment') rows.increment(key, field, by, fields).catch(() => {})
      else if (op === 'remove') rows.remove(key).catch(() => {})
      else rows[op](key, fields).catch(() => {})
    }
  })
  await client.sync()
  await client.close()
}
