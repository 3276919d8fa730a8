// Owns the schema of the Somatic Alignment app: field names as in the app, columns as in the
// migrations. The only place in the package that names a table; a test holds it against the SQL.

import { defineSchema } from './schema.js'

const hourMs = 3_600_000

// A function, because tsc would declare a constant of this shape as namespaces, with wrong names.
const declare = () =>
  defineSchema({
    collections: {
      progress: {
        table: 'user_progress',
        key: 'self',
        fields: {
          complianceStreak: {
            column: 'compliance_streak',
            type: 'integer',
            min: 0,
            derived: { from: 'completedDays', as: 'streak' },
          },
          lastCompletedDate: {
            column: 'last_completed_date',
            type: 'date',
            derived: { from: 'completedDays', as: 'lastDay' },
          },
          totalCompletions: {
            column: 'total_completions',
            type: 'integer',
            merge: 'counter',
            min: 0,
          },
          // date ranges, so that two devices that each saw some days keep all of them
          completedDays: { column: 'completed_days', type: 'json', merge: 'union' },
        },
      },
      achievements: {
        table: 'achievements',
        key: 'achievementId',
        fields: {
          achievementId: { column: 'achievement_id', type: 'text' },
          unlocked: { column: 'unlocked', type: 'boolean', merge: 'or' },
          unlockedDate: { column: 'unlocked_date', type: 'timestamp', merge: 'min' },
          progress: { column: 'progress', type: 'integer', merge: 'max' },
          createdAt: { column: 'created_at', type: 'timestamp', merge: 'min', default: 'now' },
        },
      },
      path: {
        table: 'sovereign_path_data',
        key: 'self',
        fields: {
          humanDesignChart: { column: 'human_design_chart', type: 'json' },
          birthData: { column: 'birth_data', type: 'json' },
          oejtsAnswers: {
            column: 'oejts_answers',
            type: 'json',
            merge: { byKey: 'questionId', newest: 'answeredAt' },
          },
          oejtsResults: { column: 'oejts_results', type: 'json' },
          archetypeAnalysis: { column: 'archetype_analysis', type: 'json' },
          lastArchetypeUpdate: { column: 'last_archetype_update', type: 'timestamp' },
          katas: { column: 'katas', type: 'json', merge: { byKey: 'id' } },
          healthMetrics: { column: 'health_metrics', type: 'json' },
          patterns: { column: 'patterns', type: 'json' },
          lastSyncDate: { column: 'last_sync_date', type: 'timestamp' },
          createdAt: { column: 'created_at', type: 'timestamp', merge: 'min', default: 'now' },
        },
      },
      logs: {
        table: 'sovereign_logs',
        key: 'id',
        // the app's own ids: older versions of it stored rows under random ones
        identity: [
          'metadata.messageId',
          'metadata.journalId',
          'metadata.entryId',
          'metadata.feedbackId',
        ],
        embed: {
          when: {
            any: [
              { category: 'feedback', 'metadata.userRating': [4, 5] },
              { category: 'journal', 'metadata.insights': '*' },
              { category: 'sovereign', 'metadata.entryType': ['Win', 'Insight'] },
            ],
          },
          text: ['content', 'metadata.insights'],
        },
        fields: {
          id: { column: 'id', type: 'text' },
          category: { column: 'category', type: 'text', required: true },
          content: { column: 'content', type: 'text', required: true, maxBytes: 204_800 },
          metadata: { column: 'metadata', type: 'json', merge: 'deep' },
          createdAt: { column: 'created_at', type: 'timestamp', merge: 'min', default: 'now' },
        },
      },
      cosmic: {
        table: 'cosmic_data_cache',
        key: 'date',
        onDelete: 'delete-wins',
        maxAgeMs: 6 * hourMs,
        fields: {
          date: { column: 'date', type: 'date' },
          location: { column: 'location', type: 'json', merge: 'newest' },
          astronomy: { column: 'astronomy', type: 'json', merge: 'newest' },
          cachedAt: { column: 'cached_at', type: 'timestamp' },
          // by field: when it was loaded and for what, kept by client.cached()
          fresh: { column: 'fresh', type: 'json' },
        },
      },
      astrology: {
        table: 'astrology_data_cache',
        key: 'self',
        onDelete: 'delete-wins',
        // the natal chart never changes for the same birth data
        maxAgeMs: { transits: 24 * hourMs, personalTrading: 24 * hourMs },
        fields: {
          birthData: { column: 'birth_data', type: 'json', merge: 'newest' },
          natalChart: { column: 'natal_chart', type: 'json', merge: 'newest' },
          transits: { column: 'transits', type: 'json', merge: 'newest' },
          personalTrading: { column: 'personal_trading', type: 'json', merge: 'newest' },
          cachedAt: { column: 'cached_at', type: 'timestamp' },
          fresh: { column: 'fresh', type: 'json' },
        },
      },
      attunements: {
        table: 'daily_attunements',
        key: 'date',
        fields: {
          date: { column: 'date', type: 'date' },
          insightfulQuestion: {
            column: 'insightful_question',
            type: 'text',
            merge: 'first',
            required: true,
          },
          synthesizedAnswer: {
            column: 'synthesized_answer',
            type: 'text',
            merge: 'first',
            required: true,
          },
          basedOn: { column: 'based_on', type: 'json', merge: 'first' },
          generatedAt: { column: 'generated_at', type: 'timestamp', merge: 'first' },
        },
      },
      embeddings: {
        table: 'vector_embeddings',
        key: 'id',
        onDelete: 'delete-wins',
        fields: {
          id: { column: 'id', type: 'text' },
          content: { column: 'content', type: 'text', required: true },
          embedding: { column: 'embedding', type: 'vector' },
          metadata: { column: 'metadata', type: 'json', required: true },
          createdAt: { column: 'created_at', type: 'timestamp', merge: 'min', default: 'now' },
        },
      },
      health: {
        table: 'health_metrics_history',
        key: 'date',
        fields: {
          date: { column: 'date', type: 'date' },
          steps: { column: 'steps', type: 'integer', min: 0, nulls: 'lose' },
          sleepHours: { column: 'sleep_hours', type: 'number', scale: 2, nulls: 'lose' },
          walkingAsymmetry: {
            column: 'walking_asymmetry',
            type: 'number',
            scale: 2,
            nulls: 'lose',
          },
          syncedAt: { column: 'synced_at', type: 'timestamp' },
        },
      },
      // the session only: the PIN stays where the app keeps it
      auth: {
        key: 'self',
        localOnly: true,
        fields: {
          session: { column: 'session', type: 'json', merge: 'newest' },
          email: { column: 'email', type: 'text' },
        },
      },
      theme: {
        key: 'self',
        localOnly: true,
        fields: { theme: { column: 'theme', type: 'text' } },
      },
      // the app's persisted stores that were taken over, once and for all (js/stores)
      stores: {
        key: 'name',
        localOnly: true,
        fields: {
          name: { column: 'name', type: 'text' },
          isTakenOver: { column: 'is_taken_over', type: 'boolean' },
        },
      },
    },
  })

/**
 * A type of its own, not `typeof somaticSchema`: the declarations then name it instead of repeating it.
 * @typedef {{ readonly collections: ReturnType<typeof declare>['collections'] }} SomaticSchema
 */

/**
 * The collections of the app, one per table, and two that never leave the device.
 * @type {SomaticSchema}
 */
export const somaticSchema = declare()
