// Watches what a device sends and receives: how often, how much, and which mutations met a conflict.
// Only looks; every request and answer passes unchanged.

/** @typedef {ReturnType<typeof watchedWire>} Wire */

export function watchedWire() {
  const counts = {
    ...{ requests: 0, pushed: 0, pulled: 0, conflicts: 0 },
    conflictsOf: /** @type {Record<string, number>} */ ({}),
  }
  let isOffline = false

  /** @type {typeof fetch} */
  const watchedFetch = async (url, init) => {
    if (isOffline) throw new TypeError('this device is offline')
    const response = await fetch(url, init)
    const text = await response.text()
    const answer = JSON.parse(text)
    const body = /** @type {Uint8Array} */ (init?.body)
    /** @type {{ mid: string, table: string }[]} */
    const push = JSON.parse(new TextDecoder().decode(body)).request.push
    const tableOf = new Map(push.map((mutation) => [mutation.mid, mutation.table]))
    counts.requests++
    for (const { mid, status } of answer.answers ?? []) {
      if (status === 'applied') counts.pushed++
      if (status !== 'conflict') continue
      const table = tableOf.get(mid) ?? ''
      counts.conflicts++
      counts.conflictsOf[table] = (counts.conflictsOf[table] ?? 0) + 1
    }
    for (const rows of Object.values(answer.rows ?? {})) counts.pulled += rows.length
    counts.pulled += answer.tombstones?.length ?? 0
    const { status, headers } = response
    return new Response(text, { status, headers })
  }

  return {
    counts,
    fetch: watchedFetch,
    /** @param {boolean} off */
    offline: (off) => {
      isOffline = off
    },
  }
}
