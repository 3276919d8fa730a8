// Owns what is kept of a session under one key and how it may change, as pure functions: no database,
// no clock, no request.
//
// Refresh tokens rotate, and a server takes one that was replaced twice for theft and ends the session
// everywhere. So beside the text that supabase-js stored, it is kept which tokens led to it:
//
//   value  what supabase-js stored last; null: it removed the session
//   next   what the server answered to the refresh token in `value`, until supabase-js has stored it
//   former the refresh tokens that were replaced on the way here, the oldest first

import { claimsOf } from './session.js'

/**
 * @typedef {object} Kept
 * @property {string | null} value
 * @property {string | null} next
 * @property {string[]} former
 * @property {number | null} freshUntil when the newest access token ends, by this device's clock, right
 *   or wrong; null: not known, the server's time counts
 * @property {number} removedIssue when the session that was removed had been issued, by the server
 *
 * The part of a supabase-js session that is looked at.
 * @typedef {object} Tokens
 * @property {string} access_token
 * @property {string} refresh_token
 * @property {number} [expires_in] seconds
 * @property {number} [expires_at] seconds since 1970
 * @property {{ id?: string }} [user]
 */

/** A user works on for years; only tokens that some stale context may still hold matter. */
const formerMax = 20

/** supabase-js takes a session for expired this long before it is. */
const marginMs = 90_000

/** @type {Kept} */
const nothing = { value: null, next: null, former: [], freshUntil: null, removedIssue: 0 }

/** @param {string | null | undefined} text @returns {Tokens | null} null: not a session */
export function tokensIn(text) {
  try {
    const given = JSON.parse(text ?? 'null')
    const isSession =
      typeof given?.access_token === 'string' && typeof given.refresh_token === 'string'
    return isSession && given.access_token && given.refresh_token ? given : null
  } catch {
    return null
  }
}

/** The newest text known. @param {Kept | undefined} kept */
export function newestOf(kept) {
  return kept?.next ?? kept?.value ?? null
}

/** Whether the refresh token was replaced on the way to the newest session. @param {Kept | undefined} kept @param {string} token */
export function isReplaced(kept, token) {
  return kept?.former.includes(token) ?? false
}

/** Whether the newest access token may still be used for a while. @param {Kept | undefined} kept @param {number} now @param {number} [margin] */
export function isFresh(kept, now, margin = marginMs) {
  const tokens = tokensIn(newestOf(kept))
  if (!tokens) return false
  const end = kept?.freshUntil ?? (tokens.expires_at ?? Number.POSITIVE_INFINITY) * 1000
  return now < end - margin
}

/**
 * supabase-js stores a text: a session it was given, refreshed or changed; or anything else.
 * @param {Kept | undefined} kept
 * @param {string} value
 * @param {number | null} now null: it was not issued just now
 * @returns {Kept | undefined} undefined: an old session must not take the place of its successor
 */
export function stored(kept = nothing, value, now) {
  const tokens = tokensIn(value)
  if (!tokens) return { ...nothing, value }
  const token = tokens.refresh_token
  if (token === tokensIn(kept.next)?.refresh_token) return { ...kept, value, next: null }
  const before = tokensIn(kept.value)
  if (token === before?.refresh_token) return { ...kept, value }
  if (isReplaced(kept, token)) return undefined
  const former =
    before && userOf(before) === userOf(tokens)
      ? added(kept.former, before.refresh_token, tokensIn(kept.next)?.refresh_token)
      : []
  return { ...nothing, value, former, freshUntil: endOf(tokens, now) }
}

/**
 * The server exchanged a refresh token; supabase-js has not stored the answer yet.
 * @param {Kept | undefined} kept
 * @param {string} token
 * @param {string} answer
 * @param {number} now
 * @returns {Kept | undefined} undefined: the token is not that of the session kept here
 */
export function exchanged(kept, token, answer, now) {
  const tokens = tokensIn(answer)
  if (!kept || !tokens || tokensIn(newestOf(kept))?.refresh_token !== token) return undefined
  const freshUntil = endOf(tokens, now)
  // a server without rotation gives the same token again
  if (tokens.refresh_token === token) return { ...kept, next: answer, freshUntil }
  return { ...kept, next: answer, former: added(kept.former, token), freshUntil }
}

/** @param {Kept | undefined} kept @returns {Kept | null | undefined} null: there is nothing to remember */
export function removed(kept) {
  if (!kept) return undefined
  const tokens = tokensIn(newestOf(kept))
  if (tokens) return { ...nothing, removedIssue: issueOf(tokens) }
  return kept.removedIssue > 0 ? kept : null
}

/**
 * A text under the same key in localStorage, where builds before this one kept it and old tabs still
 * write it.
 * @param {Kept | undefined} kept
 * @param {string} value
 * @returns {Kept | undefined} undefined: what is kept here is as new, or newer
 */
export function takenOver(kept, value) {
  if (!kept) return stored(kept, value, null)
  const tokens = tokensIn(value)
  if (!tokens) return kept.value === null ? stored(kept, value, null) : undefined
  const mine = tokensIn(newestOf(kept))
  const issue = mine ? issueOf(mine) : kept.removedIssue
  return issueOf(tokens) > issue ? stored(kept, value, null) : undefined
}

/** @param {string[]} former @param {(string | undefined)[]} tokens */
function added(former, ...tokens) {
  return [...former, ...tokens.filter((token) => token !== undefined)].slice(-formerMax)
}

/** @param {Tokens} tokens @param {number | null} now */
function endOf({ expires_in }, now) {
  return now !== null && typeof expires_in === 'number' ? now + expires_in * 1000 : null
}

/** @param {Tokens} tokens */
function userOf({ access_token, user }) {
  return user?.id ?? claimsOf(access_token).sub
}

/** When the server made it, in seconds. @param {Tokens} tokens */
function issueOf({ access_token, expires_at = 0, expires_in = 0 }) {
  const { iat } = claimsOf(access_token)
  return typeof iat === 'number' ? iat : expires_at - expires_in
}
