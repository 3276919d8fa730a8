// Owns where the focus goes when what had it goes away: on the page it would be lost, and Tab begin anew.

import { useEffect, useRef } from 'react'

/** Not in a page that was just opened: it is read from its beginning. */
let isUsed = false
addEventListener('focusin', () => {
  isUsed = true
})

/**
 * A ref of what takes the focus when it comes in place of something else. Needs a tabIndex.
 * @param {unknown} [what] when this changes, too
 */
export function useFocusOn(what) {
  const ref = useRef(/** @type {any} */ (null))
  // biome-ignore lint/correctness/useExhaustiveDependencies: `what` is when, not with what
  useEffect(() => {
    if (isUsed) ref.current?.focus()
  }, [what])
  return ref
}

/**
 * Before an item of a list goes: from its button to that of a neighbour, or to the heading (with a tabIndex) of its
 * section.
 * @param {HTMLElement} button
 */
export function leaveItem(button) {
  const item = button.closest('li')
  const next = item?.nextElementSibling ?? item?.previousElementSibling
  const place = next?.querySelector('button') ?? item?.closest('section')?.querySelector('h2')
  place?.focus()
}
