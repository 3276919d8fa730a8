// Owns the types of the app's own objects, as its stores hold them. Fields that are not named here are accepted and
// kept where there is room for them.

/**
 * @typedef {object} UserProgress
 * @property {number} complianceStreak
 * @property {string | null} lastCompletedDate the local day, YYYY-MM-DD
 * @property {number} totalCompletions
 */

/**
 * @typedef {object} Achievement
 * @property {string} id
 * @property {boolean} unlocked
 * @property {string | null} [unlockedDate] ISO 8601
 * @property {number} [progress]
 */

/** @typedef {{ id: string, name?: string, [field: string]: unknown }} Kata */
/** @typedef {{ questionId: string | number, value?: unknown, answeredAt?: string, [field: string]: unknown }} OEJTSAnswer */
/** @typedef {Record<string, unknown>} OEJTSResults */
/** @typedef {Record<string, unknown>} ArchetypeAnalysis */
/** @typedef {Record<string, unknown>} HumanDesignChart */
/** @typedef {Record<string, unknown>} BirthData */

/**
 * @typedef {object} HealthMetrics
 * @property {number | null} [steps]
 * @property {number | null} [sleepHours]
 * @property {number | null} [walkingAsymmetry]
 */

/** @typedef {HealthMetrics & { date: string, lastSync: string | null }} HealthDay */

/**
 * @typedef {object} SovereignPathData
 * @property {HumanDesignChart | null} [humanDesignChart]
 * @property {BirthData | null} [birthData]
 * @property {OEJTSAnswer[]} [oejtsAnswers]
 * @property {OEJTSResults | null} [oejtsResults]
 * @property {ArchetypeAnalysis | null} [archetypeAnalysis]
 * @property {string | null} [lastArchetypeUpdate]
 * @property {Kata[]} [katas]
 * @property {HealthMetrics | null} [healthMetrics]
 */

/**
 * @typedef {object} CosmicData
 * @property {Record<string, unknown> | null} [location]
 * @property {Record<string, unknown> | null} [astronomy]
 * @property {string} [cached_at]
 */

/**
 * @typedef {object} AstrologicalInsight
 * @property {unknown} [natalChart]
 * @property {unknown} [transits]
 * @property {unknown} [personalTrading]
 * @property {string} [cached_at]
 */

/**
 * @typedef {object} DailyAttunement
 * @property {string} [id]
 * @property {string} date the local day
 * @property {string} insightfulQuestion
 * @property {string} synthesizedAnswer
 * @property {unknown} [basedOn]
 * @property {string} [generatedAt]
 */

/**
 * @typedef {object} VectorEmbedding
 * @property {string} content
 * @property {ArrayLike<number>} embedding 384 numbers
 * @property {Record<string, unknown>} [metadata]
 */

/**
 * @typedef {object} ChatMessage
 * @property {string} id
 * @property {string} sessionId
 * @property {string} content
 * @property {string} [role]
 * @property {unknown} [routineContext]
 * @property {string} [createdAt]
 */

/**
 * @typedef {object} JournalEntry
 * @property {string} id
 * @property {'morning' | 'evening'} routineType
 * @property {string} content
 * @property {string} [mood]
 * @property {string[]} [physicalSensations]
 * @property {number} [energyLevel]
 * @property {string} [insights]
 * @property {string} [createdAt]
 */

/**
 * @typedef {object} SovereignLogEntry
 * @property {string} id
 * @property {'Urge/Symptom' | 'Kata Performed' | 'Win' | 'Leak/Drain' | 'Insight'} entryType
 * @property {string} content
 * @property {string} [urgeState]
 * @property {string} [actionTaken]
 * @property {string[]} [kataPerformed]
 * @property {number} [energyLevel]
 * @property {string} [analysisId]
 * @property {string} [createdAt]
 */

/**
 * @typedef {object} AttunementFeedback
 * @property {string} id
 * @property {string} attunementId
 * @property {1 | 2 | 3 | 4 | 5} userRating
 * @property {string} content
 * @property {boolean} [hasCustomAnswer]
 * @property {string} [createdAt]
 */

export {}
