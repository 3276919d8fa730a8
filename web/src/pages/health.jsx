// A day of body data at a time.

import { localDate } from 'somatic-sync'
import { useCollection } from 'somatic-sync/react'
import { syncHealthMetrics } from 'somatic-sync/supabase-sync-extended'
import { Chart } from '../charts.jsx'

export function Health() {
  const rows = useCollection('health').slice(-30)
  const series = (/** @type {string} */ field) =>
    rows.map((/** @type {any} */ row) => ({ label: row.date, value: row[field] }))
  /** @param {import('react').FormEvent<HTMLFormElement>} event */
  function submit(event) {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const steps = Number(form.get('steps'))
    syncHealthMetrics({ steps, sleepHours: Number(form.get('sleep')) }, localDate())
  }
  return (
    <section className="card">
      <Chart title="Steps" values={series('steps')} />
      <Chart title="Hours of sleep" values={series('sleepHours')} kind="line" />
      <form onSubmit={submit} className="row">
        <label>
          Steps
          <input name="steps" type="number" min="0" defaultValue="5000" required />
        </label>
        <label>
          Sleep
          <input
            name="sleep"
            type="number"
            min="0"
            max="24"
            step="0.25"
            defaultValue="7.5"
            required
          />
        </label>
        <button type="submit" className="primary">
          Today
        </button>
      </form>
    </section>
  )
}
