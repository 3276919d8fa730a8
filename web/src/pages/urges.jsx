// The sovereign log: urges, katas, wins; and the patterns that the engine computes of it.

import { useState } from 'react'
import { useRow } from 'somatic-sync/react'
import { Chart } from '../charts.jsx'
import { useSovereignLog } from '../stores.js'

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const hours = Array.from({ length: 24 }, (_, hour) => `${String(hour).padStart(2, '0')}:00`)
const types = /** @type {const} */ ([
  'Urge/Symptom',
  'Kata Performed',
  'Win',
  'Leak/Drain',
  'Insight',
])

export function Urges() {
  const { entries, add } = useSovereignLog()
  const [type, setType] = useState(/** @type {(typeof types)[number]} */ (types[0]))
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
            <select
              value={type}
              onChange={({ target }) =>
                setType(types.find((each) => each === target.value) ?? types[0])
              }
            >
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
            .map((entry) => (
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
  const energy = entries.slice(-40).map(({ createdAt = '', energyLevel }) => ({
    label: createdAt.slice(0, 16).replace('T', ' '),
    value: energyLevel ?? null,
  }))
  const valuesOf = (/** @type {string[]} */ labels, /** @type {number[] | undefined} */ counts) =>
    labels.map((label, i) => ({ label, value: counts?.[i] ?? 0 }))
  return (
    <section className="card">
      <h2>Patterns</h2>
      <Chart title="Energy, the last entries" values={energy} kind="line" />
      {['leaks', 'transmutations'].map((what) => (
        <div key={what} className="pair">
          <Chart
            title={`${what}, by weekday`}
            values={valuesOf(weekdays, patterns?.[what]?.byWeekday)}
          />
          <Chart title={`${what}, by hour`} values={valuesOf(hours, patterns?.[what]?.byHour)} />
        </div>
      ))}
    </section>
  )
}
