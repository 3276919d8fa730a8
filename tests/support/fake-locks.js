// navigator.locks for Node 20, which has none: exclusive locks granted in the order of the requests, stolen,
// withdrawn, only if they are free, and lost with the context that held them. Nothing else of the Web Locks API.

/** One origin's locks; each context asks through a client of its own. */
export function fakeLocks() {
  /** @type {Request[]} in order of arrival, of all names */
  let queue = []
  /** @type {Map<string, Request>} */
  const held = new Map()

  /** @param {string} name */
  function grant(name) {
    const next = queue.find((request) => request.name === name)
    if (!next || held.has(name)) return
    queue = queue.filter((request) => request !== next)
    held.set(name, next)
    new Promise((resolve) => resolve(next.hold({ name, mode: 'exclusive' }))).then(
      (result) => end(next, () => next.resolve(result)),
      (error) => end(next, () => next.reject(error)),
    )
  }

  /** @param {Request} request @param {() => void} settle */
  function end(request, settle) {
    if (held.get(request.name) !== request) return
    held.delete(request.name)
    settle()
    grant(request.name)
  }

  return {
    client() {
      /** @type {Set<Request>} */
      const mine = new Set()
      return {
        /** @param {string} name @param {any} options or already what holds the lock @param {Hold} [hold] */
        request: (name, options, hold = options) =>
          new Promise((resolve, reject) => {
            const { steal = false, ifAvailable = false, signal } = options
            if (signal?.aborted) return reject(signal.reason)
            const isTaken = held.has(name) || queue.some((each) => each.name === name)
            if (ifAvailable && isTaken) return resolve(hold(null))
            const request = { name, hold, resolve, reject }
            mine.add(request)
            if (steal) {
              const former = held.get(name)
              held.delete(name)
              former?.reject(new DOMException('stolen', 'AbortError'))
              queue.unshift(request)
            } else {
              queue.push(request)
            }
            signal?.addEventListener('abort', () => {
              if (!queue.includes(request)) return
              queue = queue.filter((other) => other !== request)
              reject(signal.reason)
            })
            queueMicrotask(() => grant(name))
          }),
        query: async () => ({
          held: [...held.values()].map(({ name }) => ({ name })),
          pending: queue.map(({ name }) => ({ name })),
        }),
        /** Its process is gone: nothing of it is settled, and what it held is free. */
        crash() {
          queue = queue.filter((request) => !mine.has(request))
          for (const request of mine) end(request, () => {})
        },
      }
    },
  }
}

/** @typedef {(lock: object | null) => unknown} Hold */
/** @typedef {{ name: string, hold: Hold, resolve: (result: any) => void, reject: (error: any) => void }} Request */
