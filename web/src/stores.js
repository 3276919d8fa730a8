// Owns the app's stores, in the shapes that its users' app has them, and which collection each is kept equal to.

import { seedMappings, syncStore } from 'somatic-sync/zustand'
import { create } from 'zustand'
import { persist } from 'zustand/middleware'
import { device } from './supabase.js'

/** @typedef {import('somatic-sync/supabase-sync-extended').UserProgress} UserProgress */
/** @typedef {import('somatic-sync/supabase-sync-extended').JournalEntry} JournalEntry */
/** @typedef {import('somatic-sync/supabase-sync-extended').ChatMessage} ChatMessage */
/** @typedef {import('somatic-sync/supabase-sync-extended').SovereignLogEntry} SovereignLogEntry */
/** @typedef {import('somatic-sync/supabase-sync-extended').Achievement} Achievement */
/** @typedef {import('somatic-sync/supabase-sync-extended').SovereignPathData} SovereignPathData */
/** @typedef {import('somatic-sync/supabase-sync-extended').OEJTSAnswer} OEJTSAnswer */

/** @template State @typedef {import('zustand').StateCreator<State, [['zustand/persist', unknown]]>} Creator */

/** @template State @param {string} name @param {Creator<State>} make */
const stored = (name, make) => create(persist(make, { name: `${device}-${name}` }))

/** @typedef {UserProgress & { completeRoutine(day: string): void }} ProgressState */
/** @type {Creator<ProgressState>} */
const progress = (set, get) => ({
  ...{ complianceStreak: 0, lastCompletedDate: null, totalCompletions: 0 },
  completeRoutine(day) {
    const { complianceStreak, lastCompletedDate, totalCompletions } = get()
    set({
      complianceStreak: complianceStreak + (lastCompletedDate === day ? 0 : 1),
      ...{ lastCompletedDate: day, totalCompletions: totalCompletions + 1 },
    })
  },
})

/**
 * @template Item
 * @typedef {object} ItemActions
 * @property {(item: Item) => void} add
 * @property {(id: string, fields: Partial<Item>) => void} change
 * @property {(id: string) => void} drop
 */

/**
 * @template {{ id: string }} Item
 * @param {(edit: (items: Item[]) => Item[]) => void} edit
 * @returns {ItemActions<Item>}
 */
const itemActions = (edit) => ({
  add: (item) => edit((items) => [...items, item]),
  change: (id, fields) =>
    edit((items) => items.map((item) => (item.id === id ? { ...item, ...fields } : item))),
  drop: (id) => edit((items) => items.filter((item) => item.id !== id)),
})

/** @type {Creator<{ entries: JournalEntry[] } & ItemActions<JournalEntry>>} */
const journal = (set) => ({
  entries: [],
  ...itemActions((edit) => set(({ entries }) => ({ entries: edit(entries) }))),
})

/** @type {Creator<{ messages: ChatMessage[] } & ItemActions<ChatMessage>>} */
const chat = (set) => ({
  messages: [],
  ...itemActions((edit) => set(({ messages }) => ({ messages: edit(messages) }))),
})

/** @type {Creator<{ entries: SovereignLogEntry[] } & ItemActions<SovereignLogEntry>>} */
const sovereignLog = (set) => ({
  entries: [],
  ...itemActions((edit) => set(({ entries }) => ({ entries: edit(entries) }))),
})

/** @type {Creator<{ achievements: Achievement[], unlock(id: string): void }>} */
const achievements = (set) => ({
  achievements: [],
  unlock(id) {
    const unlocked = { unlocked: true, unlockedDate: new Date().toISOString(), progress: 100 }
    set(({ achievements }) => ({
      achievements: achievements.map((item) => (item.id === id ? { ...item, ...unlocked } : item)),
    }))
  },
})

/** @type {Creator<Required<SovereignPathData> & { answer(questionId: number, value: number): void }>} */
const path = (set) => ({
  ...{ humanDesignChart: null, birthData: null, oejtsAnswers: [], oejtsResults: null },
  ...{ archetypeAnalysis: null, lastArchetypeUpdate: null, katas: [], healthMetrics: null },
  answer: (questionId, value) =>
    set(({ oejtsAnswers }) => ({
      oejtsAnswers: [
        ...oejtsAnswers.filter((each) => each.questionId !== questionId),
        { questionId, value, answeredAt: new Date().toISOString() },
      ],
    })),
})

/** @type {Creator<{ theme: string, setTheme(theme: string): void }>} */
const theme = (set) => ({
  theme: 'system',
  setTheme: (theme) => set({ theme }),
})

export const useProgress = stored('progress', progress)
export const useJournal = stored('journal', journal)
export const useChat = stored('chat', chat)
export const useSovereignLog = stored('sovereign-log', sovereignLog)
export const useAchievements = stored('achievements', achievements)
export const usePath = stored('path', path)
export const useTheme = stored('theme', theme)

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
