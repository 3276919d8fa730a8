// Owns which device this page is, its supabase-js client, and the switch that takes the device off the network.

import { createClient } from '@supabase/supabase-js'
import { sharedAuthStorage } from 'somatic-sync/auth-storage'
import { namesOf } from './names.js'

/** Put there by serve.js. @type {{ url: string, key: string }} */
// @ts-expect-error: declared nowhere
const { url, key } = __SUPABASE__

/** The device that has the service worker. */
export const ownDevice = 'browser'
/** Of ?device=: two frames of one browser are two devices. */
export const device = new URL(location.href).searchParams.get('device') ?? ownDevice
export const names = namesOf(device)

let isOffline = false
/** Tells the service worker, and that only as long as this page lives. */
let letGo = () => {}
/** @type {Set<() => void>} */
const listeners = new Set()

export const network = {
  isOffline: () => isOffline,
  /** @param {boolean} offline */
  set(offline) {
    isOffline = offline
    letGo()
    const held = new Promise((resolve) => {
      letGo = () => resolve(undefined)
    })
    if (offline) navigator.locks?.request(names.offlineLock, { mode: 'shared' }, () => held)
    if (offline) supabase.realtime.disconnect()
    else supabase.realtime.connect()
    for (const listener of listeners) listener()
    if (!offline) dispatchEvent(new Event('online'))
  },
  /** @param {() => void} listener */
  subscribe(listener) {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },
}

/** @type {typeof fetch} */
export const gatedFetch = (input, init) =>
  isOffline ? Promise.reject(new TypeError('this device is offline')) : fetch(input, init)

export const project = { url, key }
const { storageKey } = names
const storage = sharedAuthStorage({ storageKey, fetch: gatedFetch })
export const supabase = createClient(url, key, {
  auth: { storageKey, storage },
  global: { fetch: storage.fetch },
})
