// Who gets what over HTTP: every table and function of ours, for the owner, another user, anonymous,
// an expired and a forged token. The tables come from the catalogue, so a new one is asked too. What the
// roles themselves may do is grants.test.js, on a bare PostgreSQL, which has no pgvector and no tokens.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { mintToken, signJwt } from '../local/jwt.js'
import { startLocalSupabase } from '../local/server.js'

/** @type {Awaited<ReturnType<typeof startLocalSupabase>>} */
let server
/** @type {{ ada: string, ben: string }} */
let ids
/** @type {Record<string, string>} */
let tokens
/** @type {string[]} */
let tables

/** What a row needs besides its owner. @type {Record<string, object>} */
const needed = {
  sovereign_logs: { category: 'chat', content: 'mine' },
  achievements: { achievement_id: 'a' },
  cosmic_data_cache: { date: '2026-11-22' },
  daily_attunements: { date: '2026-11-22', insightful_question: 'q', synthesized_answer: 'a' },
  health_metrics_history: { date: '2026-11-22' },
  vector_embeddings: { content: 'v', metadata: {}, embedding: vector() },
}

function vector() {
  return JSON.stringify(Array.from({ length: 384 }, (_, place) => (place === 0 ? 1 : 0)))
}

before(async () => {
  server = await startLocalSupabase({})
  const [ada, ben] = server.users
  ids = { ada: ada.id, ben: ben.id }
  const seconds = Math.floor(Date.now() / 1000)
  tokens = {
    owner: mintToken({ userId: ada.id }),
    other: mintToken({ userId: ben.id }),
    anonymous: server.anonKey,
    expired: mintToken({ userId: ada.id, expiresInSeconds: -60 }),
    forged: signJwt(
      { sub: ada.id, role: 'authenticated', aud: 'authenticated', exp: seconds + 3600 },
      'a-secret-of-somebody-else-with-enough-characters',
    ),
  }
  tables = (await server.sql('select table_name from somatic_sync.collections order by 1')).map(
    (row) => row.table_name,
  )
  for (const table of tables) {
    for (const who of ['owner', 'other']) {
      const made = await ask(who, 'POST', table, { id: randomUUID(), ...needed[table] })
      assert.equal(made.status, 201, `${table} ${who} ${JSON.stringify(made.body)}`)
    }
  }
})
after(() => server.stop())

/** @param {string} who @param {string} method @param {string} path @param {object} [body] */
async function ask(who, method, path, body) {
  const response = await server.fetch(`${server.url}/rest/v1/${path}`, {
    method,
    headers: {
      apikey: server.anonKey,
      authorization: `Bearer ${tokens[who]}`,
      'content-type': 'application/json',
      prefer: 'return=representation',
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: text ? JSON.parse(text) : null }
}

/** Every row of a table, whoever's. @param {string} table */
const everything = (table) =>
  server.sql(`select to_jsonb(t) as row from public.${table} t order by t.id`)

const strangers = ['anonymous', 'expired', 'forged']

test('nine tables are in the catalogue', () => assert.equal(tables.length, 9))

test('everybody reads his own rows, and a stranger none', async () => {
  for (const table of tables) {
    for (const [who, id] of [
      ['owner', ids.ada],
      ['other', ids.ben],
    ]) {
      const { status, body } = await ask(who, 'GET', `${table}?select=user_id`)
      assert.deepEqual([status, body], [200, [{ user_id: id }]], `${table} ${who}`)
    }
    for (const who of strangers) {
      const { status, body } = await ask(who, 'GET', `${table}?select=*`)
      const sees = status === 200 ? body : []
      assert.deepEqual(sees, [], `${table} ${who} ${status}`)
      if (who !== 'anonymous') assert.equal(status, 401, `${table} ${who}`)
    }
  }
})

test('nobody changes or deletes another’s rows, or gives a row another owner', async () => {
  for (const table of tables) {
    const before = await everything(table)
    for (const who of ['other', ...strangers]) {
      const of = `${table}?user_id=eq.${ids.ada}`
      for (const [method, body] of /** @type {[string, object?][]} */ ([
        ['PATCH', { user_id: ids.ben }],
        ['PATCH', { updated_at: '2020-01-01T00:00:00Z' }],
        ['DELETE'],
      ])) {
        const answer = await ask(who, method, of, body)
        const touched = answer.status < 300 ? answer.body : []
        assert.deepEqual(touched, [], `${table} ${who} ${method} ${answer.status}`)
      }
      const insert = { id: randomUUID(), ...needed[table], user_id: ids.ada }
      const made = await ask(who, 'POST', table, insert)
      assert.ok(made.status >= 400, `${table} ${who} ${made.status}`)
    }
    const given = await ask('owner', 'PATCH', `${table}?user_id=eq.${ids.ada}`, {
      user_id: ids.ben,
    })
    const owners = given.status < 300 ? given.body.map((/** @type {any} */ r) => r.user_id) : []
    assert.ok(!owners.includes(ids.ben), `${table} was given away`)
    const ofBen = (/** @type {any[]} */ rows) => rows.filter((r) => r.row.user_id === ids.ben)
    assert.deepEqual(ofBen(await everything(table)), ofBen(before), table)
    assert.equal((await everything(table)).length, before.length, table)
  }
})

test('sync() gives everybody his own, and a stranger an error', async () => {
  const request = {
    ...{ protocol: 1, device: randomUUID(), epoch: null, cursor: 0, limit: 1000, horizon: 0 },
    ...{ last: null, acks: [], push: [] },
  }
  for (const [who, id] of [
    ['owner', ids.ada],
    ['other', ids.ben],
  ]) {
    const { status, body } = await ask(who, 'POST', 'rpc/sync', {
      request: { ...request, device: randomUUID() },
    })
    assert.equal(status, 200)
    assert.deepEqual(Object.keys(body.rows).sort(), tables, who)
    const others = id === ids.ada ? ids.ben : ids.ada
    assert.doesNotMatch(JSON.stringify(body), new RegExp(others))
    for (const rows of Object.values(body.rows)) assert.equal(rows.length, 1)
  }
  for (const who of strangers) {
    const { status, body } = await ask(who, 'POST', 'rpc/sync', { request })
    assert.ok(status === 401 || status === 403, `${who} ${status} ${JSON.stringify(body)}`)
    assert.equal(body.rows, undefined)
  }
})

test('match_embeddings() finds the caller’s own, whoever’s he asks for', async () => {
  const of = (/** @type {string} */ user) => ({
    query_embedding: vector(),
    match_user_id: user,
    match_threshold: 0.1,
    match_count: 10,
  })
  const own = await ask('owner', 'POST', 'rpc/match_embeddings', of(ids.ada))
  assert.deepEqual([own.status, own.body.length], [200, 1], JSON.stringify(own.body))
  for (const who of ['other', ...strangers]) {
    const { status, body } = await ask(who, 'POST', 'rpc/match_embeddings', of(ids.ada))
    assert.deepEqual(status === 200 ? body : [], [], `${who} ${status}`)
  }
})

test('the books of sync are not served at all', async () => {
  const books = await server.sql(
    `select relname from pg_class
     where relnamespace = 'somatic_sync'::regnamespace and relkind in ('r', 'v')`,
  )
  assert.ok(books.length >= 7)
  for (const { relname } of books) {
    for (const who of Object.keys(tokens)) {
      const { status, body } = await ask(who, 'GET', relname)
      assert.ok(status >= 400, `${relname} ${who} ${status} ${JSON.stringify(body)}`)
    }
  }
})

test('delete_account() takes the caller’s rows, and a stranger’s call none', async () => {
  for (const who of strangers) {
    const { status } = await ask(who, 'POST', 'rpc/delete_account', {})
    assert.ok(status === 401 || status === 403, `${who} ${status}`)
  }
  const gone = await ask('other', 'POST', 'rpc/delete_account', {})
  assert.ok(gone.status < 300, JSON.stringify(gone.body))
  for (const table of tables) {
    const owners = (await everything(table)).map((r) => r.row.user_id)
    assert.deepEqual(owners, [ids.ada], table)
  }
})
