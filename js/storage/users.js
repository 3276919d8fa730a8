// Owns who used this device last, in a small database of its own: a session that is null for the
// moment still opens that user's data. Knows no row and no token.

import { Database, onResult, storageError } from './database.js'

const store = 'users'

/** @param {string} prefix @param {number} [timeoutMs] */
export function rememberedUser(prefix, timeoutMs = 15_000) {
  /**
   * @template T
   * @param {IDBTransactionMode} mode
   * @param {(users: IDBObjectStore) => IDBRequest<T>} ask
   * @returns {Promise<T>}
   */
  const run = async (mode, ask) => {
    const database = new Database({ name: `${prefix}-users`, version: 1, upgrade, timeoutMs })
    try {
      return await database.transaction(store, mode, {}, (users, fail) => {
        const request = ask(users)
        onResult(request, fail, () => {})
        return () => request.result
      })
    } catch (error) {
      throw storageError(error)
    } finally {
      database.drop()
    }
  }
  return {
    /** @returns {Promise<string | null>} */
    read: async () => (await run('readonly', (users) => users.get('last')))?.userId ?? null,
    /** @param {string} userId */
    remember: (userId) => run('readwrite', (users) => users.put({ userId }, 'last')),
    /** Forgets who it was, not what they wrote. */
    forget: () => run('readwrite', (users) => users.delete('last')),
  }
}

/** @param {IDBDatabase} db */
function upgrade(db) {
  db.createObjectStore(store)
}
