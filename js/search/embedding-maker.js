// Owns making embeddings in the background: rows that a rule asks for get theirs, changed and deleted
// ones lose theirs. It keeps nothing: what is to be done is what the rows want and have not, so it goes
// on wherever it was killed. Knows neither the embedder nor the index.
//
//   changed rows --1 s later--> wanted ids - ids there = texts --embedder, some at a time--> put
//                                ids there - wanted ids = stale --> removed

import { BackgroundJob } from '../background-job.js'
import { ifFree } from '../contexts/turn.js'
import { asSyncError, closedError, SyncError } from '../error.js'
import { within } from '../within.js'
import { passagesIn } from './embed-rules.js'
import { embeddingId } from './embedding-id.js'
import { following } from './following.js'
import { Orphans, sourceAt } from './orphans.js'

const batchTexts = 32
/** After the last write: it is safe by then, and a text that is still being typed is left alone. */
const quietMs = 1000
/** What another device wrote it embeds itself, unless it has not done so for a day. */
const gapMs = 24 * 3600 * 1000
/** How often those that others should make, or are making, or that were refused, are looked at. */
const lookAgainMs = 10 * 60 * 1000
/** Of HTTP: what is said of a text. */
const textStatuses = [400, 413, 422]
/** An embedder that has not answered by then never will: huggingFaceEmbedder's tries may take nine minutes. */
const embedMsMost = 10 * 60 * 1000
const retryMs = { least: 5000, most: 15 * 60 * 1000 }

/** @typedef {{ id: string, collection: string, key: string, passage: number, text: string }} Wanted */
/** @typedef {Wanted & { vector: ArrayLike<number> }} Made */
/** @typedef {[Wanted, unknown]} Refused and why */

export class EmbeddingMaker {
  /**
   * @param {import('../client-state.js').ClientState} state
   * @param {object} options
   * @param {import('./embedders.js').Embedder} options.embedder
   * @param {string} options.into the collection of embeddings
   * @param {boolean} options.isAll every log, not only those that a rule asks for
   * @param {(error: SyncError) => void} options.onFailed
   * @param {string} options.lockName of a Web Lock: one context at a time
   * @param {number} [options.embedMs] for tests: after which the embedder is not waited for
   */
  constructor(state, { embedder, into, isAll, onFailed, lockName, embedMs = embedMsMost }) {
    this.state = state
    this.embedder = embedder
    this.into = into
    this.isAll = isAll
    this.onFailed = onFailed
    this.lockName = lockName
    this.embedMs = embedMs
    /** what the embedder is doing is of no use any more */
    this.giveUp = () => {}
    this.failures = 0
    this.job = new BackgroundJob({
      work: () => this.work(),
      onError: (error) => this.failed(error),
      quietMs,
    })
    /** @type {Map<string, Set<string>>} source row, as "logs/key" -> ids of its embeddings */
    this.bySource = new Map()
    /** @type {Map<string, string>} id of an embedding -> its source row */
    this.sourceOf = new Map()
    this.orphans = new Orphans(state)
    /** @type {Set<string>} source rows to look at */
    this.due = new Set()
    /** @type {Set<string>} source rows that another device should see to, or with a text that was refused */
    this.again = new Set()
    /** @type {Map<string, number>} id that could not be made while others could -> when it is tried again */
    this.refused = new Map()
    /** @type {string[]} source rows whose old embeddings go once the new ones are there */
    this.later = []
    const { collections } = state.parts.schema
    this.rules = new Map(
      Object.entries(collections).flatMap(([name, { embed }]) =>
        embed || (isAll && name === 'logs') ? [[name, embed]] : [],
      ),
    )
    const own = /** @type {import('../rows.js').Rows} */ (state.rows.get(into))
    this.made = following(own, (keys) => this.takeMade(keys))
    this.sources = [...this.rules.keys()].map((name) => {
      const rows = /** @type {import('../rows.js').Rows} */ (state.rows.get(name))
      return following(rows, (keys) => {
        for (const key of keys) this.due.add(`${name}/${key}`)
      })
    })
    const wake = () => this.job.wake(quietMs)
    this.undo = [
      ...[...this.rules.keys(), into].map((name) => state.rows.get(name)?.followers.add(wake)),
      state.status.followers.add(() => this.orphans.isDue() && wake()),
    ]
    this.job.wake(quietMs)
  }

  /** Resolves when there is nothing left to do, or it failed. */
  run() {
    return this.job.run()
  }

  /** @param {unknown} error */
  failed(error) {
    this.failures += 1
    this.onFailed(asSyncError(error, 'server', 'embeddings are not made'))
    this.job.wake(Math.min(retryMs.most, retryMs.least * 2 ** (this.failures - 1)))
  }

  async work() {
    const isDone = await ifFree(this.lockName, () => this.makeAll())
    // whoever is at it sees these rows too, unless it is closed in the middle of them
    if (!isDone) this.job.wake(lookAgainMs)
    this.failures = 0
  }

  async makeAll() {
    await this.made.current()
    for (const each of this.sources) await each.current()
    for (const place of this.orphans.take()) this.due.add(place)
    while (this.due.size > 0 && !this.job.isStopped) {
      const places = [...this.due].slice(0, batchTexts)
      try {
        await this.makeOf(places)
        for (const place of places) this.due.delete(place)
      } catch (error) {
        // what cannot be made for now does not hold up the others
        for (const place of places) if (this.due.delete(place)) this.due.add(place)
        throw error
      }
    }
    if (this.again.size === 0) return
    for (const place of this.again) this.due.add(place)
    this.again.clear()
    this.job.wake(lookAgainMs)
  }

  /** @param {string[]} places */
  async makeOf(places) {
    const texts = (await Promise.all(places.map((place) => this.plan(place)))).flat()
    for (let at = 0; at < texts.length; at += batchTexts) {
      await this.make(texts.slice(at, at + batchTexts))
    }
  }

  /**
   * What the row wants and has not. What it has and does not want is removed.
   * @param {string} place
   * @returns {Promise<Wanted[]>}
   */
  async plan(place) {
    const [collection, key] = sourceAt(place)
    const row = this.state.rows.get(collection)?.get(key)
    const texts = row ? passagesIn(row, this.rules.get(collection), this.isAll) : []
    const { model } = this.embedder
    const userId = String(this.state.parts.userId)
    const wanted = await Promise.all(
      texts.map(async (text, passage) => {
        const id = await embeddingId({ userId, collection, key, passage, model, text })
        return { id, collection, key, passage, text }
      }),
    )
    const isOurs = row === undefined || this.isOurs(collection, key, row)
    const have = this.bySource.get(place) ?? new Set()
    const now = this.state.parts.now()
    const absent = wanted.filter(({ id }) => !have.has(id))
    const open = absent.filter(({ id }) => (this.refused.get(id) ?? now) <= now)
    if (open.length < absent.length || (open.length > 0 && !isOurs)) this.again.add(place)
    const missing = isOurs ? open : []
    const ids = new Set(wanted.map(({ id }) => id))
    // As long as the new ones are not there the old ones are better than none.
    if (missing.length === 0 || wanted.length === 0) {
      if (isOurs) await this.remove([...have].filter((id) => !ids.has(id)))
    } else {
      this.later.push(place)
    }
    return missing
  }

  /** @param {string} collection @param {string} key @param {any} row */
  isOurs(collection, key, row) {
    const [own] = this.state.query({ own: [key], collection, column: 'content' }) ?? []
    const age = this.state.parts.now() - (Date.parse(row.createdAt ?? '') || 0)
    return own === true || age > gapMs
  }

  /** @param {Wanted[]} wanted */
  async make(wanted) {
    if (wanted.length === 0 || this.job.isStopped) return
    const { made, refused, error } = await this.embedded(wanted)
    if (this.job.isStopped) return
    for (const [each, one] of refused) this.refuse(each, one)
    if (made.length > 0) await this.storeGood(made)
    if (error) throw error
    for (const place of this.later.splice(0)) await this.plan(place)
  }

  /**
   * A vector for each text, or for those that the embedder takes.
   * @param {Wanted[]} wanted
   * @returns {Promise<{ made: Made[], refused: Refused[], error?: unknown }>} error: the others are to wait
   */
  async embedded(wanted) {
    try {
      return { made: await this.embed(wanted), refused: [] }
    } catch (error) {
      if (!isAboutContent(error)) throw error
      return this.embeddedOneByOne(wanted, error)
    }
  }

  /** @param {Wanted[]} wanted @param {unknown} error of all at once */
  async embeddedOneByOne(wanted, error) {
    /** @type {Made[]} */
    const made = []
    /** @type {Refused[]} */
    const failed = []
    for (const each of wanted) {
      try {
        if (wanted.length === 1) throw error
        made.push(...(await this.embed([each])))
      } catch (one) {
        // those that failed before it may have done so for the same reason
        if (!isAboutContent(one)) return { made, refused: [], error: one }
        failed.push([each, one])
      }
    }
    const isSure = made.length > 0 || failed.every((each) => this.isKnownBad(each, wanted.length))
    // nobody is to blame: the service is down
    if (!isSure) throw error
    return { made, refused: failed }
  }

  /** Also when nothing else was made. @param {Refused} failed @param {number} count of texts tried */
  isKnownBad([{ id }, error], count) {
    return this.refused.has(id) || (count === 1 && textStatuses.includes(statusOf(error) ?? 0))
  }

  /** @param {Wanted[]} wanted @returns {Promise<Made[]>} */
  async embed(wanted) {
    const texts = wanted.map(({ text }) => text)
    const vectors = await this.answerFor(texts)
    if (vectors.length !== wanted.length) {
      const count = `${vectors.length} of ${wanted.length}`
      throw new SyncError('server', `the embedder made ${count} vectors`)
    }
    return wanted.map((each, i) => ({ ...each, vector: vectors[i] }))
  }

  /** Of the embedder, which may never answer: then it is asked again later. @param {string[]} texts */
  answerFor(texts) {
    if (this.job.isStopped) throw closedError()
    /** @type {Promise<ArrayLike<number>[]>} */
    const answer = new Promise((resolve, reject) => {
      this.giveUp = () => reject(closedError())
      Promise.resolve(this.embedder.embed(texts, 'passage')).then(resolve, reject)
    })
    return within(
      this.embedMs,
      answer,
      () => new SyncError('offline', 'the embedder does not answer'),
    )
  }

  /** @param {Made[]} made */
  async storeGood(made) {
    await this.store(made).catch(async (error) => {
      if (!isAboutRow(error)) throw error
      if (made.length === 1) return this.refuse(made[0], error)
      // one of them is no vector; the others are
      for (const each of made) {
        await this.store([each]).catch((one) => {
          if (!isAboutRow(one)) throw one
          this.refuse(each, one)
        })
      }
    })
  }

  /** @param {Made[]} made */
  async store(made) {
    if (this.job.isStopped) return
    const { writes, rows } = this.state
    const { model } = this.embedder
    await writes.batch(() => {
      for (const { id, collection, key, passage, text, vector } of made) {
        const { category } = rows.get(collection)?.get(key) ?? {}
        const metadata = { model, category, sourceCollection: collection, sourceKey: key, passage }
        const fields = { content: text, embedding: Float32Array.from(vector), metadata }
        writes.write(this.into, { op: 'put', key: id, fields })
      }
    })
    for (const { id, collection, key } of made) this.note(id, `${collection}/${key}`)
  }

  /** Told once, and left alone for a while. @param {Wanted} wanted @param {unknown} error */
  refuse({ id, collection, key }, error) {
    if (this.state.refusal()) throw error
    const isNew = !this.refused.has(id)
    this.refused.set(id, this.state.parts.now() + lookAgainMs)
    this.again.add(`${collection}/${key}`)
    if (isNew) this.onFailed(asSyncError(error, 'server'))
  }

  /** @param {string[]} ids */
  async remove(ids) {
    if (ids.length === 0 || this.job.isStopped) return
    await this.state.writes.batch(() => {
      for (const key of ids) this.state.writes.write(this.into, { op: 'remove', key })
    })
    for (const id of ids) this.forget(id)
  }

  /** @param {string[]} keys */
  takeMade(keys) {
    const rows = this.state.query({ raw: ['metadata'], collection: this.into, keys }) ?? []
    for (const [i, id] of keys.entries()) {
      const { sourceCollection, sourceKey } = rows[i]?.[0] ?? {}
      this.forget(id)
      if (!sourceKey) continue
      this.note(id, `${sourceCollection}/${sourceKey}`)
      this.orphans.look(sourceCollection, sourceKey)
    }
  }

  /** @param {string} id @param {string} place */
  note(id, place) {
    this.sourceOf.set(id, place)
    const ids = this.bySource.get(place)
    if (ids) ids.add(id)
    else this.bySource.set(place, new Set([id]))
  }

  /** @param {string} id */
  forget(id) {
    const place = this.sourceOf.get(id)
    if (place === undefined) return
    this.sourceOf.delete(id)
    this.bySource.get(place)?.delete(id)
  }

  /** What is being written is waited for, an embedder is not. */
  async stop() {
    this.made.stop()
    for (const each of this.sources) each.stop()
    for (const undo of this.undo) undo?.()
    const ended = this.job.stop()
    this.giveUp()
    await ended
  }
}

/**
 * May be: not the network, nor a session, nor a service that is busy, down, moved or wants to be paid.
 * @param {unknown} error
 */
function isAboutContent(error) {
  const status = statusOf(error)
  if (status !== undefined) return textStatuses.includes(status)
  return !(error instanceof SyncError) || error.code === 'server'
}

/** What the service answered, as far as the embedder tells. @param {any} error @returns {number | undefined} */
function statusOf(error) {
  return [error?.status, error?.cause?.status].find(Number.isInteger)
}

/** Not the disk: what does not fit today may fit tomorrow. @param {unknown} error */
function isAboutRow(error) {
  return error instanceof SyncError && ['invalid-value', 'too-large'].includes(error.code)
}
