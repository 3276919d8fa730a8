// MEMFS and IDBFS of an Emscripten module, as far as js/mount.js uses them, for tests of the shim
// without the compiled module. populate behaves as stock IDBFS does: it reads what the index
// `timestamp` lists, in path order, and fails as a whole on a record it cannot store.

const version = 21
const store = 'FILE_DATA'

/** A module's FS and IDBFS; a fresh, empty MEMFS. */
export function fakeFs() {
  /** @type {Map<string, Uint8Array | null>} null: a folder */
  const files = new Map([['', null]])
  /** @type {string[]} */
  const mounts = []
  /** @param {string} path */
  const parentOf = (path) => path.slice(0, path.lastIndexOf('/'))

  const IDBFS = {
    /** @type {Record<string, IDBDatabase>} */
    dbs: {},
  }
  const FS = {
    /** @param {string} path */
    mkdirTree(path) {
      const steps = path.split('/')
      for (let i = 2; i <= steps.length; i++) files.set(steps.slice(0, i).join('/'), null)
    },
    /** @param {unknown} type @param {object} _options @param {string} path */
    mount(type, _options, path) {
      if (type !== IDBFS || !files.has(path)) throw new Error('ErrnoError')
      mounts.push(path)
    },
    /** @param {string} path */
    unmount(path) {
      if (!mounts.includes(path)) throw new Error('ErrnoError')
      mounts.splice(mounts.indexOf(path), 1)
    },
    /** @param {boolean} populate @param {(error: unknown) => void} callback */
    syncfs(populate, callback) {
      if (!populate) throw new Error('syncfs(false) would roll other tabs back')
      Promise.all(mounts.map((mount) => populateMount(mount))).then(
        () => callback(null),
        (error) => callback(error),
      )
    },
    /** @param {string} path */
    analyzePath: (path) => ({ exists: files.has(path) }),
    /** @param {string} folder */
    readdir: (folder) => [
      '.',
      '..',
      ...[...files.keys()]
        .filter((path) => parentOf(path) === folder)
        .map((path) => path.slice(folder.length + 1)),
    ],
    /** @param {string} path */
    readFile: (path) => Uint8Array.from(files.get(path) ?? []),
    /** @param {string} path */
    unlink: (path) => files.delete(path),
  }

  /** @param {string} name */
  async function populateMount(name) {
    IDBFS.dbs[name] ??= await openAsIdbfs(name)
    const db = IDBFS.dbs[name]
    const index = db.transaction([store], 'readonly').objectStore(store).index('timestamp')
    const paths = (await result(index.getAllKeys())).map(String).sort()
    const records = db.transaction([store], 'readwrite').objectStore(store)
    for (const path of paths) {
      const entry = await result(records.get(path))
      if (!files.has(parentOf(path))) throw new Error(`ErrnoError: no folder for ${path}`)
      if ((entry.mode & 0o170000) === 0o40000) files.set(path, null)
      else if ((entry.mode & 0o170000) === 0o100000) files.set(path, asBytes(entry.contents))
      else throw new Error('node type not supported')
    }
  }

  return { FS, IDBFS, files }
}

/** @param {unknown} contents @returns {Uint8Array} */
function asBytes(contents) {
  if (!(contents instanceof Uint8Array)) throw new Error('Unsupported data type')
  return contents
}

/** @param {string} name @returns {Promise<IDBDatabase>} */
function openAsIdbfs(name) {
  const request = indexedDB.open(name, version)
  request.onupgradeneeded = () => {
    request.result.createObjectStore(store).createIndex('timestamp', 'timestamp', { unique: false })
  }
  return result(request)
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
export function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
