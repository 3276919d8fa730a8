// Owns the package's main entry: what "." exports, and nothing else. No React, no zustand.

import { createCoreModule } from './core-module.js'
import { open } from './open.js'

export { registerBackgroundSync } from './background-sync.js'
export { SyncError } from './error.js'
export { answerArchetype } from './insights/archetype.js'
export { oejtsProgress } from './insights/oejts.js'
export { localDate } from './local-date.js'
export { defineSchema } from './schema.js'
export { huggingFaceEmbedder, lexicalEmbedder } from './search/embedders.js'
export { somaticSchema } from './somatic-schema.js'

/**
 * Opens (or creates) the local database, loads it, and is ready to read and write, online or not.
 *
 * Nobody signed in and no former user on this device: userId is null, collections read empty, writes
 * reject with "signed-out". A session that is null for the moment is not a sign-out: the last user's
 * database opens, writes are kept, pushes wait. A client belongs to the user it opened with: when
 * they sign out, or somebody else signs in, it tells "userchange", sends nothing more, reads empty
 * and rejects writes with "signed-out"; unsent work stays in that user's database. Open a new one.
 * @template {Schema} [S=SomaticSchema]
 * @param {OpenOptions<S>} options
 * @returns {Promise<SyncClient<S>>}
 * @throws {SyncError} "invalid-value" for options that make no sense, "storage-lost" or "quota" when
 *   the database cannot be opened, "invariant" when module.wasm cannot be loaded
 */
export function openSync(options) {
  return open(options, createCoreModule)
}

/** @typedef {import('./schema.js').Schema} Schema */
/** @typedef {import('./schema.js').CollectionSpec} CollectionSpec */
/** @typedef {import('./schema.js').FieldSpec} FieldSpec */
/** @typedef {import('./somatic-schema.js').SomaticSchema} SomaticSchema */
/** @typedef {import('./session/session.js').Session} Session */
/** @typedef {import('./session/session.js').AuthLike} AuthLike */
/** @typedef {import('./open.js').SupabaseClientLike} SupabaseClientLike */
/** @typedef {import('./error.js').SyncErrorInfo} SyncErrorInfo */
/** @typedef {import('./client.js').SyncReport} SyncReport */
/** @typedef {import('./client.js').SyncProgress} SyncProgress */
/** @typedef {import('./status.js').SyncStatus} SyncStatus */
/** @typedef {import('./search/search.js').SearchOptions} SearchOptions */
/** @typedef {import('./search/search.js').ContextOptions} ContextOptions */
/** @typedef {import('./search/search.js').Match} Match */
/** @typedef {import('./search/embedders.js').Embedder} Embedder */
/** @typedef {import('./insights/oejts.js').OejtsProgress} OejtsProgress */
/** @typedef {import('./client.js').RejectedMutation} RejectedMutation */
/** @typedef {import('./client.js').OverwrittenText} OverwrittenText */
/** @typedef {import('./backup/format.js').Backup} Backup */
/**
 * @template {Schema} [S=SomaticSchema]
 * @typedef {import('./open.js').OpenOptions<S>} OpenOptions
 */
/**
 * @template {Schema} [S=SomaticSchema]
 * @typedef {import('./client.js').SyncClient<S>} SyncClient
 */
/**
 * @template T
 * @typedef {import('./collection.js').Collection<T>} Collection
 */
/**
 * @template T
 * @typedef {import('./collection.js').ListOptions<T>} ListOptions
 */
/**
 * @template {Schema} S
 * @template {keyof S['collections']} K
 * @typedef {import('./schema.js').Row<S, K>} Row
 */
