// The service worker: sends what was written once no tab is open any more. Its project comes with its address.

import { sharedSession } from 'somatic-sync/auth-storage'
import { startBackgroundSync } from 'somatic-sync/service-worker'
import { namesOf } from './src/names.js'

const settings = new URL(location.href).searchParams
const project = { url: settings.get('url') ?? '', key: settings.get('key') ?? '' }
const { database, storageKey, offlineLock } = namesOf(settings.get('device') ?? '')

/**
 * Refused at once, the browser would try again only minutes later, when the tab may be long gone. Below the time that
 * a request may take.
 */
const patienceMs = 40_000

/** The switch of a tab takes its device off the network, and the worker is part of it. @type {typeof fetch} */
const gatedFetch = async (input, init) => {
  const signal = AbortSignal.timeout(patienceMs)
  await navigator.locks
    .request(offlineLock, { signal }, () => {})
    .catch(() => {
      throw new TypeError('this device is offline')
    })
  return fetch(input, init)
}

startBackgroundSync({
  ...project,
  auth: sharedSession({ ...project, storageKey, fetch: gatedFetch }),
  database,
  fetch: gatedFetch,
})
