// Owns knowing under which device name this context's requests go out, so that the server's poke about a
// push of this device is told from another's. Reads the head of a request, changes nothing.

const named = /^\{"request":\{[^{}]*?"device":"([^"]*)"/
/** The name stands after the acknowledged mutations: up to 5,000 of 39 bytes. */
const headBytes = 200_000

/**
 * @param {(path: string, init: RequestInit) => Promise<Response>} fetch
 */
export function noteOwnName(fetch) {
  let name = ''
  return {
    /** @param {string} path @param {RequestInit} init */
    fetch(path, init) {
      const { body } = init
      if (body instanceof Uint8Array) {
        const head = new TextDecoder().decode(body.subarray(0, headBytes))
        name = named.exec(head)?.[1] ?? name
      }
      return fetch(path, init)
    },
    /** Unknown is not own: a pull too many harms nothing. @param {unknown} device */
    isOwn: (device) => name !== '' && device === name,
  }
}
