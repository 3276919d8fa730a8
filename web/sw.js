// The service worker: sends what was written once no tab is open any more. Its project comes with its address.

import { sharedSession } from 'somatic-sync/auth-storage'
import { startBackgroundSync } from 'somatic-sync/service-worker'

const settings = new URL(location.href).searchParams
const project = { url: settings.get('url') ?? '', key: settings.get('key') ?? '' }
const device = settings.get('device')

/** The switch of a tab takes its device off the network, and the worker is part of it. @type {typeof fetch} */
const gatedFetch = async (input, init) => {
  const { held = [] } = await navigator.locks.query()
  if (held.some(({ name }) => name === `${device}-offline`)) {
    throw new TypeError('this device is offline')
  }
  return fetch(input, init)
}

startBackgroundSync({
  ...project,
  auth: sharedSession({ ...project, storageKey: `${device}-auth`, fetch: gatedFetch }),
  database: `app-${device}`,
  fetch: gatedFetch,
})
