// Owns which events of a page or a worker suggest that there is news, and which that the page is put
// away or taken out again. Knows no client.

/**
 * @typedef {object} Life of a page
 * @property {() => void} wake it is looked at again, or the network is back
 * @property {() => void} hide nobody looks at it any more
 * @property {(isKept: boolean) => void} leave it runs no more: for good, or until enter()
 * @property {() => void} enter it runs again; also told when it never left
 */

/**
 * @param {Life} life
 * @returns {() => void} takes the listeners out again
 */
export function listenToBrowser(life) {
  const page = globalThis.document
  const wake = () => life.wake()
  const enter = () => life.enter()
  const onVisibility = () => (page.visibilityState === 'visible' ? life.wake() : life.hide())
  const onPageHide = (/** @type {any} */ event) => life.leave(event.persisted === true)
  const onFreeze = () => life.leave(true)
  /** @type {[EventTarget | undefined, string, (event: Event) => void][]} */
  const listened = [
    [asTarget(globalThis), 'focus', wake],
    [asTarget(globalThis), 'online', wake],
    [asTarget(globalThis), 'pagehide', onPageHide],
    [asTarget(globalThis), 'pageshow', enter],
    [asTarget(page), 'visibilitychange', onVisibility],
    [asTarget(page), 'freeze', onFreeze],
    [asTarget(page), 'resume', enter],
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
