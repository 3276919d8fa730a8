// What two devices do to the same month while both are offline: the same rows, the same fields, the
// same counters and days, on purpose. Knows the app's shapes, no engine.

import { dateOf, idOf } from './month.js'

/**
 * @typedef {import('./month.js').Write} Write
 * @typedef {(collection: string, key: string) => any} Read a device's row as it shows it
 */

/** @param {string} collection @param {string} key @param {Record<string, any>} fields @returns {Write} */
const patch = (collection, key, fields) => ({ collection, key, op: 'patch', fields })
/** @param {string} collection @param {string} key @returns {Write} */
const remove = (collection, key) => ({ collection, key, op: 'remove' })
/** @param {string[]} days @returns {Write} */
const complete = (days) => ({
  ...{ collection: 'progress', key: 'self', op: 'increment', field: 'totalCompletions', by: 1 },
  fields: { completedDays: days },
})

/**
 * @param {'A' | 'B'} device
 * @param {string} person
 * @param {Read} read
 * @returns {Write[]}
 */
export function editsOf(device, person, read) {
  const isA = device === 'A'
  const id = (/** @type {string} */ name) => idOf(`${person}/${name}`)
  /** @type {Write[]} */
  const edits = []

  // A counter, and days of one streak, on both.
  edits.push(complete([dateOf(isA ? 28 : 29)]))
  if (isA) edits.push(complete([dateOf(26)]))

  // Ten journal entries: the mood here, the insights there; both also write their own energy.
  for (let i = 0; i < 10; i++) {
    const { metadata } = read('logs', id(`journal/j${i}`))
    const changed = isA ? { mood: 'settled' } : { insights: `It was the jaw all along (${i}).` }
    edits.push(
      patch('logs', id(`journal/j${i}`), {
        metadata: { ...metadata, ...changed, energyLevel: isA ? 3 : 8 },
      }),
    )
  }
  // Five long texts on both: one wins, the other must be kept aside.
  for (let i = 10; i < 15; i++) {
    const text = `Rewritten on device ${device}. `.repeat(6)
    edits.push(patch('logs', id(`journal/j${i}`), { content: text }))
  }
  // Deleted on one device, edited on the other; deleted on both; deleted on one, untouched there.
  edits.push(
    isA ? remove('logs', id('chat/m1')) : patch('logs', id('chat/m1'), { content: 'kept?' }),
  )
  edits.push(
    isA ? patch('logs', id('chat/m2'), { content: 'kept?' }) : remove('logs', id('chat/m2')),
  )
  edits.push(remove('logs', id('chat/m3')))
  edits.push(remove('logs', id(isA ? 'chat/m4' : 'chat/m5')))

  // Achievements only ever grow, whatever a stale screen says.
  for (let i = 8; i < 12; i++) {
    const fields = isA
      ? { unlocked: true, progress: 100, unlockedDate: `${dateOf(28)}T10:0${i - 8}:00.000Z` }
      : { unlocked: false, progress: 50 + i }
    edits.push(patch('achievements', `achievement-${i}`, fields))
  }
  // Health: different fields of the same days.
  for (let i = 0; i < 6; i++) {
    edits.push(patch('health', dateOf(i), isA ? { steps: 11_000 + i } : { sleepHours: 8.25 }))
  }
  // The blueprint: other answers, other katas, other corners of one chart.
  const path = read('path', 'self')
  const day = dateOf(isA ? 28 : 29)
  edits.push(
    patch('path', 'self', {
      oejtsAnswers: path.oejtsAnswers.map((/** @type {any} */ one) =>
        one.questionId % 4 === (isA ? 0 : 1) || one.questionId <= 3
          ? { ...one, value: isA ? 1 : 5, answeredAt: `${day}T12:00:00.000Z` }
          : one,
      ),
      katas: path.katas
        .filter((/** @type {any} */ kata) => isA || kata.id !== 'kata-4')
        .map((/** @type {any} */ kata, /** @type {number} */ i) =>
          i === (isA ? 0 : 1) ? { ...kata, repetitions: kata.repetitions + 50 } : kata,
        ),
      humanDesignChart: {
        ...path.humanDesignChart,
        ...(isA ? { profile: '4/6' } : {}),
        centers: { ...path.humanDesignChart.centers, ...(isA ? { head: true } : { g: true }) },
      },
    }),
  )
  // The same cache, fetched on both; new rows of one day's life on each.
  edits.push(
    patch('cosmic', dateOf(29), {
      ...{ astronomy: { sunrise: isA ? '07:40' : '07:41' }, cachedAt: `${day}T07:00:00.000Z` },
    }),
  )
  for (let i = 0; i < 12; i++) {
    const messageId = `${person}-offline-${device}-${i}`
    edits.push({
      ...{ collection: 'logs', key: id(`chat/offline-${device}-${i}`), op: 'put' },
      fields: {
        ...{ category: 'chat', content: `Written offline on ${device}, number ${i}.` },
        metadata: { messageId, sessionId: 'offline', role: 'user' },
      },
    })
  }
  return edits
}
