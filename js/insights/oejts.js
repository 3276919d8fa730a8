// Owns how far somebody got with the OEJTS. Scores are the app's: they are not computed here. Answers of
// several devices are united by the schema (path.oejtsAnswers, by questionId).

/**
 * @typedef {object} OejtsProgress
 * @property {number} answered questions, each once
 * @property {number} total
 * @property {number} remaining
 * @property {boolean} isComplete
 */

/**
 * @param {unknown} answers path.oejtsAnswers: [{questionId, value, ...}]; none when it is no array
 * @param {number} [total] questions there are
 * @returns {OejtsProgress}
 */
export function oejtsProgress(answers, total = 60) {
  const list = Array.isArray(answers) ? answers : []
  const isAnswer = (/** @type {any} */ one) =>
    (one?.questionId ?? null) !== null && (one.value ?? null) !== null
  // the merge by key takes 1 and "1" for two questions, as stores that were typed badly do not
  const answered = new Set(list.filter(isAnswer).map(({ questionId }) => String(questionId))).size
  const remaining = Math.max(0, total - answered)
  return { answered, total, remaining, isComplete: remaining === 0 }
}
