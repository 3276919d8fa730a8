// Owns the promises that calls are given, by the numbers under which the core knows them.

import { SyncError } from './error.js'

/** @typedef {{ resolve: (report: any) => void, reject: (error: SyncError) => void }} Waiting */

export class Tickets {
  constructor() {
    this.last = 0
    /** @type {Map<number, Waiting>} */
    this.open = new Map()
  }

  /** @returns {{ ticket: number, done: Promise<any> }} done: the report, where there is one */
  issue() {
    const ticket = ++this.last
    const done = new Promise((resolve, reject) => {
      this.open.set(ticket, { resolve, reject })
    })
    return { ticket, done }
  }

  /** @param {{ ticket: number, code?: string, message?: string, report?: unknown }} outcome */
  settle({ ticket, code, message = '', report }) {
    const waiting = this.open.get(ticket)
    this.open.delete(ticket)
    if (code) waiting?.reject(new SyncError(code, message))
    else waiting?.resolve(report ?? undefined)
  }

  /** Nobody waits for this one any more. @param {number} ticket */
  forget(ticket) {
    this.open.delete(ticket)
  }

  /** @param {SyncError} error */
  rejectAll(error) {
    const waiting = [...this.open.values()]
    this.open.clear()
    for (const { reject } of waiting) reject(error)
  }
}
