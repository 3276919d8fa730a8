// What a database of the journal holds, read past the engine. Knows no format.

import { result } from './fake-fs.js'

/** By path, below the database's name, in order. @param {string} name @returns {Promise<Map<string, any>>} records */
export async function storedFiles(name) {
  const db = await result(indexedDB.open(name))
  const files = db.transaction('FILE_DATA').objectStore('FILE_DATA')
  const [keys, records] = [await result(files.getAllKeys()), await result(files.getAll())]
  db.close()
  return new Map(keys.map((key, i) => [String(key).slice(name.length + 1), records[i]]))
}
