// Rows of every collection whose values a server stores otherwise than they were written, or might: what
// must come out as it went in is tried with these.

import { randomUUID } from 'node:crypto'

/** @typedef {Record<string, Record<string, Record<string, unknown>>>} Rows by collection and key */

export const [logId, embeddingId] = [randomUUID(), randomUUID()]
/** Numbers that 32 bits cannot hold, of all sizes. @param {number} seed */
export const vector = (seed) =>
  Array.from({ length: 384 }, (_, i) => Math.sin(seed + i) / 7 ** (i % 9))
export const json = {
  z: { y: 1.5, a: [] },
  a: null,
  10: '10',
  9: [1e21, -0.25, 1e-7],
  ä: 'ä',
  '': '',
}

// Values that the server stores otherwise than they were written: more digits than the column has, moments
// in other zones and of other precision, days in ranges that touch.
/** @type {Rows} */
export const made = {
  progress: {
    self: {
      totalCompletions: 7,
      completedDays: [
        ['2026-11-03', '2026-11-04'],
        ['2026-11-01', '2026-11-02'],
      ],
    },
  },
  achievements: {
    dawn: { unlocked: true, unlockedDate: '2026-11-01T23:30:00-05:00', progress: 3 },
    dusk: { progress: 0, createdAt: '2026-11-01T10:00:00.123456Z' },
  },
  path: {
    self: {
      ...{ humanDesignChart: json, birthData: json, oejtsResults: json, archetypeAnalysis: json },
      oejtsAnswers: [
        { value: 1, questionId: 'q2', answeredAt: '2026-11-01T10:00:00+02:00' },
        { value: 5, questionId: 'q1', answeredAt: '2026-11-01T10:00:00Z' },
      ],
      lastArchetypeUpdate: '2026-11-01T10:00:00.5+05:45',
      katas: [{ name: 'n', id: 'k', steps: [{ z: 1, a: 2 }] }],
      ...{ healthMetrics: { steps: 1 }, patterns: [json], lastSyncDate: '2026-11-01' },
    },
  },
  logs: {
    [logId]: {
      ...{ category: 'journal', content: ' \u00e9 e\u0301 \r\n\t" \\ 🫁 ' },
      metadata: { ...json, journalId: 'j' },
      createdAt: '2026-11-01T10:00:00.9999Z',
    },
  },
  cosmic: {
    '2026-11-01': {
      ...{ location: json, astronomy: json, cachedAt: '2026-11-01T00:00:00+14:00' },
      fresh: { astronomy: { at: 1.5e12, inputs: '{"lat":52.5}', sum: '00ff' } },
    },
  },
  astrology: {
    self: {
      ...{ birthData: json, natalChart: json, transits: json, personalTrading: [1, null] },
      fresh: { transits: { at: 1.5e12, inputs: '', sum: '' }, natalChart: json },
    },
  },
  attunements: {
    '2026-11-01': {
      ...{ insightfulQuestion: 'Why?', synthesizedAnswer: 'So.', basedOn: json },
      generatedAt: '2026-11-01T06:00:00.0005Z',
    },
  },
  embeddings: {
    [embeddingId]: { content: 'calm', metadata: { model: 'test', ...json }, embedding: vector(1) },
  },
  health: {
    '2026-11-01': { steps: 12, sleepHours: 7.256, walkingAsymmetry: 1.005 },
    '2026-11-02': { sleepHours: 0.004, walkingAsymmetry: 99.994, syncedAt: '2026-11-02T00:00Z' },
  },
}

/** @type {Rows} */
export const edits = {
  progress: { self: { completedDays: [['2026-11-05', '2026-11-05']] } },
  achievements: { dusk: { unlocked: true, unlockedDate: '2026-11-02T00:00:00.0009+01:00' } },
  path: {
    self: { birthData: { b: 1, a: { d: 1, c: 2 } }, lastSyncDate: '2026-11-02T10:00:00+03:00' },
  },
  logs: { [logId]: { content: 'edited', metadata: { journalId: 'j', zz: 1, aaa: 2 } } },
  cosmic: { '2026-11-01': { astronomy: { z: 1, a: 2 }, cachedAt: '2026-11-02T00:00:00.1239Z' } },
  astrology: { self: { transits: null, cachedAt: '2026-11-02T10:00:00-03:30' } },
  embeddings: { [embeddingId]: { metadata: { z: 1, a: 2 }, embedding: vector(2) } },
  health: { '2026-11-01': { sleepHours: 6.995, syncedAt: '2026-11-02T00:00:00.0001Z' } },
}

/** @param {import('../support/world.js').Device} device @param {'put' | 'patch'} op @param {Rows} rows */
export async function write(device, op, rows) {
  for (const [name, each] of Object.entries(rows)) {
    const collection = /** @type {any} */ (device).collection(name)
    for (const [key, fields] of Object.entries(each)) await collection[op](key, fields)
  }
}
