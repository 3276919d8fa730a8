// The assessment, a question at a time: each answer is kept for itself.

import { oejtsProgress } from 'somatic-sync'
import { usePath } from '../stores.js'

const questions = [
  'I make lists',
  'I am a loner',
  'I like the night',
  'I trust my gut',
  'I plan ahead',
]

export function Blueprint() {
  const { oejtsAnswers, answer, archetypeAnalysis } = usePath()
  const of = (/** @type {number} */ id) =>
    oejtsAnswers.find(({ questionId }) => Number(questionId) === id)?.value
  const { answered, total } = oejtsProgress(oejtsAnswers)
  return (
    <section className="card">
      <p>{`${answered} of ${total} answered`}</p>
      {questions.map((text, i) => (
        <fieldset key={text}>
          <legend>{text}</legend>
          {[1, 2, 3, 4, 5].map((value) => (
            <label key={value}>
              <input
                type="radio"
                name={text}
                checked={of(i + 1) === value}
                onChange={() => answer(i + 1, value)}
              />
              {value}
            </label>
          ))}
        </fieldset>
      ))}
      {archetypeAnalysis && (
        <p>{`Archetype: ${archetypeAnalysis.primary ?? archetypeAnalysis.name ?? ''}`}</p>
      )}
    </section>
  )
}
