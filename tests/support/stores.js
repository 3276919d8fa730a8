// The app's stores in short, real zustand with and without persist, for tests. Knows no client.

import { createJSONStorage, persist } from 'zustand/middleware'
import { createStore } from 'zustand/vanilla'

/** What localStorage is: shared by the tabs of one device. */
export function newStorage() {
  /** @type {Map<string, string>} */
  const items = new Map()
  return {
    getItem: (/** @type {string} */ name) => items.get(name) ?? null,
    setItem: (/** @type {string} */ name, /** @type {string} */ value) => items.set(name, value),
    removeItem: (/** @type {string} */ name) => items.delete(name),
  }
}

/** @param {any} makeState @param {string} [name] @param {any} [storage] @returns {any} */
export const storeOf = (makeState, name, storage) =>
  storage
    ? createStore(
        persist(makeState, { name: String(name), storage: createJSONStorage(() => storage) }),
      )
    : createStore(makeState)

/** The app's own, in short. @param {any} [storage] */
export const progressStore = (storage) =>
  storeOf(
    (/** @type {any} */ set, /** @type {any} */ get) => ({
      ...{ complianceStreak: 0, lastCompletedDate: null, totalCompletions: 0 },
      completeRoutine(/** @type {string} */ day) {
        const { complianceStreak, totalCompletions } = get()
        set({
          ...{ lastCompletedDate: day, complianceStreak: complianceStreak + 1 },
          totalCompletions: totalCompletions + 1,
        })
      },
    }),
    'progress',
    storage,
  )

/** @param {any} [storage] */
export const journalStore = (storage) =>
  storeOf(
    (/** @type {any} */ set) => ({
      ...{ entries: [] },
      add: (/** @type {any} */ entry) =>
        set((/** @type {any} */ { entries }) => ({ entries: [...entries, entry] })),
      type: (/** @type {string} */ id, /** @type {string} */ content) =>
        set((/** @type {any} */ { entries }) => ({
          entries: entries.map((/** @type {any} */ entry) =>
            entry.id === id ? { ...entry, content } : entry,
          ),
        })),
      drop: (/** @type {string} */ id) =>
        set((/** @type {any} */ { entries }) => ({
          entries: entries.filter((/** @type {any} */ entry) => entry.id !== id),
        })),
    }),
    'journal',
    storage,
  )

export const entry = (/** @type {string} */ id, content = 'Slept well.') => ({
  ...{ id, routineType: 'morning', content, mood: 'calm' },
  createdAt: '2026-11-20T08:00:00.000Z',
})

/** @param {any} store @returns {string[]} */
export const ids = (store) => store.getState().entries.map((/** @type {any} */ { id }) => id)

/** @param {any} store @param {string} id */
export const itemOf = (store, id) =>
  store.getState().entries.find((/** @type {any} */ each) => each.id === id)

/** @param {any} store @param {string} id @param {Record<string, unknown>} fields */
export const edit = (store, id, fields) =>
  store.setState({
    entries: store
      .getState()
      .entries.map((/** @type {any} */ each) => (each.id === id ? { ...each, ...fields } : each)),
  })

/** @param {any} client @param {string} id @returns {any} */
export const rowOf = (client, id) =>
  client
    .collection('logs')
    .list()
    .find((/** @type {any} */ { metadata }) => metadata.journalId === id)
