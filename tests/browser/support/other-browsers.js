// What a test needs of a browser that Playwright cannot drive as Debian ships it. Each driver is one file.

/** @typedef {{ after(end: () => Promise<void>): unknown }} Ending a test, or { after } of node:test */

/**
 * @typedef {object} OtherTab
 * @property {(name: string, argument?: unknown) => Promise<any>} call a function of the page's `somatic`
 * @property {() => Promise<unknown>} close
 */

/**
 * @typedef {object} OtherBrowser
 * @property {string} name
 * @property {string} version
 * @property {(url: string) => Promise<OtherTab>} openTab
 * @property {() => Promise<void>} crash SIGKILL to it and all it started, at once; then a new start, with the profile
 *   it had
 */

export {}
