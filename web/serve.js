// Owns serving the app on a Supabase project.

import { fileURLToPath } from 'node:url'
import { createServer } from 'vite'

/**
 * @param {{ url: string, key: string, port?: number, cacheDir?: string }} options
 *   port: the next free one from there on; cacheDir: where prepared packages are kept
 */
export async function serveApp({ url, key, port = 5173, cacheDir }) {
  const vite = await createServer({
    configFile: fileURLToPath(new URL('vite.config.js', import.meta.url)),
    cacheDir,
    define: { __SUPABASE__: JSON.stringify({ url, key }) },
    server: { port },
    logLevel: 'warn',
  })
  await vite.listen()
  return { url: vite.resolvedUrls?.local[0] ?? '', stop: () => vite.close() }
}
