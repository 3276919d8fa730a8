// Owns what a device's things are called in this browser: page and service worker must agree on them.

/** @param {string} device */
export const namesOf = (device) => ({
  /** of the client's databases */
  database: `app-${device}`,
  /** under which supabase-js keeps the session */
  storageKey: `${device}-auth`,
  /** of the Web Lock that a page holds while its switch takes the device off the network */
  offlineLock: `${device}-offline`,
})
