// A month of one person's data in the app's own shapes, the same for the same seed. Knows no engine
// and no server: it answers a list of writes, each for one of two devices.

import { createHash } from 'node:crypto'

/**
 * A write that the app would make.
 * @typedef {object} Write
 * @property {string} collection
 * @property {string} key
 * @property {'put' | 'patch' | 'remove' | 'increment'} op
 * @property {Record<string, any>} [fields]
 * @property {string} [field] increment
 * @property {number} [by] increment
 */

const firstDay = Date.UTC(2026, 9, 24)
const dayMs = 86_400_000

/** A small generator, good enough for choosing words. @param {number} seed */
export function seeded(seed) {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** The id of a row whose app id is known, as a UUID. @param {string} name */
export function idOf(name) {
  const hex = createHash('sha256').update(name).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`]
    .concat(hex.slice(20, 32))
    .join('-')
}

/** @param {number} day 0-29 */
export const dateOf = (day) => new Date(firstDay + day * dayMs).toISOString().slice(0, 10)
/** @param {number} day @param {number} hour @param {number} [minute] */
const timeOf = (day, hour, minute = 0) =>
  new Date(firstDay + day * dayMs + hour * 3_600_000 + minute * 60_000).toISOString()

const feelings = ['calm', 'tired', 'restless', 'clear', 'heavy', 'open', 'tense', 'grateful']
const places = ['the shoulders', 'the jaw', 'the belly', 'the chest', 'the lower back', 'the hands']
const practices = ['box breathing', 'a cold shower', 'the tree pose', 'a slow walk', 'shaking']
const urges = ['to scroll', 'to snack', 'to argue', 'to buy something', 'to stay in bed']

/**
 * @param {object} options
 * @param {string} options.person part of every id, so that two people never share one
 * @param {number} options.seed
 * @returns {Write[]}
 */
export function monthOf({ person, seed }) {
  const random = seeded(seed)
  /** @template T @param {T[]} list @returns {T} */
  const pick = (list) => list[Math.floor(random() * list.length)]
  /** @param {string} category @param {string} name @param {object} row @returns {Write} */
  const log = (category, name, row) => ({
    ...{ collection: 'logs', key: idOf(`${person}/${category}/${name}`), op: 'put' },
    fields: { category, ...row },
  })
  /** @type {Write[]} */
  const writes = []

  for (let i = 0; i < 500; i++) {
    const fromUser = i % 2 === 0
    writes.push(
      log('chat', `m${i}`, {
        content: fromUser
          ? `I felt ${pick(feelings)} in ${pick(places)} after ${pick(practices)}.`
          : `Notice ${pick(places)}: what changes there when you try ${pick(practices)}?`,
        metadata: {
          ...{ messageId: `${person}-m${i}`, sessionId: `s${Math.floor(i / 20)}` },
          ...{ role: fromUser ? 'user' : 'assistant' },
          ...(i % 50 === 0 ? { routineContext: { routine: 'morning', step: i % 7 } } : {}),
        },
        createdAt: timeOf(Math.floor(i / 17), 7 + (i % 14), i % 60),
      }),
    )
  }
  for (let i = 0; i < 60; i++) {
    writes.push(
      log('journal', `j${i}`, {
        content: `Day ${i >> 1}: woke ${pick(feelings)}, ${pick(practices)} helped ${pick(places)}.`,
        metadata: {
          ...{ journalId: `${person}-j${i}`, routineType: i % 2 ? 'evening' : 'morning' },
          ...{ mood: pick(feelings), physicalSensations: [pick(places), pick(places)] },
          ...{
            energyLevel: 1 + Math.floor(random() * 10),
            insights: `Breath goes to ${pick(places)}.`,
          },
        },
        createdAt: timeOf(i >> 1, i % 2 ? 21 : 6),
      }),
    )
  }
  const entryTypes = ['Urge/Symptom', 'Kata Performed', 'Win', 'Leak/Drain', 'Insight']
  for (let i = 0; i < 200; i++) {
    const entryType = entryTypes[i % entryTypes.length]
    writes.push(
      log('sovereign', `e${i}`, {
        content: `${entryType}: the urge ${pick(urges)}, met with ${pick(practices)}.`,
        metadata: {
          ...{ entryId: `${person}-e${i}`, entryType, urgeState: pick(feelings) },
          ...{ kataPerformed: [pick(practices)], energyLevel: 1 + Math.floor(random() * 10) },
        },
        createdAt: timeOf(Math.floor(i / 7), 8 + (i % 12), 30),
      }),
    )
  }
  for (let i = 0; i < 30; i++) {
    writes.push(
      log('feedback', `f${i}`, {
        content: `The question about ${pick(places)} stayed with me all day.`,
        metadata: {
          ...{ feedbackId: `${person}-f${i}`, attunementId: `attune-${i}` },
          ...{ userRating: 1 + (i % 5), hasCustomAnswer: i % 3 === 0, vectorized: false },
        },
        createdAt: timeOf(i, 22),
      }),
    )
    writes.push({
      ...{ collection: 'health', key: dateOf(i), op: 'put' },
      fields: {
        ...{ steps: 3000 + Math.floor(random() * 9000), sleepHours: 5.25 + (i % 12) / 4 },
        ...{ walkingAsymmetry: (15 + (i % 8)) / 10, syncedAt: timeOf(i, 23) },
      },
    })
    writes.push({
      ...{ collection: 'attunements', key: dateOf(i), op: 'put' },
      fields: {
        insightfulQuestion: `What does ${pick(places)} ask of you today?`,
        synthesizedAnswer: `After ${pick(practices)} you often feel ${pick(feelings)}.`,
        basedOn: { logCount: 7 * i, healthMetricsAvailable: true, cosmicDataAvailable: i > 0 },
        generatedAt: timeOf(i, 5),
      },
    })
    writes.push({
      ...{ collection: 'cosmic', key: dateOf(i), op: 'put' },
      fields: {
        location: { latitude: 47.4, longitude: 8.5, city: 'Zürich', country: 'Switzerland' },
        astronomy: {
          sunrise: `07:${String(i + 10)}`,
          moon_phase: (i % 29) / 29,
          day_length: '09:58',
        },
        cachedAt: timeOf(i, 6),
      },
    })
  }
  writes.push(...single(person, random), ...vectors(person))
  return writes
}

/** One row per person, and the achievements. @param {string} person @param {() => number} random @returns {Write[]} */
function single(person, random) {
  const achievements = Array.from({ length: 20 }, (_, i) => ({
    ...{ collection: 'achievements', key: `achievement-${i}`, op: /** @type {const} */ ('put') },
    fields: {
      ...{ unlocked: i < 8, progress: i < 8 ? 100 : i * 4 },
      ...(i < 8 ? { unlockedDate: timeOf(i * 3, 9) } : {}),
    },
  }))
  return [
    ...achievements,
    {
      ...{ collection: 'progress', key: 'self', op: 'put' },
      fields: { complianceStreak: 12, lastCompletedDate: dateOf(27), totalCompletions: 52 },
    },
    {
      ...{ collection: 'path', key: 'self', op: 'put' },
      fields: {
        humanDesignChart: {
          ...{ type: 'Projector', authority: 'Splenic', profile: '3/5' },
          ...{ centers: { head: false, ajna: true, throat: true, g: false, sacral: false } },
        },
        birthData: { date: '1988-03-14', time: '05:42', latitude: 47.37, longitude: 8.54 },
        oejtsAnswers: Array.from({ length: 60 }, (_, i) => ({
          ...{
            questionId: i + 1,
            value: 1 + Math.floor(random() * 5),
            answeredAt: timeOf(i >> 1, 12),
          },
        })),
        oejtsResults: { type: 'INFJ', scores: { IE: 21, SN: 33 }, completionPercentage: 100 },
        archetypeAnalysis: { dominant: 'Sage', shadow: 'Martyr', evidence: { entries: 200 } },
        lastArchetypeUpdate: timeOf(28, 10),
        katas: practices.map((name, i) => ({
          id: `kata-${i}`,
          name,
          level: 1 + i,
          repetitions: i * 9,
        })),
        healthMetrics: { steps: 8123, sleepHours: 7.5, walkingAsymmetry: 2.25 },
      },
    },
    {
      ...{ collection: 'astrology', key: 'self', op: 'put' },
      fields: {
        birthData: { date: '1988-03-14', time: '05:42', latitude: 47.37, longitude: 8.54 },
        natalChart: { sun: 'Pisces', moon: 'Scorpio', ascendant: 'Aquarius', owner: person },
        transits: { date: dateOf(29), aspects: ['Saturn square Sun'] },
        personalTrading: { outlook: 'patience' },
        cachedAt: timeOf(29, 6),
      },
    },
  ]
}

/** 100 made-up embeddings of journal insights. @param {string} person @returns {Write[]} */
function vectors(person) {
  return Array.from({ length: 100 }, (_, i) => ({
    ...{ collection: 'embeddings', key: idOf(`${person}/embedding/${i}`), op: 'put' },
    fields: {
      content: `Insight ${i}`,
      embedding: Array.from({ length: 384 }, (_, d) => Math.fround(Math.sin(i * 384 + d + 1) / 14)),
      metadata: { source: 'journal', journalId: `${person}-j${i % 60}`, model: 'demo' },
    },
  }))
}
