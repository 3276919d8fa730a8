// Owns what the files of one user's database are called. docs/storage-format.md lists them.

const lastSeq = 999_999_999_999
const lastPiece = 999_999

/** @param {number} number @param {number} digits */
const padded = (number, digits) => String(number).padStart(digits, '0')

/** @param {string} name of the database, and so the mount point of IDBFS */
export function pathsOf(name) {
  const journal = `${name}/journal`
  const snapshot = `${name}/snapshot`
  const damaged = `${name}/damaged`
  const vectors = `${name}/vectors`
  /** @param {number} seq */
  const segment = (seq) => `${journal}/${padded(seq, 12)}`
  /** @param {string} id @param {number} n */
  const piece = (id, n) => `${snapshot}/${id}-${padded(n, 6)}`
  /** @param {string} id @param {number} n */
  const vectorFile = (id, n) => `${vectors}/${id}-${padded(n, 6)}`
  return {
    journal,
    folders: [journal, snapshot, damaged],
    life: `${name}/life`,
    /** the same twice: it is the only file that nothing else can replace */
    manifests: [`${name}/manifest`, `${name}/manifest.copy`],
    segment,
    piece,
    vectorFile,
    /** @param {number} seq */
    segmentsFrom: (seq) => IDBKeyRange.bound(segment(seq), segment(lastSeq)),
    /** @param {number} seq */
    segmentsBefore: (seq) => IDBKeyRange.bound(segment(0), segment(seq), false, true),
    /** @param {string} id */
    piecesOf: (id) => IDBKeyRange.bound(piece(id, 0), piece(id, lastPiece)),
    /** @param {string} id */
    vectorFilesOf: (id) => IDBKeyRange.bound(vectorFile(id, 0), vectorFile(id, lastPiece)),
    // '0' follows '/'
    allPieces: IDBKeyRange.bound(`${snapshot}/`, `${snapshot}0`, true, true),
    allVectorFiles: IDBKeyRange.bound(`${vectors}/`, `${vectors}0`, true, true),
    /** Where a file goes that cannot be read. @param {string} path */
    setAside: (path) => `${damaged}/${path.slice(path.lastIndexOf('/') + 1)}`,
    /** @param {IDBValidKey} key @returns {number} NaN for a file that is no segment */
    seqOf(key) {
      const file = String(key).slice(journal.length + 1)
      return /^\d{12}$/.test(file) ? Number(file) : Number.NaN
    },
    /** Of a snapshot, from the key of one of its pieces or vector files. @param {IDBValidKey} key */
    idOf: (key) => String(key).slice(String(key).lastIndexOf('/') + 1, -7),
    /** @param {number} to @param {string} attempt */
    snapshotId: (to, attempt) => `${padded(to, 12)}-${attempt}`,
  }
}
