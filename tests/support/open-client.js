// Opens clients for tests of the shim: on the fake engine always, on the compiled one where it was
// built, each on a memory disk and on IndexedDB. Knows no assertion.

import 'fake-indexeddb/auto'
import { access } from 'node:fs/promises'
import { open } from '../../js/open.js'
import { createFakeModule } from './fake-engine.js'

const built = new URL('../../dist/module.js', import.meta.url)
const isBuilt = await access(built).then(
  () => true,
  () => false,
)

/** @type {{ name: string, createModule: any }[]} */
export const engines = [{ name: 'fake engine', createModule: createFakeModule }]
if (isBuilt)
  engines.push({ name: 'compiled engine', createModule: (await import(built.href)).default })

/** Engine times storage: what the conformance suite runs on. */
export const settings = engines.flatMap(({ name, createModule }) =>
  /** @type {const} */ (['memory', 'indexeddb']).map((storage) => ({
    name: `${name}, ${storage}`,
    createModule,
    storage,
  })),
)

export const anna = '11111111-1111-4111-8111-111111111111'
export const ben = '22222222-2222-4222-8222-222222222222'

let count = 0
/** A database prefix no other test uses. */
export function newDatabase() {
  count += 1
  return `test-${process.pid}-${count}`
}

/** A server nobody reaches. */
export const offline = async () => {
  throw new TypeError('fetch failed')
}

/** @param {string} userId @returns {() => Promise<import('../../js/session/session.js').Session | null>} */
export function signedIn(userId) {
  return async () => ({ accessToken: `token of ${userId}`, userId })
}

/**
 * A client of Anna's, offline, without autoSync and insights unless said.
 * @param {Record<string, any>} [options]
 * @param {any} [createModule]
 * @returns {Promise<any>} untyped: tests of wrong use are about wrong types
 */
export function openClient(options = {}, createModule = createFakeModule) {
  const defaults = {
    url: 'http://project.test/',
    key: 'publishable',
    auth: signedIn(anna),
    autoSync: false,
    insights: false,
    fetch: offline,
    database: newDatabase(),
  }
  return open({ ...defaults, ...options }, createModule)
}

/** @param {() => unknown} holds */
export async function until(holds, ms = 2000) {
  const end = Date.now() + ms
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms in vain for ${holds}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
