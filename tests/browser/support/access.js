// Owns what a page is looked at for by those who cannot see it well, hold a phone, or have no mouse. Each function
// answers faults, none for a page that is as it should be. Knows no page of the app.

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'

/** @typedef {import('playwright-core').Page} Page */

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
/** WCAG to 2.2, A and AA; best practice: landmarks, order of headings. */
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/**
 * What axe has against a page and the frames in it; also where it could not see whether a contrast is enough, and
 * when it has looked at no contrast at all.
 * @param {Page} tab
 * @returns {Promise<string[]>} rule and selector
 */
export async function axeFaults(tab) {
  for (const frame of tab.frames()) {
    if (!(await frame.evaluate(() => 'axe' in globalThis))) await frame.evaluate(axe)
  }
  // two frames of one app have the same landmarks; each frame has a title
  const rules = { 'landmark-unique': { enabled: tab.frames().length === 1 } }
  const { violations, incomplete, passes } = await tab.evaluate(
    (options) => {
      scrollTo(0, 0) // a header that lies over a text keeps axe from seeing its ground
      return /** @type {any} */ (globalThis).axe.run(document, options)
    },
    { runOnly: tags, rules },
  )
  const isContrast = (/** @type {any} */ { id }) => id === 'color-contrast'
  const faults = [...violations, ...incomplete.filter(isContrast)].flatMap(({ id, nodes }) =>
    nodes.map((/** @type {any} */ { target, any }) =>
      [id, target.join(' in '), any[0]?.message].filter(Boolean).join(': '),
    ),
  )
  return passes.some(isContrast) ? faults : [...faults, 'no contrast was looked at']
}

/** Whether the edges of fields and marks are seen; axe looks at texts only. @param {Page} tab @returns {Promise<string[]>} */
export const edgeFaults = (tab) => inFrames(tab, edgeFaultsHere)

/** Runs in the page. WCAG 2.2, 1.4.11. */
function edgeFaultsHere() {
  const channels = (/** @type {string} */ color) => color.match(/[\d.]+/g)?.map(Number) ?? []
  const luminance = (/** @type {string} */ color) => {
    const [r, g, b] = channels(color).map((each) => {
      const part = each / 255
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const contrast = (/** @type {string[]} */ ...colors) => {
    const [dark, light] = colors.map(luminance).sort((a, b) => a - b)
    return (light + 0.05) / (dark + 0.05)
  }
  /** @param {Element | null} element @returns {string} what is seen behind what is in it */
  const groundOf = (element) => {
    if (!element) return 'rgb(255, 255, 255)'
    const { backgroundColor } = getComputedStyle(element)
    return channels(backgroundColor)[3] === 0 ? groundOf(element.parentElement) : backgroundColor
  }
  const edged = 'input:not([type=range], [type=file]), select, textarea, button, .button, .days i'
  return [...document.querySelectorAll(edged)].flatMap((element) => {
    if (!element.checkVisibility() || element.closest('.visually-hidden')) return []
    const { borderColor } = getComputedStyle(element)
    const ground = groundOf(element.parentElement)
    const seen = Math.max(contrast(borderColor, ground), contrast(groundOf(element), ground))
    return seen >= 3 ? [] : [`edge ${seen.toFixed(1)} to 1: ${element.outerHTML.slice(0, 80)}`]
  })
}

/** Whether a page and the frames in it fit a phone. @param {Page} tab @returns {Promise<string[]>} */
export const phoneFaults = (tab) => inFrames(tab, phoneFaultsHere)

/** @param {Page} tab @param {() => string[]} faultsHere */
async function inFrames(tab, faultsHere) {
  const all = await Promise.all(tab.frames().map((frame) => frame.evaluate(faultsHere)))
  return all.flat()
}

/** Runs in the page. WCAG 2.2, 1.4.10 and 2.5.8; 12 px is the smallest text that we find readable. */
function phoneFaultsHere() {
  /** @type {string[]} */
  const faults = []
  const { clientWidth, scrollWidth } = document.documentElement
  if (scrollWidth > clientWidth) faults.push(`scrolls sideways: ${scrollWidth} in ${clientWidth}`)
  const isCut = (/** @type {DOMRect} */ box) => box.left < -0.5 || box.right > clientWidth + 0.5
  const isShown = (/** @type {Element} */ element) =>
    element.checkVisibility() && !element.closest('.visually-hidden')

  const controls = document.querySelectorAll('a, button, input, select, textarea, label.button')
  for (const control of controls) {
    if (!isShown(control)) continue
    // whoever presses the label of a box presses the box
    const isBox = control.matches('[type=checkbox], [type=radio]')
    const target = (isBox && control.closest('label')) || control
    const box = target.getBoundingClientRect()
    const { width, height } = box
    const name = `${control.outerHTML.slice(0, 80)} "${target.textContent?.slice(0, 30)}"`
    if (isCut(box)) faults.push(`cut off at ${box.left}-${box.right}: ${name}`)
    // its size is that of the text around it, and so is left out of 2.5.8
    const isInText = getComputedStyle(control).display === 'inline' && control.matches('p a')
    if (!isInText && (width < 24 || height < 24)) faults.push(`${width} x ${height}: ${name}`)
    if (control.matches('a, button') && !isInText && control.scrollWidth > control.clientWidth)
      faults.push(`its text does not fit in: ${name}`)
  }

  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (texts.nextNode()) {
    const { parentElement: parent, textContent: text } = texts.currentNode
    if (!parent || !text?.trim() || parent.matches('script, style') || !isShown(parent)) continue
    const size = Number.parseFloat(getComputedStyle(parent).fontSize)
    if (size < 12) faults.push(`${size} px: "${text}"`)
    const range = document.createRange()
    range.selectNodeContents(texts.currentNode)
    if ([...range.getClientRects()].some(isCut)) faults.push(`text cut off: "${text}"`)
  }
  return faults
}

/** Whether one who has no mouse sees where they are. @param {Page} tab @returns {Promise<string[]>} */
export const focusFaults = (tab) => tab.evaluate(focusFaultsHere)

/** Runs in the page. WCAG 2.2, 2.4.7 and 2.4.11. */
function focusFaultsHere() {
  const on = /** @type {HTMLElement} */ (document.activeElement)
  if (!on || on === document.body) return ['the focus is nowhere']
  /** @type {HTMLElement} a field that is out of sight has a label that stands for it */
  const seen = (on.matches('.visually-hidden') && on.closest('label')) || on
  const look = () => {
    const { outlineStyle, outlineWidth, outlineColor, boxShadow } = getComputedStyle(seen)
    const isOutlined = outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2
    return isOutlined ? `${outlineWidth} ${outlineColor} ${boxShadow}` : boxShadow
  }
  const name = on.outerHTML.slice(0, 100)
  /** @type {string[]} */
  const faults = []
  const focused = look()
  on.blur()
  const without = look()
  on.focus({ preventScroll: true })
  if (focused === without) faults.push(`looks the same with the focus as without: ${name}`)
  const { left, top, width, height } = seen.getBoundingClientRect()
  const hit = document.elementFromPoint(left + width / 2, top + height / 2)
  if (!seen.contains(hit)) faults.push(`out of sight, or behind ${hit?.tagName}: ${name}`)
  return faults
}
