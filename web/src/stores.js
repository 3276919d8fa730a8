// Owns the app's stores, in the shapes that its users' app has them, and which collection each is kept equal to.

import { seedMappings, syncStore } from 'somatic-sync/zustand'
import { create } from 'zustand'
import { persist } from 'zustand/middleware'
import { device } from './supabase.js'

/** @param {string} name @param {any} make @returns {any} */
const stored = (name, make) => create(persist(make, { name: `${device}-${name}` }))

export const useProgress = stored('progress', (/** @type {any} */ set, /** @type {any} */ get) => ({
  ...{ complianceStreak: 0, lastCompletedDate: null, totalCompletions: 0 },
  completeRoutine(/** @type {string} */ day) {
    const { complianceStreak, lastCompletedDate, totalCompletions } = get()
    set({
      complianceStreak: complianceStreak + (lastCompletedDate === day ? 0 : 1),
      ...{ lastCompletedDate: day, totalCompletions: totalCompletions + 1 },
    })
  },
}))

/** @param {string} member */
const listOf = (member) => (/** @type {any} */ set) => ({
  [member]: [],
  add: (/** @type {any} */ item) =>
    set((/** @type {any} */ state) => ({ [member]: [...state[member], item] })),
  change: (/** @type {string} */ id, /** @type {any} */ fields) =>
    set((/** @type {any} */ state) => ({
      [member]: state[member].map((/** @type {any} */ item) =>
        item.id === id ? { ...item, ...fields } : item,
      ),
    })),
  drop: (/** @type {string} */ id) =>
    set((/** @type {any} */ state) => ({
      [member]: state[member].filter((/** @type {any} */ item) => item.id !== id),
    })),
})

export const useJournal = stored('journal', listOf('entries'))
export const useChat = stored('chat', listOf('messages'))
export const useSovereignLog = stored('sovereign-log', listOf('entries'))

export const useAchievements = stored('achievements', (/** @type {any} */ set) => ({
  achievements: [],
  unlock: (/** @type {string} */ id) =>
    set((/** @type {any} */ { achievements }) => ({
      achievements: achievements.map((/** @type {any} */ item) =>
        item.id === id
          ? { ...item, unlocked: true, unlockedDate: new Date().toISOString(), progress: 100 }
          : item,
      ),
    })),
}))

export const usePath = stored('path', (/** @type {any} */ set) => ({
  ...{ humanDesignChart: null, birthData: null, oejtsAnswers: [], oejtsResults: null },
  ...{ archetypeAnalysis: null, lastArchetypeUpdate: null, katas: [], healthMetrics: null },
  answer: (/** @type {number} */ questionId, /** @type {number} */ answer) =>
    set((/** @type {any} */ { oejtsAnswers }) => ({
      oejtsAnswers: [
        ...oejtsAnswers.filter((/** @type {any} */ each) => each.questionId !== questionId),
        { questionId, answer, answeredAt: new Date().toISOString() },
      ],
    })),
}))

export const useTheme = stored('theme', (/** @type {any} */ set) => ({
  theme: 'system',
  setTheme: (/** @type {string} */ theme) => set({ theme }),
}))

const deletes = /** @type {const} */ ({ deletes: 'diff' })

/** @param {import('somatic-sync').SyncClient} client @returns {() => void} */
export function syncStores(client) {
  const stops = [
    syncStore(useProgress, client, seedMappings.progress),
    syncStore(useJournal, client, { ...seedMappings.journal, ...deletes }),
    syncStore(useChat, client, seedMappings.chat),
    syncStore(useSovereignLog, client, { ...seedMappings.sovereignLog, ...deletes }),
    syncStore(useAchievements, client, seedMappings.achievements),
    syncStore(usePath, client, seedMappings.sovereignPath),
    syncStore(useTheme, client, seedMappings.theme),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}
