// Starts a bare PostgreSQL in a temporary folder, for what PGlite cannot show: grants as the real
// server enforces them, and real concurrency. Never as root (the server refuses): then it runs as
// the user named by PG_USER, else postgres, else nobody. Binaries: PG_BIN (scripts/postgres.sh prints
// it), else Debian's PostgreSQL 15.

import { spawn, spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'

const bin = process.env.PG_BIN ?? '/usr/lib/postgresql/15/bin'

/** Whether there is a server to start here. */
export const hasPostgres = existsSync(join(bin, 'postgres'))

/** @returns {Promise<{ version: string, connect: (count: number) => postgres.Sql,
 *   stop: () => Promise<void> }>} */
export async function startPostgres() {
  const folder = mkdtempSync(join(tmpdir(), 'somatic-sync-pg-'))
  const identity = unprivileged()
  if (identity.uid !== undefined) chownSync(folder, identity.uid, identity.gid ?? identity.uid)
  const options = { ...identity, cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' } }

  const data = join(folder, 'data')
  const made = spawnSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'postgres', '--auth=trust', '-E', 'UTF8', '--no-sync'],
    { ...options, encoding: 'utf8' },
  )
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr || made.error}`)

  const port = await freePort()
  const server = spawn(
    join(bin, 'postgres'),
    // Durability is not what is tested here; everything else stays as it comes.
    ['-D', data, '-h', '127.0.0.1', '-p', String(port), '-k', folder, '-c', 'fsync=off'],
    { ...options, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let errors = ''
  server.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const ended = new Promise((resolve) => server.once('exit', resolve))
  // A test process that dies must not leave its server or its files behind.
  const kill = () => {
    server.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  process.once('exit', kill)

  /** @param {number} count */
  const connect = (count) =>
    postgres({
      host: '127.0.0.1',
      port,
      user: 'postgres',
      database: 'postgres',
      max: count,
      onnotice: () => {},
      // Numbers as numbers: versions stay far below 2^53.
      types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
    })

  const stop = async () => {
    server.kill('SIGINT')
    await ended
    process.removeListener('exit', kill)
    rmSync(folder, { recursive: true, force: true })
  }

  for (let attempt = 0; ; attempt++) {
    const probe = connect(1)
    try {
      const [{ version }] = await probe`select current_setting('server_version') as version`
      return { version, connect, stop }
    } catch (cause) {
      if (attempt >= 100 || server.exitCode !== null) {
        await stop()
        throw new Error(`PostgreSQL does not start: ${errors}`, { cause })
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
    } finally {
      await probe.end()
    }
  }
}

/** @returns {{ uid?: number, gid?: number }} whom to run as; nobody else unless this is root */
function unprivileged() {
  if (process.getuid?.() !== 0) return {}
  const wanted = process.env.PG_USER ? [process.env.PG_USER] : ['postgres', 'nobody']
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const entry = wanted.flatMap((user) => users.filter(([name]) => name === user)).at(0)
  if (!entry) throw new Error(`running as root, and there is no user ${wanted}: set PG_USER`)
  return { uid: Number(entry[2]), gid: Number(entry[3]) }
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      const port = typeof address === 'object' && address ? address.port : 0
      probe.close(() => resolve(port))
    })
  })
}
