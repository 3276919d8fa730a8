// The local Supabase that demo, tests and benches use: @supabase/lite on PGlite behind HTTP, made to
// answer like a hosted project where lite does not (postgrest.js lists how), and realtime beside it
// (realtime.js), which lite has none of. One call starts it, one
// stops it, and any number may run in one process. Knows no table of ours: migrations bring those.

import { fileURLToPath } from 'node:url'
import { createAdaptorServer } from '@hono/node-server'
import {
  acceptVectorArrays,
  openDatabase,
  PROJECT_SQL,
  runSql,
  runSqlAs,
  StartError,
} from './database.js'
import { LOCAL_JWT_SECRET, mintToken } from './jwt.js'
import { App, printingTo } from './lite.js'
import { applyMigrations } from './migrations.js'
import { answerPreflight, refuseMalformedToken, withCorsHeaders } from './postgrest.js'
import { startRealtime } from './realtime.js'
import { hearMessages, mayHear, REALTIME_SQL } from './realtime-messages.js'

/**
 * @typedef {object} User
 * @property {string} email
 * @property {string} password
 *
 * @typedef {object} StartOptions
 * @property {string} [folder] keeps the database here; without it everything is in memory
 * @property {boolean} [reset] deletes the database kept in the folder first
 * @property {number} [port] default: a free one
 * @property {User[]} [users] made if they do not exist
 * @property {string} [migrations] folder of *.sql; default: supabase/migrations of this repository
 * @property {number} [tokenLifeSeconds] of access tokens; default 3600
 * @property {(line: string) => void} [log] what the server has to say, one line each
 *
 * @typedef {object} TestSession
 * @property {string} accessToken
 * @property {string} refreshToken
 * @property {string} userId
 * @property {number} expiresAt seconds since 1970, as in supabase-js
 *
 * @typedef {Awaited<ReturnType<typeof startLocalSupabase>>} LocalSupabase
 */

/** Public test keys, the same for every local server, so that a page survives its restart. */
const ANON_KEY = 'sb_publishable_local-supabase'
const SERVICE_KEY = 'sb_secret_local-supabase'

/** @type {User[]} */
export const TEST_USERS = [
  { email: 'ada@example.com', password: 'ada-password' },
  { email: 'ben@example.com', password: 'ben-password' },
]

const OUR_MIGRATIONS = fileURLToPath(new URL('../migrations/', import.meta.url))

/** @param {StartOptions} [options] */
export async function startLocalSupabase(options = {}) {
  const { folder, users = TEST_USERS, log = () => {} } = options
  /** @type {(request: Request) => Response | Promise<Response>} */
  let answer = () => new Response('The local Supabase is starting', { status: 503 })
  // Listen before the slow part: a taken port is reported at once.
  const server = /** @type {import('node:http').Server} */ (
    createAdaptorServer({ fetch: (request) => answer(request) })
  )
  const port = await listen(server, options.port ?? 0)
  const url = `http://127.0.0.1:${port}`

  /** @type {Awaited<ReturnType<typeof openDatabase>> | undefined} */
  let database
  /** @type {ReturnType<typeof startRealtime> | undefined} */
  let realtime
  const closeAll = async () => {
    realtime?.stop()
    await new Promise((resolve) => {
      const cut = setTimeout(() => server.closeAllConnections(), 200) // answers still being sent
      server.close(() => resolve(clearTimeout(cut)))
      server.closeIdleConnections()
    })
    if (!database) return
    await database.connection.close()
    await database.unlock()
  }

  try {
    database = await openDatabase(folder, options.reset)
    const { connection } = database
    const pglite = connection.driver
    const inTurn = makeQueue()
    const app = new App({
      connection,
      auth: {
        enabled: true,
        jwt_secret: LOCAL_JWT_SECRET,
        jwt_expiry: options.tokenLifeSeconds ?? 3600,
        publishable_key: ANON_KEY,
        secret_key: SERVICE_KEY,
      },
      api: { max_rows: 1000 },
    })
    await printingTo(log, () => app.ensureSystemSchema())
    await pglite.exec(PROJECT_SQL)
    await pglite.exec(REALTIME_SQL)
    const migrations = options.migrations ?? OUR_MIGRATIONS
    for (const file of await applyMigrations(pglite, migrations)) log(`applied ${file}`)
    await acceptVectorArrays(pglite)
    realtime = startRealtime({
      ...{ server, log, keys: [ANON_KEY, SERVICE_KEY] },
      mayHear: (claims, topic) => inTurn(() => mayHear(pglite, claims, topic)),
    })
    await hearMessages(pglite, realtime.deliver)

    answer = async (request) => {
      if (request.method === 'OPTIONS') return answerPreflight(request.headers)
      const isRest = new URL(request.url).pathname.startsWith('/rest/v1/')
      const refused = isRest && refuseMalformedToken(request.headers)
      if (refused) return withCorsHeaders(refused)
      const received = await receiveWhole(request)
      const response = await inTurn(() => printingTo(log, async () => app.fetch(received)))
      return withCorsHeaders(response)
    }

    /** @param {string} path @param {unknown} body */
    const post = async (path, body) => {
      const headers = { apikey: ANON_KEY, 'content-type': 'application/json' }
      const request = { method: 'POST', headers, body: JSON.stringify(body) }
      const response = await answer(new Request(url + path, request))
      const json = await response.json()
      if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(json)}`)
      return json
    }

    /** @param {string} email @param {string} password @returns {Promise<TestSession>} */
    const signIn = async (email, password) => {
      const session = await post('/auth/v1/token?grant_type=password', { email, password })
      return {
        accessToken: session.access_token,
        refreshToken: session.refresh_token,
        userId: session.user.id,
        expiresAt: session.expires_at,
      }
    }

    /** @param {User} user */
    const ensureUser = async ({ email, password }) => {
      const findId = 'select id from auth.users where email = $1'
      let [found] = await runSql(pglite, findId, [email])
      if (!found) {
        await post('/auth/v1/signup', { email, password })
        found = (await runSql(pglite, findId, [email]))[0]
      }
      return { id: /** @type {string} */ (found.id), email, password }
    }
    const madeUsers = []
    for (const user of users) madeUsers.push(await ensureUser(user))
    // lite reads the database's schema at the first request; do not leave that to the first test.
    await printingTo(log, () => connection.introspect({ useCache: true }))

    /** @type {Promise<void> | undefined} */
    let stopped
    return {
      url,
      anonKey: ANON_KEY,
      serviceKey: SERVICE_KEY,
      users: madeUsers,
      signIn,
      mintToken,
      realtime,

      /**
       * As the global fetch, for this server's URLs, without the network: for tests and benches
       * that want to leave sockets out.
       * @type {typeof fetch}
       */
      fetch: async (input, init) => answer(new Request(input, init)),

      /**
       * Runs SQL as the superuser. After a change of schema the REST side sees it at once, as it
       * does on a hosted project.
       * @param {string} text one statement with params, or any number of statements without
       * @param {unknown[]} [params]
       * @returns {Promise<any[]>} rows of the last statement
       */
      sql: (text, params) =>
        inTurn(async () => {
          const rows = await runSql(pglite, text, params)
          if (/\b(create|alter|drop)\b/i.test(text)) await connection.clearSchemaCache()
          return rows
        }),

      /**
       * Runs one statement as a signed-in user (null: anonymous) under row-level security.
       * @param {string | null} userId
       * @param {string} text
       * @param {unknown[]} [params]
       */
      sqlAs: (userId, text, params) => inTurn(() => runSqlAs(pglite, userId, text, params)),

      /** Lets running requests finish, then closes everything. May be called twice. */
      stop() {
        answer = () => new Response('The local Supabase is stopping', { status: 503 })
        stopped ??= inTurn(closeAll)
        return stopped
      },
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}

/**
 * @param {import('node:http').Server} server
 * @param {number} port
 * @returns {Promise<number>}
 */
function listen(server, port) {
  return new Promise((resolve, reject) => {
    server.once('error', (/** @type {NodeJS.ErrnoException} */ error) => {
      const mendable = error.code === 'EADDRINUSE' || error.code === 'EACCES'
      const message = `Cannot listen on port ${port} (${error.code}): choose another with --port`
      reject(mendable ? new StartError(message) : error)
    })
    server.listen(port, '127.0.0.1', () => {
      resolve(/** @type {import('node:net').AddressInfo} */ (server.address()).port)
    })
  })
}

/**
 * One task at a time. lite runs all requests on one database connection without a lock: two at once
 * share one transaction, so the second commits or aborts the first's work, or runs under its role.
 */
function makeQueue() {
  /** @type {Promise<unknown>} */
  let last = Promise.resolve()
  /** @template T @param {() => Promise<T>} task @returns {Promise<T>} */
  return (task) => {
    const result = last.then(task)
    last = result.catch(() => {})
    return result
  }
}

/**
 * Reads the body before the request takes its turn, so that a slow sender does not hold up the rest;
 * and drops the abort signal: like the real one, the server finishes what a vanished client began.
 * @param {Request} request
 */
async function receiveWhole(request) {
  const { method, headers } = request
  const hasBody = method !== 'GET' && method !== 'HEAD'
  return new Request(request.url, {
    method,
    headers,
    body: hasBody ? await request.arrayBuffer() : undefined,
  })
}
