// Owns how a request of the core reaches the project: URL, apikey, an end to every wait. Knows
// nothing of what is sent or answered; tokens and bodies are the core's.

import { within } from './within.js'

/** Until the headers of an answer: above Supabase's 8 s statement timeout and a slow upload. */
const headersMs = 45_000
/** From the headers to the last byte. */
const bodyMs = 60_000
const statusesWithoutBody = [101, 204, 205, 304]

/**
 * @param {{ url: string, key: string, fetch?: typeof fetch }} options
 */
export function makeRequests({ url, key, fetch: given }) {
  const base = url.replace(/\/+$/, '')
  /** @type {Set<Promise<unknown>>} */
  const underWay = new Set()
  const all = new AbortController()

  /**
   * @param {string} path below the project's URL
   * @param {RequestInit} init
   * @returns {Promise<Response>} with its body already here; rejects when no answer came
   */
  async function request(path, init) {
    if (all.signal.aborted) throw new Error('the request was stopped')
    const headers = new Headers(init.headers)
    headers.set('apikey', key)
    const one = new AbortController()
    const stop = () => one.abort()
    all.signal.addEventListener('abort', stop)
    // Looked up at the call: the app may have wrapped the global one meanwhile.
    const send = given ?? globalThis.fetch
    const noAnswer = () => {
      stop() // a fetch that was handed in may ignore it; the wait ends all the same
      return new Error('the server does not answer')
    }
    const aborted = new Promise((_, reject) => {
      one.signal.addEventListener('abort', () => reject(new Error('the request was stopped')))
    })
    aborted.catch(() => {})
    try {
      const sent = send(base + path, { ...init, headers, signal: one.signal })
      const response = await within(headersMs, Promise.race([sent, aborted]), noAnswer)
      const read = Promise.race([response.arrayBuffer(), aborted])
      const body = await within(bodyMs, read, noAnswer)
      return new Response(statusesWithoutBody.includes(response.status) ? null : body, {
        status: response.status,
        headers: response.headers,
      })
    } finally {
      all.signal.removeEventListener('abort', stop)
    }
  }

  return {
    /** @param {string} path @param {RequestInit} init */
    fetch(path, init) {
      const answer = request(path, init)
      underWay.add(answer)
      answer.catch(() => {}).finally(() => underWay.delete(answer))
      return answer
    },
    /** Stops every request; resolves when the core has heard of it. */
    async stop() {
      all.abort()
      await Promise.allSettled(underWay)
      // the coroutine that awaits the answer resumes after us
      await new Promise((resolve) => setTimeout(resolve, 0))
    },
  }
}
