// Owns which device this page is, its supabase-js client, and the switch that takes the device off the network.

import { createClient } from '@supabase/supabase-js'

/* global __SUPABASE__ */
const { url, key } = /** @type {{ url: string, key: string }} */ (__SUPABASE__)

/** Of ?device=: two frames of one browser are two devices. */
export const device = new URL(location.href).searchParams.get('device') ?? 'browser'

let isOffline = false
/** @type {Set<() => void>} */
const listeners = new Set()

export const network = {
  isOffline: () => isOffline,
  /** @param {boolean} offline */
  set(offline) {
    isOffline = offline
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
export const supabase = createClient(url, key, {
  auth: { storageKey: `${device}-auth` },
  global: { fetch: gatedFetch },
})
