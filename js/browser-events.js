// Owns which events of a page or a worker suggest that there is news. Knows no client.

/**
 * @param {() => void} wake called when the page is looked at again or the network is back
 * @returns {() => void} takes the listeners out again
 */
export function listenToBrowser(wake) {
  const page = globalThis.document
  const onVisibility = () => {
    if (page.visibilityState === 'visible') wake()
  }
  /** @type {[EventTarget | undefined, string, () => void][]} */
  const listened = [
    [asTarget(globalThis), 'focus', wake],
    [asTarget(globalThis), 'online', wake],
    [asTarget(page), 'visibilitychange', onVisibility],
  ]
  for (const [target, event, listener] of listened) target?.addEventListener(event, listener)
  return () => {
    for (const [target, event, listener] of listened) target?.removeEventListener(event, listener)
  }
}

/** Node's global object takes no listeners. @param {any} object @returns {EventTarget | undefined} */
function asTarget(object) {
  return typeof object?.addEventListener === 'function' ? object : undefined
}
