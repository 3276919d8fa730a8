// The command `npm start`: the local Supabase, kept in a folder, with two users and a month of data, and the app on it.
// Ends both on Ctrl-C.

import { parseArgs } from 'node:util'
import { TEST_USERS } from '../supabase/local/server.js'
import { startBackend } from './backend.js'
import { serveApp } from './serve.js'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '5173' },
    folder: { type: 'string', default: 'build/supabase' },
    reset: { type: 'boolean', default: false },
  },
})

const say = (/** @type {string} */ line) => console.log(`  ${line}`)
const backend = await startBackend({ folder: values.folder, reset: values.reset, say })
const port = Number(values.port)
const app = await serveApp({ url: backend.url, key: backend.anonKey, port })

let isStopping = false
async function stop() {
  if (isStopping) process.exit(1) // a second Ctrl-C does not wait
  isStopping = true
  await app.stop()
  await backend.stop()
  process.exit(0)
}
process.on('SIGINT', stop)
process.on('SIGTERM', stop)

console.log(`
The app is running.

  App             ${app.url}
  Two devices     ${app.url}devices.html
  Sync Test Panel ${app.url}#panel
${TEST_USERS.map(({ email, password }) => `  user            ${email}  ${password}`).join('\n')}
  Supabase        ${backend.url}

Ctrl-C stops it.`)
