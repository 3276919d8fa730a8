// The same tests on every engine and on both disks; what one of them opens is closed after it. Knows no assertion.

import { afterEach, describe } from 'node:test'
import { createFakeModule } from './fake-engine.js'
import { openClient, settings } from './open-client.js'

/**
 * @typedef {object} Setting
 * @property {(options?: Record<string, any>) => Promise<any>} newClient
 * @property {boolean} isCompiled not the fake engine
 */

/** @param {(setting: Setting) => void} tests */
export function onEachSetting(tests) {
  for (const { name, createModule, storage } of settings) {
    describe(name, () => {
      /** @type {any[]} */
      let open = []
      afterEach(async () => {
        for (const client of open) await client.close()
        open = []
      })
      const newClient = async (options = {}) => {
        const client = await openClient({ storage, ...options }, createModule)
        open.push(client)
        return client
      }
      tests({ newClient, isCompiled: createModule !== createFakeModule })
    })
  }
}
