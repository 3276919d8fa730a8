// The command `npm run supabase`: starts the local Supabase, says how to reach it and stops it on
// Ctrl-C. Only arguments and words live here; server.js does the work.

import { parseArgs } from 'node:util'
import { StartError } from './database.js'
import { startLocalSupabase } from './server.js'

const USAGE = `npm run supabase -- [--folder DIR] [--port N] [--reset] [--migrations DIR]

  --folder DIR       keep the database in DIR (default: in memory, gone when it stops)
  --port N           default 54321
  --reset            delete the database kept in DIR first
  --migrations DIR   default: supabase/migrations`

function readArguments() {
  const { values } = parseArgs({
    options: {
      folder: { type: 'string' },
      port: { type: 'string', default: '54321' },
      reset: { type: 'boolean', default: false },
      migrations: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const port = Number(values.port)
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new StartError(`--port takes a number from 0 to 65535, not "${values.port}"`)
  }
  return { ...values, port }
}

async function main() {
  const { help, ...options } = readArguments()
  if (help) return console.log(USAGE)
  const { folder } = options
  const starting = startLocalSupabase({ ...options, log: (line) => console.log(`  ${line}`) })

  // Before it has started, too: a kept folder is closed properly, never left half written.
  let stopping = false
  const stop = async () => {
    if (stopping) process.exit(1) // a second Ctrl-C does not wait
    stopping = true
    const server = await starting.catch(() => null) // why it failed is said below
    await server?.stop()
    if (server) console.log('Stopped.')
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)

  const server = await starting
  if (stopping) return
  console.log(`
Local Supabase is running${folder ? `, kept in ${folder}` : ', in memory'}.

  URL           ${server.url}
  anon key      ${server.anonKey}
  service key   ${server.serviceKey}
${server.users.map(({ email, password }) => `  user          ${email}  ${password}`).join('\n')}

Ctrl-C stops it.`)
}

try {
  await main()
} catch (error) {
  const { code } = /** @type {NodeJS.ErrnoException} */ (error)
  const mendable = error instanceof StartError || String(code).startsWith('ERR_PARSE_ARGS')
  console.error(mendable ? /** @type {Error} */ (error).message.split('\n')[0] : error)
  process.exitCode = 1
}
