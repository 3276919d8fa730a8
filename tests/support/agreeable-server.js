// A server that takes every mutation and has nothing of its own, as a fetch: for tests of what a device does with rows
// that were acknowledged, and not of the protocol.

/** @param {BodyInit} body of a request for rpc/sync @returns {Promise<any>} */
export const requestIn = async (body) => JSON.parse(await new Response(body).text()).request

/** @param {() => number} [now] its clock; must go on */
export function agreeableServer(now = Date.now) {
  let version = 0
  /** @param {string} _url @param {{ body: BodyInit }} init */
  return async (_url, { body }) => {
    const { push = [] } = await requestIn(body)
    const answers = push.map((/** @type {any} */ { mid }) => ({
      ...{ mid, status: 'applied', version: ++version },
    }))
    const answer = { epoch: 'e', now: now(), cursor: version, horizon: 0, answers }
    return Response.json({ ...answer, more: false, rows: {}, tombstones: [] })
  }
}
