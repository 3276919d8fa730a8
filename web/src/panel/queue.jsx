// Rows that the server refused, and texts that lost a merge: tried again, taken back, restored.

import { useSync, useSyncStatus } from 'somatic-sync/react'
import { leaveItem } from '../focus.js'

export function Queue() {
  const client = useSync()
  const { pending } = useSyncStatus()
  const rejected = client?.rejected() ?? []
  const overwritten = client?.overwritten() ?? []
  /** @param {() => unknown} work @returns {import('react').MouseEventHandler<HTMLElement>} */
  const leaving = (work) => (event) => {
    leaveItem(event.currentTarget)
    work()
  }
  return (
    <section className="card">
      <h2 tabIndex={-1}>Queue</h2>
      <p>{pending === 0 ? 'Everything was sent.' : `${pending} rows wait to be sent.`}</p>
      <h3>{`${rejected.length} refused`}</h3>
      <ul className="entries">
        {rejected.map(({ id, collection, key, code, message }) => (
          <li key={id}>
            <span>{`${collection} ${key}: ${message} (${code})`}</span>
            <button type="button" onClick={leaving(() => client?.retryRejected(id))}>
              Retry
            </button>
            <button type="button" onClick={leaving(() => client?.discardRejected(id))}>
              Discard
            </button>
          </li>
        ))}
      </ul>
      <h3>{`${overwritten.length} texts lost a merge`}</h3>
      <ul className="entries">
        {overwritten.slice(0, 5).map(({ id, collection, field, text }) => (
          <li key={id}>
            <span>{`${collection}, ${field}: ${text.slice(0, 80)}`}</span>
            <button type="button" onClick={leaving(() => client?.restoreOverwritten(id))}>
              Restore
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}
