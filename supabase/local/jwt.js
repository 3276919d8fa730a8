// Signs and reads the JSON Web Tokens of the local Supabase (HS256, as a project's legacy secret does), so that
// tests can make tokens that are expired, short-lived or forged. Must not know about HTTP or users.

import { createHmac, timingSafeEqual } from 'node:crypto'

/** The secret that the Supabase CLI uses for every local project; it protects nothing. */
export const LOCAL_JWT_SECRET = 'super-secret-jwt-token-with-at-least-32-characters-long'

/** @param {unknown} value */
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')

/**
 * @param {Record<string, unknown>} claims
 * @param {string} [secret]
 */
export function signJwt(claims, secret = LOCAL_JWT_SECRET) {
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

/**
 * @typedef {object} TokenOptions
 * @property {string} userId
 * @property {number} [expiresInSeconds] negative: expired already. PostgREST itself forgives 30 s of
 *   clock skew, this server none; say -60 for a token that both refuse
 * @property {string} [role]
 */

/** @param {TokenOptions} options */
export function mintToken({ userId, expiresInSeconds = 3600, role = 'authenticated' }) {
  const now = Math.floor(Date.now() / 1000)
  const exp = now + expiresInSeconds
  return signJwt({
    sub: userId,
    aud: 'authenticated',
    role,
    iat: Math.min(now, exp - 1),
    exp,
  })
}

/**
 * What a token says, if it was signed with the secret.
 * @param {string} token
 * @param {string} [secret]
 * @returns {Record<string, unknown> | null} null: it was not
 */
export function readJwt(token, secret = LOCAL_JWT_SECRET) {
  const [header, payload, signature, ...more] = token.split('.')
  if (!signature || more.length > 0) return null
  const wanted = createHmac('sha256', secret).update(`${header}.${payload}`).digest()
  const given = Buffer.from(signature, 'base64url')
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return null
  try {
    return JSON.parse(Buffer.from(payload, 'base64url').toString())
  } catch {
    return null
  }
}
