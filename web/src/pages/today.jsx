// The routine of today, and the journal.

import { useId, useState } from 'react'
import { localDate } from 'somatic-sync'
import { useRow } from 'somatic-sync/react'
import { Days } from '../charts.jsx'
import { leaveItem } from '../focus.js'
import { useJournal, useProgress } from '../stores.js'

export function Today() {
  const { complianceStreak, lastCompletedDate, totalCompletions, completeRoutine } = useProgress()
  const today = localDate()
  return (
    <>
      <section className="card">
        <h2>Routine</h2>
        <p>
          <strong data-testid="streak">{complianceStreak}</strong> days in a row,{' '}
          <strong data-testid="total">{totalCompletions}</strong> completions
        </p>
        <button type="button" className="primary" onClick={() => completeRoutine(today)}>
          {lastCompletedDate === today ? 'Completed once more' : 'I completed my routine'}
        </button>
        <Streak />
      </section>
      <Journal />
    </>
  )
}

/** The last 30 days: on which of them a routine was completed. */
function Streak() {
  const ranges = useRow('progress', 'self')?.completedDays ?? []
  const days = Array.from({ length: 30 }, (_, i) => localDate(Date.now() - (29 - i) * 86_400_000))
  const isIn = (/** @type {string} */ day) =>
    ranges.some((/** @type {[string, string]} */ [first, last]) => first <= day && day <= last)
  return <Days title="The last 30 days" days={days} isDone={isIn} />
}

function Journal() {
  const { entries, add, change, drop } = useJournal()
  const [content, setContent] = useState('')
  const id = useId()
  /** @param {import('react').FormEvent} event */
  function submit(event) {
    event.preventDefault()
    const routineType = new Date().getHours() < 14 ? 'morning' : 'evening'
    const createdAt = new Date().toISOString()
    add({ id: crypto.randomUUID(), routineType, content, mood: 'calm', createdAt })
    setContent('')
  }
  const latest = [...entries].reverse().slice(0, 10)
  return (
    <section className="card">
      <h2 tabIndex={-1}>Journal</h2>
      <form onSubmit={submit}>
        <label htmlFor={id}>How was it?</label>
        <textarea
          id={id}
          value={content}
          onChange={(event) => setContent(event.target.value)}
          required
        />
        <button type="submit" className="primary">
          Keep it
        </button>
      </form>
      <ul className="entries">
        {latest.map((entry) => (
          <li key={entry.id}>
            <textarea
              aria-label={`Entry of ${entry.createdAt ?? 'now'}`}
              value={entry.content}
              onChange={(event) => change(entry.id, { content: event.target.value })}
            />
            <button
              type="button"
              onClick={({ currentTarget }) => {
                leaveItem(currentTarget)
                drop(entry.id)
              }}
              aria-label="Delete this entry"
            >
              Delete
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}
