// Owns putting a client together: options, session, database, module, engine, the browser's events.
// Knows no effect beyond handing it on.

import { inPieces } from './answer-pieces.js'
import { listenToBrowser } from './browser-events.js'
import { SyncClient } from './client.js'
import { ClientState } from './client-state.js'
import { Contexts } from './contexts/contexts.js'
import { Core } from './engine.js'
import { asSyncError, messageOf, SyncError } from './error.js'
import { loadModule } from './load-module.js'
import { noteOwnName } from './realtime/own-name.js'
import { makeRequests } from './requests.js'
import { rpcAs } from './rpc.js'
import { defineSchema } from './schema.js'
import { sessionSource } from './session/session.js'
import { watchAuth } from './session/watch-auth.js'
import { somaticSchema } from './somatic-schema.js'
import { IndexedDbDisk } from './storage/disk.js'
import { MemoryDisk } from './storage/memory-disk.js'
import { rememberedUser } from './storage/users.js'
import { within } from './within.js'

/**
 * @template {import('./schema.js').Schema} [S=import('./somatic-schema.js').SomaticSchema]
 * @typedef {object} OpenOptions
 * @property {string} url Supabase project URL
 * @property {string} key publishable (anon) key, sent as `apikey`
 * @property {import('./session/session.js').Auth} auth a supabase-js `auth` object, or a function giving
 *   the current session (null when there is none)
 * @property {S} [schema] default somaticSchema
 * @property {string} [database] IndexedDB name prefix; one database per user. Default "somatic-sync"
 * @property {'indexeddb' | 'memory'} [storage] default "indexeddb" where it exists; "memory":
 *   nothing survives close
 * @property {'relaxed' | 'strict'} [durability] default "relaxed": safe against killed processes;
 *   "strict": flushed to disk on each commit
 * @property {number} [foldAfter] after how many writes to the journal it is folded into a snapshot,
 *   so that opening stays fast. Default 1000
 * @property {boolean} [autoSync] push soon after a write, pull on start, focus, reconnect and realtime pokes.
 *   Default true; false: only sync() talks to the network
 * @property {number} [debounceMs] quiet time after the last write before a push. Default 500
 * @property {SupabaseClientLike} [realtime] live updates: a supabase-js client, signed in as the user (its
 *   realtime is used); omit to pull on start, focus and reconnect only
 * @property {import('./search/embedders.js').Embedder} [embedder] text -> vector, for search by text and
 *   automatic embeddings
 * @property {'rules' | 'all'} [embed] which logs get embeddings: those that a rule of the schema asks for
 *   (default), or all
 * @property {boolean} [insights] compute path.patterns from the sovereign logs and tell "archetypeDue".
 *   Default true where the schema has logs and path
 * @property {typeof fetch} [fetch]
 * @property {() => number} [now] milliseconds since 1970; default Date.now
 * @property {string | URL | BufferSource} [wasm] where module.wasm is, or its bytes
 * @property {(error: import('./error.js').SyncErrorInfo) => void} [onError] every failure, once
 * @property {number} [knownFormat] for tests: be a build that knows no newer format of stored data
 */

/**
 * The part of a supabase-js client without which there is no realtime.
 * @typedef {{ channel(name: string, options?: unknown): unknown, removeChannel(channel: unknown): unknown }} SupabaseClientLike
 */

/** How long a slow auth may hold up the start: shorter when it is known whose data to open. */
const sessionWaitMs = { known: 2_000, unknown: 10_000 }

/**
 * openSync() of the public API, with the module's factory handed in.
 * @template {import('./schema.js').Schema} [S=import('./somatic-schema.js').SomaticSchema]
 * @param {OpenOptions<S>} options
 * @param {import('./load-module.js').ModuleFactory} createModule
 * @returns {Promise<SyncClient<S>>}
 * @throws {SyncError} "invalid-value" for options that make no sense, "storage-lost" or "quota" when
 *   the database cannot be opened, "invariant" when module.wasm cannot be loaded
 */
export async function open(options, createModule) {
  checkOptions(options)
  const { database = 'somatic-sync', now = Date.now, autoSync = true, onError } = options
  const schema = defineSchema(
    /** @type {import('./schema.js').Schema} */ (options.schema ?? somaticSchema),
  )
  const storage = options.storage ?? (hasIndexedDb() ? 'indexeddb' : 'memory')
  const isDurable = storage === 'indexeddb'
  const source = sessionSource(options.auth)
  const users = isDurable ? rememberedUser(database) : null
  const auth = watchAuth(source)
  /** @type {(() => unknown)[]} what close() undoes, last first */
  const undo = [auth.stop]
  const release = async () => {
    for (const step of undo.reverse()) await step()
  }
  try {
    const { userId, session, asked } = await whoseData(source, users)
    const forgetUser = async () => users?.forget()
    const parts = {
      ...{ userId, schema, now, onError, release, forgetUser, embedder: options.embedder },
      storage: nameOfStorage(isDurable),
    }
    /** @param {ClientState} state @returns {SyncClient<any>} */
    const start = (state) => {
      auth.follow(userId, (event, newUserId) => {
        if (event === 'SIGNED_OUT') users?.forget().catch((error) => state.report(error))
        state.parts.contexts?.retire()
        state.userGone(newUserId)
      })
      // auth may have been slow, and the last user's data was opened meanwhile
      asked.then(auth.check, () => {})
      return new SyncClient(state)
    }
    if (userId === null)
      return start(new ClientState({ ...parts, core: null, contexts: null, rpc: null }))
    const module = await loadModule(createModule, options.wasm)
    const name = `/${database}/${encodeURIComponent(userId)}`
    const disk = isDurable
      ? new IndexedDbDisk({
          ...{ name, module },
          durability: options.durability,
          foldAfter: options.foldAfter,
        })
      : new MemoryDisk()
    undo.push(() => disk.close())
    const requests = makeRequests(options)
    const ownName = noteOwnName(requests.fetch)
    /** @type {ClientState} there before the first effect is started */
    let state
    const format = options.knownFormat ?? module.journalFormat()
    const config = {
      ...{ schema, userId, autoSync, debounceMs: options.debounceMs ?? 500 },
      ...{ entropy: randomHex(16), inMemory: !isDurable, format },
    }
    const core = new Core(module, config, {
      ...{ disk, now, fetch: inPieces(options.realtime ? ownName.fetch : requests.fetch) },
      askSession: (refresh) => answerSession(core, contexts, source, auth, userId, refresh),
      onCommitted: () => contexts.onCommitted(),
      onChanged: (name, keys, later) => state.onChanged(name, keys, later),
      onStatus: () => state.status.changed(),
      onProgress: (progress, later) => later(() => state.onProgress.call(progress)),
      onNotify: (event, detail, later) => state.onNotify(event, detail, later),
      onFailed: (error, later) => state.onFailed(error, later),
    })
    undo.push(
      () => core.free(),
      () => requests.stop(),
    )
    const contexts = new Contexts({ core, disk, name: isDurable ? name : '', autoSync, format })
    undo.push(() => contexts.stop())
    const rpc = rpcAs({ fetch: requests.fetch, session: source.get, userId })
    state = new ClientState({ ...parts, core, contexts, rpc })
    state.status.followers.add(() => contexts.onStatus())
    await contexts.announce()
    await disk.load((...segment) => core.load(...segment))
    // a full disk must not keep anybody from reading
    if (session) await users?.remember(userId).catch((error) => state.report(error))
    core.feed({ type: 'loaded' })
    undo.push(listenToBrowser(contexts))
    contexts.start()
    if (isDurable) askToPersist(state)
    if (options.realtime && autoSync) {
      startRealtime(state, {
        ...{ client: options.realtime, userId, contexts },
        isOwn: ownName.isOwn,
      })
    }
    if (options.embedder) startEmbedding(state, options, name)
    if (options.insights !== false) startInsights(state, module, name)
    return start(state)
  } catch (error) {
    await release()
    throw error
  }
}

/**
 * Whose database to open: of who is signed in, else of the last user of this device.
 * @param {import('./session/session.js').SessionSource} source
 * @param {ReturnType<typeof rememberedUser> | null} users
 */
async function whoseData(source, users) {
  const known = (await users?.read()) ?? null
  const asked = source.get(false)
  const wait = known === null ? sessionWaitMs.unknown : sessionWaitMs.known
  /** @type {import('./session/session.js').Session | null} */
  let session = null
  try {
    session = await within(wait, asked, () => new Error('auth is slow'))
  } catch (error) {
    // offline or slow is not signed out; a session that is none is a mistake in the app
    if (error instanceof SyncError) throw error
  }
  return { userId: session?.userId ?? known, session, asked }
}

/**
 * Answers AskSession, with which a run begins: what other contexts wrote goes along. Somebody else's
 * session ends this client instead.
 * @param {Core} core
 * @param {Contexts} contexts
 * @param {import('./session/session.js').SessionSource} source
 * @param {import('./session/watch-auth.js').AuthWatch} auth
 * @param {string} userId
 * @param {boolean} refresh
 */
async function answerSession(core, contexts, source, auth, userId, refresh) {
  const answer = { type: 'sessionIs', accessToken: '', userId: '', error: '' }
  try {
    await contexts.refresh()
    const session = await source.get(refresh)
    auth.check(session)
    if (session?.userId === userId) {
      answer.accessToken = session.accessToken
      answer.userId = userId
    }
  } catch (error) {
    answer.error = messageOf(error)
  }
  core.feed(answer)
}

/**
 * In the background, and in a module of its own: nothing waits for it, and who does not use it never loads it.
 * @param {ClientState} state
 * @param {string} what is not made when that fails
 * @param {() => Promise<() => { stop(): Promise<void> }>} load
 */
async function startHelper(state, what, load) {
  try {
    const start = await load()
    if (state.isClosing) return
    const helper = start()
    state.helpers.push(() => helper.stop())
  } catch (error) {
    state.report(asSyncError(error, 'invariant', `${what} are not made`))
  }
}

/** @param {ClientState} state @param {ConstructorParameters<typeof import('./realtime/realtime.js').Realtime>[1]} parts */
function startRealtime(state, parts) {
  startHelper(state, 'live updates', async () => {
    const { Realtime } = await import('./realtime/realtime.js')
    return () => new Realtime(state, parts)
  })
}

/** @param {ClientState} state @param {OpenOptions<any>} options @param {string} name */
function startEmbedding(state, { embedder, embed }, name) {
  const { collections } = state.parts.schema
  const into = Object.keys(collections).find((each) => state.rows.get(each)?.vectors.length)
  if (!embedder || into === undefined) return
  startHelper(state, 'embeddings', async () => {
    const { EmbeddingMaker } = await import('./search/embedding-maker.js')
    return () =>
      new EmbeddingMaker(state, {
        ...{ embedder, into, isAll: embed === 'all', lockName: `somatic-sync:${name}:embedding` },
        onFailed: (error) => state.report(error),
      })
  })
}

/** @param {ClientState} state @param {import('./load-module.js').Module} module @param {string} name */
function startInsights(state, module, name) {
  const { logs, path } = state.parts.schema.collections
  const isKept = path?.key === 'self' && (path.fields.patterns || path.fields.archetypeAnalysis)
  if (!logs || !isKept || !module.Patterns) return
  startHelper(state, 'insights', async () => {
    const { Insights } = await import('./insights/insights.js')
    return () => {
      state.insights = new Insights(state, {
        ...{ patterns: new module.Patterns(), lockName: `somatic-sync:${name}:patterns` },
        onFailed: (error) => state.report(error),
      })
      return state.insights
    }
  })
}

/** @param {ClientState} state */
async function askToPersist({ status }) {
  const storage = globalThis.navigator?.storage
  if (!storage?.persisted) return
  try {
    status.persisted = (await storage.persisted()) || ((await storage.persist?.()) ?? false)
    status.changed()
  } catch {
    // it stays null: unknown
  }
}

/** @param {boolean} isDurable @returns {'durable' | 'memory'} */
function nameOfStorage(isDurable) {
  return isDurable ? 'durable' : 'memory'
}

function hasIndexedDb() {
  return typeof indexedDB === 'object' && indexedDB !== null
}

/** @param {number} bytes @returns {string} */
function randomHex(bytes) {
  const random = crypto.getRandomValues(new Uint8Array(bytes))
  return Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** @param {any} options */
function checkOptions(options) {
  /** @param {boolean} holds @param {string} text */
  const check = (holds, text) => {
    if (!holds) throw new SyncError('invalid-value', `openSync: ${text}`)
  }
  check(typeof options === 'object' && options !== null, 'options are missing')
  const { url, key, auth, database, storage, durability, foldAfter, debounceMs } = options
  const { embedder, embed, insights, realtime } = options
  check(/^https?:\/\/./.test(url), 'url must be the project URL, https://...')
  check(typeof key === 'string' && key !== '', 'key must be the publishable key')
  const hasAuth = typeof auth === 'function' || typeof auth?.getSession === 'function'
  check(hasAuth, 'auth must be a supabase-js auth object or a function')
  const isName = database === undefined || /^[\w.-]+$/.test(database)
  check(isName, 'database may hold letters, digits and _ . - only')
  check([undefined, 'indexeddb', 'memory'].includes(storage), 'storage is "indexeddb" or "memory"')
  check(
    [undefined, 'relaxed', 'strict'].includes(durability),
    'durability is "relaxed" or "strict"',
  )
  const isCount = foldAfter === undefined || (Number.isInteger(foldAfter) && foldAfter > 0)
  check(isCount, 'foldAfter must be a number of writes')
  const isEmbedder = embedder === undefined || typeof embedder?.embed === 'function'
  check(isEmbedder, 'embedder must have a function embed')
  const isClient = ['channel', 'removeChannel'].every((it) => typeof realtime?.[it] === 'function')
  check(realtime === undefined || isClient, 'realtime must be a supabase-js client')
  check([undefined, 'rules', 'all'].includes(embed), 'embed is "rules" or "all"')
  check([undefined, true, false].includes(insights), 'insights is true or false')
  check(debounceMs === undefined || debounceMs >= 0, 'debounceMs must be milliseconds')
}
