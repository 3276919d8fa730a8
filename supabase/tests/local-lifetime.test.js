// Starting and stopping the local Supabase: kept folders and their migrations, several servers in one
// process, the failures a person can mend, and the command. What it answers is in local.test.js.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { signedInClient } from '../../tests/support/auth.js'
import { startLocalSupabase } from '../local/server.js'

const FIRST = `
  set search_path to public; -- as dumps do; must not leak into the next one
  create table notes (id int primary key, body text);
  grant select, insert on notes to authenticated;`
const SECOND = `
  create extension vector with schema extensions;
  alter table notes add embedding vector(3);`
const BROKEN = `create table half_made (id int);\nselect * from nowhere;`

/** @type {string} */
let root
let made = 0
/** @type {string} a new folder for each test, with one migration */
let folder
/** @type {string} */
let migrations

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'local-supabase-'))
})

after(() => rm(root, { recursive: true }))

beforeEach(async () => {
  folder = join(root, String(++made))
  migrations = join(folder, 'migrations')
  await mkdir(migrations, { recursive: true })
  await writeFile(join(migrations, '1_first.sql'), FIRST)
})

test('a kept folder has its data and users again, and only the new migrations are applied', async () => {
  const first = await startLocalSupabase({ folder, migrations })
  const client = await signedInClient(first, first.users[0])
  assert.equal((await client.from('notes').insert({ id: 1, body: 'kept' })).error, null)
  const { accessToken } = await first.signIn(first.users[0].email, first.users[0].password)
  await first.stop()

  await writeFile(join(migrations, '2_second.sql'), SECOND)
  /** @type {string[]} */
  const said = []
  const second = await startLocalSupabase({ folder, migrations, log: (line) => said.push(line) })
  assert.deepEqual(said, ['applied 2_second.sql'])
  assert.deepEqual(second.users, first.users)
  const headers = { apikey: second.anonKey, authorization: `Bearer ${accessToken}` }
  const read = await fetch(`${second.url}/rest/v1/notes`, { headers })
  assert.deepEqual(await read.json(), [{ id: 1, body: 'kept', embedding: null }])
  await second.stop()
})

test('two servers in one process know nothing of each other', async () => {
  const [one, two] = await Promise.all([
    startLocalSupabase({ migrations }),
    startLocalSupabase({
      migrations,
      users: [{ email: 'eve@example.com', password: 'eve-password' }],
    }),
  ])
  assert.notEqual(one.url, two.url)
  await one.sql('insert into notes values (1)')
  assert.deepEqual(await two.sql('select * from notes'), [])
  await assert.rejects(two.signIn(one.users[0].email, one.users[0].password), /invalid_credentials/)
  await one.stop()
  await one.stop()
  assert.equal((await two.signIn('eve@example.com', 'eve-password')).userId, two.users[0].id)
  await assert.rejects(fetch(one.url), /fetch failed/)
  await two.stop()
})

test('a folder serves one process at a time', async () => {
  const server = await startLocalSupabase({ folder, migrations })
  await assert.rejects(startLocalSupabase({ folder, migrations }), /in use by process \d+/)
  await server.stop()
  await (await startLocalSupabase({ folder, migrations })).stop()
})

test('failures that can be mended say how, and leave nothing behind', async () => {
  const blocker = createServer().listen(0, '127.0.0.1')
  await once(blocker, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (blocker.address())
  await assert.rejects(startLocalSupabase({ port, migrations }), /port \d+ \(EADDRINUSE\).*--port/)
  blocker.close()

  const file = join(folder, 'file')
  await writeFile(file, '')
  await assert.rejects(startLocalSupabase({ folder: file, migrations }), /Cannot use the folder/)
  await assert.rejects(startLocalSupabase({ migrations: join(folder, 'none') }), /ENOENT/)

  await writeFile(join(migrations, '3_broken.sql'), BROKEN)
  await assert.rejects(
    startLocalSupabase({ folder, migrations }),
    /3_broken.sql failed: relation "nowhere" does not exist; .*42P01/,
  )
  await rm(join(migrations, '3_broken.sql'))
  const mended = await startLocalSupabase({ folder, migrations })
  assert.deepEqual(await mended.sql("select to_regclass('half_made') as it"), [{ it: null }])
  await mended.stop()

  await writeFile(join(migrations, 'unnumbered.sql'), '')
  await assert.rejects(startLocalSupabase({ migrations }), /unnumbered.sql: a migration is named/)
})

test('the command starts, says how to reach it, stops on Ctrl-C and resets', async () => {
  const command = fileURLToPath(new URL('../local/main.js', import.meta.url))
  const options = ['--folder', folder, '--migrations', migrations]
  /** @param {string[]} args */
  const run = (...args) => spawn(process.execPath, [command, ...options, ...args])
  /** @param {string[]} args */
  const runUntilStarted = async (...args) => {
    const child = run('--port', '0', ...args)
    let said = ''
    child.stdout.on('data', (chunk) => (said += chunk))
    while (!said.includes('Ctrl-C stops it')) await once(child.stdout, 'data')
    const exited = once(child, 'exit')
    child.kill('SIGINT')
    assert.deepEqual(await exited, [0, null])
    return said
  }

  const first = await runUntilStarted()
  assert.match(first, /applied 1_first.sql/)
  assert.match(first, /URL +http:\/\/127\.0\.0\.1:\d+\n/)
  assert.match(first, /ada@example\.com/)
  assert.doesNotMatch(await runUntilStarted(), /applied/)
  assert.match(await runUntilStarted('--reset'), /applied 1_first.sql/)
  assert.deepEqual(await readdir(folder), ['database', 'migrations'])

  for (const [args, wanted] of /** @type {[string[], RegExp][]} */ ([
    [['--port', 'x'], /^--port takes a number from 0 to 65535, not "x"\n$/],
    [['--nonsense'], /^Unknown option '--nonsense'.*\n$/],
  ])) {
    const failing = run(...args)
    let errors = ''
    failing.stderr.on('data', (chunk) => (errors += chunk))
    assert.deepEqual(await once(failing, 'close'), [1, null])
    assert.match(errors.replace(/^⚠️.*\n/m, ''), wanted)
  }
})
