// The local Supabase as a client sees it: the real supabase-js over HTTP. Its subject is the server
// (and its differences from plain @supabase/lite), not our migrations: it brings a tiny one.

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { authOf, makeClient, scriptedAuth, signedInClient } from '../../tests/support/auth.js'
import { signJwt } from '../local/jwt.js'
import { startLocalSupabase } from '../local/server.js'

const NOTES = `
  create extension if not exists vector with schema extensions;
  create table notes (
    user_id uuid not null default auth.uid(), id int, body text check (length(body) < 20),
    price numeric(4,2), at timestamptz, meta jsonb, embedding vector(3), primary key (user_id, id)
  );
  alter table notes enable row level security;
  create policy own on notes to authenticated
    using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
  grant select, insert, update on notes to authenticated;
  create table internal (id int);
  create function echo(value jsonb) returns jsonb language sql
    as $$ select jsonb_build_object('type', jsonb_typeof(value), 'value', value, 'uid', auth.uid()) $$;
  create function many() returns setof int language sql as 'select generate_series(1, 1500)';
  create function fail(state text) returns jsonb language plpgsql as $$ begin
    insert into notes (id) values (4711);
    raise exception 'failed on purpose' using errcode = state, detail = 'why', hint = 'how';
  end $$;
  create table visits (id int primary key);
  grant insert on visits to anon;
  create function visit(id int) returns void language plpgsql as $$ begin
    insert into visits values (id);
    if id % 3 = 0 then perform 1 / 0; end if;
  end $$;`

/** @type {string} */
let folder
/** @type {import('../local/server.js').LocalSupabase} */
let server
/** @type {Awaited<ReturnType<typeof signedInClient>>} */
let ada
/** @type {Awaited<ReturnType<typeof signedInClient>>} */
let ben

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'local-supabase-'))
  await mkdir(join(folder, 'migrations'))
  await writeFile(join(folder, 'migrations', '20260101000000_notes.sql'), NOTES)
  server = await startLocalSupabase({ migrations: join(folder, 'migrations') })
  ada = await signedInClient(server, server.users[0])
  ben = await signedInClient(server, server.users[1])
})

after(async () => {
  await server?.stop()
  await rm(folder, { recursive: true })
})

/** @param {string} token @param {string} [path] */
const getWith = (token, path = '/rest/v1/notes') =>
  fetch(server.url + path, {
    headers: { apikey: server.anonKey, authorization: `Bearer ${token}` },
  })

test('sign up, sign in, refresh', async () => {
  const client = makeClient(server)
  const user = { email: 'new@example.com', password: 'new-password' }
  assert.equal((await client.auth.signUp(user)).error, null)
  const wrong = await client.auth.signInWithPassword({ ...user, password: 'wrong' })
  assert.equal(wrong.error?.code, 'invalid_credentials')
  const auth = authOf(await signedInClient(server, user))
  const first = await auth({ refresh: false })
  const second = await auth({ refresh: true })
  assert.equal(first?.userId, second?.userId)
  assert.ok((first?.expiresAt ?? 0) > Date.now() / 1000)
  assert.equal((await getWith(second?.accessToken ?? '')).status, 200)
})

test('each user sees and writes only own rows', async () => {
  const [adaId, benId] = server.users.map(({ id }) => id)
  assert.equal((await ada.from('notes').insert({ id: 1, body: 'of ada' })).error, null)
  assert.equal((await ben.from('notes').insert({ id: 1, body: 'of ben' })).error, null)
  const read = await ada.from('notes').select('user_id, body').eq('id', 1)
  assert.deepEqual(read.data, [{ user_id: adaId, body: 'of ada' }])
  const forged = await ada.from('notes').insert({ id: 2, user_id: benId })
  assert.deepEqual([forged.status, forged.error?.code], [403, '42501'])
  assert.equal((await server.sqlAs(benId, 'select * from notes where id = $1', [1])).length, 1)
  await assert.rejects(server.sqlAs(null, 'select * from notes'), /permission denied/)
})

test('grants are those of the migrations: nothing more for anon or authenticated', async () => {
  const asAnon = await makeClient(server).from('notes').select()
  assert.deepEqual([asAnon.status, asAnon.error?.code], [401, '42501'])
  const asUser = await ada.from('internal').select()
  assert.deepEqual([asUser.status, asUser.error?.code], [403, '42501'])
  const noDelete = await ada.from('notes').delete().eq('id', 1)
  assert.deepEqual([noDelete.status, noDelete.error?.code], [403, '42501'])
})

test('column values read as from PostgREST', async () => {
  const row = { id: 10, price: 1.5, at: '2026-01-02T03:04:05.12+02:00', meta: { a: [1] } }
  await ada.from('notes').insert({ ...row, embedding: '[1,2,3]' })
  const { data } = await ada
    .from('notes')
    .select('price, at, meta, embedding')
    .eq('id', 10)
    .single()
  const want = { price: 1.5, at: '2026-01-02T01:04:05.12+00:00', meta: { a: [1] } }
  assert.deepEqual(data, { ...want, embedding: '[1,2,3]' })
})

test('an rpc argument arrives as the JSON it was, as the user who called', async () => {
  for (const value of [{ list: [1, { deep: 'ü "quoted"' }], nothing: null }, [1, 2], 5, true]) {
    const { data, error } = await ada.rpc('echo', { value })
    assert.equal(error, null)
    assert.deepEqual(data.value, value)
    assert.equal(data.uid, server.users[0].id)
  }
})

test('reads and set-returning functions stop at 1,000 rows, one JSON value does not', async () => {
  await server.sql(
    'insert into notes (user_id, id) select $1::uuid, i from generate_series(10001, 11500) i',
    [server.users[1].id],
  )
  assert.equal((await ben.from('notes').select('id')).data?.length, 1000)
  assert.equal((await ben.from('notes').select('id').range(1000, 9999)).data?.length, 501)
  assert.equal((await ben.rpc('many')).data.length, 1000)
  const big = Array.from({ length: 5000 }, (_, i) => i)
  assert.equal((await ben.rpc('echo', { value: big })).data.value.length, 5000)
})

/** @type {[sqlState: string, status: number][]} */
const STATUSES = [
  ['23514', 400],
  ['23502', 400],
  ['P0001', 400],
  ['22P02', 400],
  ['42501', 403],
  ['23505', 409],
  ['23503', 409],
  ['42P01', 404],
  ['25006', 405],
  ['PT418', 418],
  ['57014', 500],
  ['40001', 500],
  ['40P01', 500],
  ['55P03', 500],
  ['P0002', 500],
  ['XX000', 500],
  ['21000', 500],
  ['53300', 503],
]
for (const [state, status] of STATUSES) {
  test(`SQLSTATE ${state} is HTTP ${status} and rolls back`, async () => {
    const answer = await ada.rpc('fail', { state })
    const { message, details, hint } = answer.error ?? {}
    assert.deepEqual([answer.status, answer.error?.code], [status, state])
    assert.deepEqual([message, details, hint], ['failed on purpose', 'why', 'how'])
    assert.deepEqual((await ada.from('notes').select().eq('id', 4711)).data, [])
  })
}

test('errors of table writes and of the schema cache have their real status', async () => {
  const tooLong = await ada.from('notes').insert({ id: 20, body: 'x'.repeat(30) })
  assert.deepEqual([tooLong.status, tooLong.error?.code], [400, '23514'])
  assert.match(tooLong.error?.message ?? '', /violates check constraint "notes_body_check"/)
  const missing = await ada.rpc('not_there')
  assert.deepEqual([missing.status, missing.error?.code], [404, 'PGRST202'])
  const noTable = await ada.from('not_there').select()
  assert.deepEqual([noTable.status, noTable.error?.code], [404, 'PGRST205'])
  await server.sql(
    `create function not_there() returns jsonb language sql as $$ select '1'::jsonb $$`,
  )
  assert.equal((await ada.rpc('not_there')).data, 1)
})

test('expired, short-lived, forged and malformed tokens', async () => {
  const userId = server.users[0].id
  const forged = signJwt({ sub: userId, role: 'authenticated', exp: 4e9 }, 'another secret')
  /** @type {[string, string, string][]} */
  const refused = [
    [server.mintToken({ userId, expiresInSeconds: -60 }), 'PGRST303', 'JWT expired'],
    [forged, 'PGRST301', 'No suitable key or wrong key type'],
    ['not-a-token', 'PGRST301', 'Expected 3 parts in JWT; got 1'],
  ]
  for (const [token, code, message] of refused) {
    const response = await getWith(token)
    const body = await response.json()
    assert.deepEqual([response.status, body.code, body.message], [401, code, message])
    assert.equal(response.headers.get('access-control-allow-origin'), '*')
  }
  const short = server.mintToken({ userId, expiresInSeconds: 3 })
  assert.equal((await getWith(short)).status, 200)
  const deadline = Date.now() + 10_000
  let status = 200
  while (status === 200 && Date.now() < deadline) status = (await getWith(short)).status
  assert.equal(status, 401)
})

test('scripted sessions for clients under test', async () => {
  const auth = scriptedAuth({ accessToken: 'old', userId: 'u' }, null)
  assert.equal((await auth({ refresh: false }))?.accessToken, 'old')
  assert.equal(await auth({ refresh: true }), null)
  assert.equal(auth.refreshes, 1)
})

test('requests at the same time do not share a transaction', async () => {
  // In process, so that all begin in one turn of the event loop: sockets would space them out.
  const visit = (/** @type {number} */ id) =>
    server.fetch(`${server.url}/rest/v1/rpc/visit`, {
      method: 'POST',
      headers: { apikey: server.anonKey, 'content-type': 'application/json' },
      body: JSON.stringify({ id }),
    })
  const answers = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8, 9].map(visit))
  const statuses = answers.map(({ status }) => status)
  assert.deepEqual(statuses, [204, 204, 400, 204, 204, 400, 204, 204, 400])
  const kept = await server.sql('select id from visits order by id')
  assert.deepEqual(
    kept.map(({ id }) => id),
    [1, 2, 4, 5, 7, 8],
  )
})

test('a page from another origin may call it and read what a hosted project lets it read', async () => {
  for (const path of ['/rest/v1/rpc/echo', '/auth/v1/token']) {
    const headers = {
      origin: 'http://localhost:5173',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'apikey,authorization,content-type',
    }
    const preflight = await fetch(server.url + path, { method: 'OPTIONS', headers })
    assert.ok(preflight.ok)
    assert.equal(preflight.headers.get('access-control-allow-origin'), '*')
    assert.match(preflight.headers.get('access-control-allow-headers') ?? '', /authorization/)
  }
  const { accessToken } = await server.signIn(server.users[0].email, server.users[0].password)
  const exposed = (await getWith(accessToken)).headers.get('access-control-expose-headers')
  assert.match(exposed ?? '', /Content-Range/)
})
