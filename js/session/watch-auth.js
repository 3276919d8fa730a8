// Owns noticing that a client's user is not the one signed in any more. Knows no client and no
// database.

/**
 * @typedef {object} AuthWatch
 * @property {(userId: string | null, onGone: OnGone) => void} follow from now on tells once per
 *   change of who is signed in; at first it is the user of the client
 * @property {(session: import('./session.js').Session | null) => void} check a session that was
 *   asked for
 * @property {() => void} stop
 */

/** @typedef {(event: string, userId: string | null) => void} OnGone who is signed in now */

/**
 * Watches from the start; what happens before there is a client is told once there is one.
 * @param {import('./session.js').SessionSource} source
 * @returns {AuthWatch}
 */
export function watchAuth(source) {
  /** @type {[string, import('./session.js').Session | null] | null} the latest, not told yet */
  let waiting = null
  /** @type {string | null} who is signed in, as far as was told */
  let current = null
  /** @type {OnGone | null} */
  let onGone = null

  /** @param {string} event @param {import('./session.js').Session | null} session */
  function hear(event, session) {
    if (!onGone) {
      waiting = [event, session]
      return
    }
    // No session without SIGNED_OUT is not a sign-out: supabase-js says null when a refresh fails
    // offline.
    if (!session && event !== 'SIGNED_OUT') return
    const userId = event === 'SIGNED_OUT' ? null : (session?.userId ?? null)
    if (userId === current) return
    current = userId
    onGone(event, userId)
  }

  const stopWatching = source.watch(hear)
  return {
    follow(userId, callback) {
      current = userId
      onGone = callback
      if (waiting) hear(...waiting)
    },
    check(session) {
      if (session) hear('SESSION', session)
    },
    stop() {
      onGone = () => {}
      stopWatching()
    },
  }
}
