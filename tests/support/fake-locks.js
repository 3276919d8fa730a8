// navigator.locks for Node 20, which has none: exclusive and shared locks granted in the order of the requests, stolen,
// withdrawn, only if they are free, and lost with the context that held them. Nothing else of the Web Locks API.

/** One origin's locks; each context asks through a client of its own. */
export function fakeLocks() {
  /** @type {Request[]} in order of arrival, of all names */
  let queue = []
  /** @type {Request[]} */
  let held = []

  /** @param {Request} request */
  const isFree = ({ name, mode }) =>
    !held.some((each) => each.name === name && (mode === 'exclusive' || each.mode === 'exclusive'))

  /** @param {string} name */
  function grant(name) {
    for (;;) {
      const next = queue.find((request) => request.name === name)
      if (!next || !isFree(next)) return
      queue = queue.filter((request) => request !== next)
      held.push(next)
      new Promise((resolve) => resolve(next.hold({ name, mode: next.mode }))).then(
        (result) => end(next, () => next.resolve(result)),
        (error) => end(next, () => next.reject(error)),
      )
    }
  }

  /** @param {Request} request @param {() => void} settle */
  function end(request, settle) {
    if (!held.includes(request)) return
    held = held.filter((each) => each !== request)
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
            const { mode = 'exclusive', steal = false, ifAvailable = false, signal } = options
            if (signal?.aborted) return reject(signal.reason)
            const request = { name, mode, hold, resolve, reject }
            const isTaken = !isFree(request) || queue.some((each) => each.name === name)
            if (ifAvailable && isTaken) return resolve(hold(null))
            mine.add(request)
            if (steal) {
              const robbed = held.filter((each) => each.name === name)
              held = held.filter((each) => each.name !== name)
              for (const { reject } of robbed) reject(new DOMException('stolen', 'AbortError'))
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
          held: held.map(({ name, mode }) => ({ name, mode })),
          pending: queue.map(({ name, mode }) => ({ name, mode })),
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
/** @typedef {{ name: string, mode: string, hold: Hold, resolve: (result: any) => void, reject: (error: any) => void }} Request */
