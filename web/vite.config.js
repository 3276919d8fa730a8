// Owns how the app is served: the package by its name, from the working tree, as its users would import it.

import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const root = fileURLToPath(new URL('..', import.meta.url))

export default defineConfig({
  root: `${root}web`,
  cacheDir: `${root}build/vite`,
  plugins: [react()],
  resolve: {
    alias: [
      { find: /^somatic-sync$/, replacement: `${root}js/index.js` },
      { find: /^somatic-sync\/(.+)$/, replacement: `${root}js/$1.js` },
    ],
  },
  server: { host: '127.0.0.1', fs: { allow: [root] } },
  clearScreen: false,
})
