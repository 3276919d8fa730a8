// Owns the package entry "./react": hooks over a SyncClient. Knows only the client's public API; React comes from
// the app. Every hook reads through useSyncExternalStore, so that one render shows one state of the data.

import {
  createContext,
  createElement,
  useContext,
  useEffect,
  useState,
  useSyncExternalStore,
} from 'react'

/** @typedef {import('./client.js').SyncClient<any>} SyncClient */

/** @type {import('react').Context<SyncClient | null>} */
const Client = createContext(/** @type {SyncClient | null} */ (null))

/** @type {readonly any[]} */
const noRows = Object.freeze([])

/** What a server renders, and the first render of a page that it rendered. @type {import('./status.js').SyncStatus} */
const statusOnServer = Object.freeze({
  state: 'idle',
  pending: 0,
  rejected: 0,
  lastSyncedAt: null,
  lastError: null,
  nextRetryAt: null,
  storage: 'memory',
  persisted: null,
  realtime: 'off',
})

/**
 * Gives the client to everything below. Null while it is being opened, and on a server: hooks read empty then.
 * @param {{ client: SyncClient | null, children?: import('react').ReactNode }} props
 */
export function SyncProvider({ client, children }) {
  return createElement(Client.Provider, { value: client }, children)
}

/** The client; null while there is none. @returns {SyncClient | null} */
export function useSync() {
  return useContext(Client)
}

/** The client's status; the same object while nothing changed. @returns {import('./status.js').SyncStatus} */
export function useSyncStatus() {
  const client = useSync()
  return useSyncExternalStore(
    (listener) => client?.subscribe(listener) ?? (() => {}),
    () => client?.status() ?? statusOnServer,
    () => statusOnServer,
  )
}

/**
 * The rows of a collection, filtered and in order; the same array while they did not change.
 * @template [T=any]
 * @param {string} name
 * @param {import('./collection.js').ListOptions<T>} [options] may be made anew in each render
 * @returns {ReadonlyArray<Readonly<T>>}
 */
export function useCollection(name, options) {
  const collection = useCollectionOf(name)
  return useSyncExternalStore(
    (listener) => collection?.subscribe(listener) ?? (() => {}),
    () => collection?.list(options) ?? noRows,
    () => noRows,
  )
}

/**
 * One row; undefined while there is none. Renders again only when this row changed.
 * @template [T=any]
 * @param {string} name of the collection
 * @param {string} key "self" for singletons
 * @returns {Readonly<T> | undefined}
 */
export function useRow(name, key) {
  const collection = useCollectionOf(name)
  return useSyncExternalStore(
    (listener) => collection?.subscribe(listener) ?? (() => {}),
    () => collection?.get(key),
    () => undefined,
  )
}

/**
 * What is like the query. Searched again when query or options change; the former matches stay until the new ones are
 * there.
 * @param {ArrayLike<number> | string} query '' finds nothing
 * @param {import('./search/search.js').SearchOptions} [options] may be made anew in each render
 * @returns {{ matches: import('./search/search.js').Match[], isSearching: boolean, error: unknown }}
 */
export function useSearch(query, options) {
  const client = useSync()
  const [found, setFound] = useState(nothingFound)
  const asked = JSON.stringify([typeof query === 'string' ? query : Array.from(query), options])
  useEffect(() => {
    let isWanted = true
    /** @param {object} change */
    const show = (change) => {
      if (isWanted) setFound((before) => ({ ...before, ...change }))
    }
    const [text, given] = JSON.parse(asked)
    if (!client || text.length === 0) {
      setFound(nothingFound)
    } else {
      show({ isSearching: true })
      client.search(text, given ?? undefined).then(
        (matches) => show({ matches, isSearching: false, error: null }),
        (error) => show({ matches: [], isSearching: false, error }),
      )
    }
    return () => {
      isWanted = false
    }
  }, [client, asked])
  return found
}

/** @type {{ matches: import('./search/search.js').Match[], isSearching: boolean, error: unknown }} */
const nothingFound = { matches: [], isSearching: false, error: null }

/** @param {string} name @returns {import('./collection.js').Collection<any> | null} */
function useCollectionOf(name) {
  return useSync()?.collection(name) ?? null
}
