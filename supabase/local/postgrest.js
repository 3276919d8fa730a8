// Where @supabase/lite answers otherwise than the real PostgREST, and what is done about it: HTTP
// status and body of database errors, malformed tokens, CORS headers, the text form of column types.
// Pure functions over codes, headers and strings; must not touch a database or a socket.

/**
 * HTTP status for each SQLSTATE, as in PostgREST's Error.hs (mapSQLtoHTTP); the longest prefix wins,
 * everything else is 400. Two codes are decided elsewhere: 42501 is 401 or 403, which only lite can
 * tell (anonymous or signed in) and does rightly, and PT### carries its own status.
 * Before this table lite gave 500 "SUP" for 23514, P0001, 57014, 40001, 40P01, P0002 and XX000,
 * 400 for 21000, 500 for 53300 and 404 "PGRST205" for 42P01.
 */
const STATUS_BY_SQLSTATE = new Map([
  ['08', 503],
  ['09', 500],
  ['0L', 403],
  ['0P', 403],
  ['21000', 500],
  ['23503', 409],
  ['23505', 409],
  ['25', 500],
  ['25006', 405],
  ['28', 403],
  ['2D', 500],
  ['38', 500],
  ['39', 500],
  ['3B', 500],
  ['40', 500],
  ['42883', 404],
  ['42P01', 404],
  ['42P17', 500],
  ['53', 503],
  ['53400', 500],
  ['54', 500],
  ['55', 500],
  ['57', 500],
  ['57P01', 503],
  ['58', 500],
  ['F0', 500],
  ['HV', 500],
  ['P0', 500],
  ['P0001', 400],
  ['XX', 500],
])

/** @param {string} sqlState */
export function statusOfSqlState(sqlState) {
  return STATUS_BY_SQLSTATE.get(sqlState) ?? STATUS_BY_SQLSTATE.get(sqlState.slice(0, 2)) ?? 400
}

/**
 * Turns a database error into one that lite answers as PostgREST would, by way of the code "PGRST":
 * PostgREST's own convention for an error that names its status and body, which lite implements.
 * @param {any} error
 */
export function withRealStatus(error) {
  const code = error?.code
  if (typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code)) return error
  if (code === '42501' || code === 'PGRST' || code.startsWith('PT')) return error
  const body = {
    code,
    message: error.message,
    details: error.detail ?? null,
    hint: error.hint ?? null,
  }
  return {
    code: 'PGRST',
    message: JSON.stringify(body),
    detail: JSON.stringify({ status: statusOfSqlState(code), headers: {} }),
  }
}

/**
 * Refuses a bearer token that is not a JWT: lite would treat its sender as anonymous.
 * @param {Headers} headers
 */
export function refuseMalformedToken(headers) {
  const token = headers.get('authorization')?.match(/^Bearer\s*(.*)$/i)?.[1]
  if (token === undefined || token.startsWith('sb_')) return null
  const parts = token.split('.').length
  if (parts === 3) return null
  const message =
    token === ''
      ? 'Empty JWT is sent in Authorization header'
      : `Expected 3 parts in JWT; got ${parts}`
  return Response.json({ code: 'PGRST301', message, details: null, hint: null }, { status: 401 })
}

/** @param {Headers} requestHeaders */
export function answerPreflight(requestHeaders) {
  return new Response(null, {
    status: 200,
    headers: {
      'Access-Control-Allow-Origin': '*',
      'Access-Control-Allow-Methods': 'GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD',
      'Access-Control-Allow-Headers': requestHeaders.get('access-control-request-headers') ?? '*',
      'Access-Control-Max-Age': '86400',
    },
  })
}

// Note what is missing: a page from another origin cannot read Retry-After.
const EXPOSED_HEADERS =
  'Content-Encoding, Content-Location, Content-Range, Content-Type, Date, Location, Server, ' +
  'Transfer-Encoding, Range-Unit'

/** @param {Response} response */
export function withCorsHeaders(response) {
  const headers = new Headers(response.headers)
  headers.set('Access-Control-Allow-Origin', '*')
  headers.set('Access-Control-Expose-Headers', EXPOSED_HEADERS)
  return new Response(response.body, { status: response.status, headers })
}

/** @param {string} text such as "2026-01-02 01:04:05.12+00" */
function isoTimestamp(text) {
  return text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00')
}

/**
 * Column values in the form that Postgres gives them in JSON, and so PostgREST: lite would answer
 * numeric 1.50 as the string "1.50" and timestamps with a space. Keyed by type oid.
 */
export const COLUMN_PARSERS = {
  1114: isoTimestamp,
  1184: isoTimestamp,
  1700: Number,
}
