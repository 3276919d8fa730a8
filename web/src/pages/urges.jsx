// The sovereign log: urges, katas, wins; and the patterns that the engine computes of it.

import { useState } from 'react'
import { useRow } from 'somatic-sync/react'
import { Chart } from '../charts.jsx'
import { useSovereignLog } from '../stores.js'

const types = ['Urge/Symptom', 'Kata Performed', 'Win', 'Leak/Drain', 'Insight']

export function Urges() {
  const { entries, add } = useSovereignLog()
  const [type, setType] = useState(types[0])
  const [content, setContent] = useState('')
  const [energyLevel, setEnergy] = useState(5)
  /** @param {import('react').FormEvent} event */
  function submit(event) {
    event.preventDefault()
    const createdAt = new Date().toISOString()
    add({ id: crypto.randomUUID(), entryType: type, content, energyLevel, createdAt })
    setContent('')
  }
  return (
    <>
      <section className="card">
        <form onSubmit={submit}>
          <label>
            What
            <select value={type} onChange={(event) => setType(event.target.value)}>
              {types.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          </label>
          <label>
            In words
            <input value={content} onChange={(event) => setContent(event.target.value)} required />
          </label>
          <label>
            Energy: {energyLevel}
            <input
              type="range"
              min="1"
              max="10"
              value={energyLevel}
              onChange={(event) => setEnergy(Number(event.target.value))}
            />
          </label>
          <button type="submit" className="primary">
            Log it
          </button>
        </form>
        <ul className="entries">
          {[...entries]
            .reverse()
            .slice(0, 8)
            .map((/** @type {any} */ entry) => (
              <li key={entry.id}>{`${entry.entryType}: ${entry.content}`}</li>
            ))}
        </ul>
      </section>
      <Patterns />
    </>
  )
}

function Patterns() {
  const patterns = useRow('path', 'self')?.patterns
  const { entries } = useSovereignLog()
  const recent = entries.slice(-40)
  const energy = recent.map((/** @type {any} */ { id, energyLevel }) => ({
    label: id,
    value: energyLevel ?? null,
  }))
  const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
  const byDay = (/** @type {number[] | undefined} */ counts) =>
    days.map((label, i) => ({ label, value: counts?.[i] ?? 0 }))
  return (
    <section className="card">
      <h2>Patterns</h2>
      <Chart title="Energy, the last entries" values={energy} kind="line" />
      <Chart title="Leaks by weekday" values={byDay(patterns?.leaks?.byWeekday)} />
      <Chart
        title="Transmutations by weekday"
        values={byDay(patterns?.transmutations?.byWeekday)}
      />
    </section>
  )
}
