// Owns the small database in which all contexts of an origin keep what belongs to signing in: one
// record per key, changed in one transaction. Knows no session and no token.

import { SyncError } from '../error.js'
import { Database, onResult, storageError } from './database.js'

const store = 'items'

/**
 * @typedef {object} Items
 * @property {(key: string) => Promise<any>} read undefined: there is none
 * @property {<T>(key: string, change: (item: any) => T) => Promise<T>} change reads, changes and writes
 *   in one transaction: what `change` gives is stored; null removes, undefined leaves as it is. It may
 *   run twice, so it must do nothing else. Resolves to what it gave
 */

/**
 * @param {string} prefix of the database's name
 * @returns {Items} in memory only where there is no IndexedDB
 */
export function openItems(prefix, timeoutMs = 15_000) {
  const name = `${prefix}-auth`
  return typeof indexedDB === 'object' && indexedDB !== null
    ? storedItems(new Database({ name, version: 1, upgrade, timeoutMs }))
    : itemsInMemory(name)
}

/** @param {Database} database @returns {Items} */
function storedItems(database) {
  /**
   * A lost connection is made again, and the work done again, once.
   * @template T
   * @param {() => Promise<T>} work
   */
  const withConnection = async (work) => {
    try {
      return await work()
    } catch (error) {
      const known = storageError(error)
      if (known.code !== 'storage-lost') throw known
      database.drop()
      return await work().catch((again) => {
        throw storageError(again)
      })
    }
  }
  return {
    read: (key) =>
      withConnection(() =>
        database.transaction(store, 'readonly', {}, (items, fail) => {
          const request = items.get(key)
          onResult(request, fail, () => {})
          return () => request.result
        }),
      ),
    change: (key, change) =>
      withConnection(() =>
        database.transaction(store, 'readwrite', {}, (items, fail) => {
          /** @type {any} */
          let changed
          onResult(items.get(key), fail, (item) => {
            changed = change(item)
            if (changed === undefined) return
            /** @type {IDBRequest} */
            const write = changed === null ? items.delete(key) : items.put(changed, key)
            onResult(write, fail, () => {})
          })
          return () => changed
        }),
      ),
  }
}

/** @param {IDBDatabase} db */
function upgrade(db) {
  db.createObjectStore(store)
}

/** Shared by all of one process that ask for the same name. @type {Map<string, Map<string, any>>} */
const memories = new Map()

/** @param {string} name @returns {Items} */
function itemsInMemory(name) {
  const items = memories.get(name) ?? new Map()
  memories.set(name, items)
  return {
    read: async (key) => items.get(key),
    change: async (key, change) => {
      const changed = change(items.get(key))
      if (changed === null) items.delete(key)
      else if (changed !== undefined) items.set(key, changed)
      return changed
    },
  }
}

/** @param {unknown} prefix */
export function checkPrefix(prefix) {
  if (typeof prefix !== 'string' || !/^[\w.-]+$/.test(prefix)) {
    throw new SyncError('invalid-value', 'database may hold letters, digits and _ . - only')
  }
}
