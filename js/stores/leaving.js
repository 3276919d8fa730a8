// Owns when a page may end, or is not looked at any more.

/** @param {() => void} work @returns {(() => void)[]} */
export function onLeaving(work) {
  const page = globalThis.document
  /** @type {[any, string][]} */
  const events = [
    [globalThis, 'pagehide'],
    [globalThis, 'blur'],
    [page, 'visibilitychange'],
  ]
  const listener = () => work()
  return events.flatMap(([target, event]) => {
    if (typeof target?.addEventListener !== 'function') return []
    target.addEventListener(event, listener)
    return [() => target.removeEventListener(event, listener)]
  })
}
