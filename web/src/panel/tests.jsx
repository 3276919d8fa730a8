// A button for each sync, and one for all.

import { useState } from 'react'
import { useSync } from 'somatic-sync/react'
import { run, scenarios } from './scenarios.js'

/** @typedef {{ ms: number, reason: string } | 'running'} Result */

export function Tests() {
  const client = useSync()
  const [results, setResults] = useState(/** @type {Record<string, Result>} */ ({}))
  const isRunning = Object.values(results).includes('running')
  const done = Object.values(results).filter((result) => result !== 'running').length

  /** @param {typeof scenarios} wanted */
  async function test(wanted) {
    if (!client || isRunning) return
    if (wanted.length > 1) setResults({})
    for (const each of wanted) {
      setResults((former) => ({ ...former, [each.name]: 'running' }))
      const result = await run(client, each)
      setResults((former) => ({ ...former, [each.name]: result }))
    }
  }

  return (
    <section className="card">
      <h2>Syncs</h2>
      <div className="row">
        {/* not disabled: the focus on it would be lost */}
        <button
          type="button"
          className="primary"
          aria-disabled={isRunning}
          onClick={() => test(scenarios)}
        >
          Test all syncs
        </button>
        <progress max={scenarios.length} value={done} aria-label="Syncs tested" />
      </div>
      <table>
        <tbody>
          {scenarios.map((each) => (
            <tr key={each.name} data-result={kindOf(results[each.name])}>
              <th scope="row">{each.name}</th>
              <td>
                <code>{each.table}</code>
              </td>
              <td>{textOf(results[each.name])}</td>
              <td>
                <button
                  type="button"
                  aria-disabled={isRunning}
                  onClick={() => test([each])}
                  aria-label={`Test ${each.name}`}
                >
                  Test
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

/** @param {Result | undefined} result */
function kindOf(result) {
  if (result === undefined || result === 'running') return result ?? 'none'
  return result.reason === '' ? 'green' : 'red'
}

/** @param {Result | undefined} result */
function textOf(result) {
  if (result === undefined) return ''
  if (result === 'running') return 'Running …'
  return result.reason === '' ? `On the server, ${result.ms} ms` : `✗ ${result.reason}`
}
