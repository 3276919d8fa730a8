// Owns exchanging a refresh token: by one context of the origin at a time, and never one that is known
// to be replaced. Knows no supabase-js, and not who asked.
//
//   take the lock ──> token replaced meanwhile? ──yes──> its successor still fresh? ──yes──> that is the answer
//                            │ no                                  │ no: exchange the successor
//                            └──────────────> ask the server <─────┘
//                                                 │ answered
//                                   keep the answer, in IndexedDB ──> release the lock
//
// Lost between the server and us, the token is simply sent again: the server takes the one before the
// newest, and answers with the newest.

import { exclusively } from './exclusive.js'
import { isFresh, isReplaced, newestOf, tokensIn } from './kept-session.js'

/** @typedef {import('./kept-session.js').Kept} Kept */

/**
 * @typedef {object} Exchange
 * @property {import('./shared-items.js').SharedItems} items
 * @property {string} key
 * @property {string} lock its name
 * @property {string} token
 * @property {(token: string, signal: AbortSignal) => Promise<Response>} send
 * @property {(kept: Kept | undefined, token: string, answer: string) => Kept | undefined} keep
 *
 * @typedef {object} Outcome
 * @property {'session' | 'refused' | 'failed'} kind refused: the session is over; failed: nothing is
 *   known of it
 * @property {string} text the session, or what the server said
 * @property {string} token the one that was exchanged or refused
 * @property {Response | null} response its head; null: another context has been faster
 */

/** What the server says when the session is over. Any other refusal (a proxy's, a captive portal's, too
 * many requests, a wrong api key) says nothing about the session. */
const refusals = [
  ...['invalid_grant', 'refresh_token_not_found', 'refresh_token_already_used'],
  ...['session_not_found', 'session_expired', 'user_not_found', 'user_banned'],
  'validation_failed', // nothing that could be a token
]

/** Shorter than others wait for the lock. */
const requestMs = 20_000

/** @param {Exchange} exchange @returns {Promise<Outcome>} rejects when there is no answer */
export function exchangeToken({ items, key, lock, token, send, keep }) {
  return exclusively(lock, async () => {
    const before = await items.read(key)
    const isOld = isReplaced(before, token)
    if (isOld && isFresh(before, items.now())) return byOthers(before, token)
    const asked = isOld ? (tokensIn(newestOf(before))?.refresh_token ?? token) : token
    const response = await send(asked, AbortSignal.timeout(requestMs))
    const text = await response.text()
    const kind = kindOf(response, text)
    if (kind === 'session') {
      // A full disk must not keep the session from who asked for it.
      await items.change(key, (kept) => keep(kept, asked, text)).catch(() => {})
    } else if (kind === 'refused') {
      const after = await items.read(key)
      if (isReplaced(after, asked) && isFresh(after, items.now())) return byOthers(after, asked)
    }
    return { kind, text, token: asked, response }
  })
}

/** @param {Kept | undefined} kept @param {string} token @returns {Outcome} */
function byOthers(kept, token) {
  return { kind: 'session', text: newestOf(kept) ?? '', token, response: null }
}

/** @param {Response} response @param {string} text @returns {Outcome['kind']} */
function kindOf({ ok, status }, text) {
  if (ok) return tokensIn(text) ? 'session' : 'failed'
  return status >= 400 && status < 500 && isRefusal(text) ? 'refused' : 'failed'
}

/** @param {string} text */
function isRefusal(text) {
  try {
    const { code, error_code, error } = JSON.parse(text)
    return [code, error_code, error].some((name) => refusals.includes(name))
  } catch {
    return false
  }
}
