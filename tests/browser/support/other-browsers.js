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
 * @property {() => Promise<void>} kill SIGKILL, it and all it started
 * @property {() => Promise<void>} start again, with the same profile
 */

export {}
