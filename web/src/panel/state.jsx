// What the client says of itself.

import { useEffect, useState } from 'react'
import { useSync, useSyncStatus } from 'somatic-sync/react'
import { problems } from '../session.jsx'
import { device, ownDevice } from '../supabase.js'

export function State() {
  const client = useSync()
  const status = useSyncStatus()
  const [leader, setLeader] = useState('')
  const [worker, setWorker] = useState('none')
  useEffect(() => {
    const look = async () => {
      const { held = [] } = (await navigator.locks?.query()) ?? {}
      const lock = held.find(({ name }) => name?.endsWith(`${client?.userId}:network`))
      setLeader(lock ? 'held by a tab of this browser' : 'nobody holds it')
      const registration = await navigator.serviceWorker?.getRegistration('/')
      setWorker(registration?.active ? 'ready to send when no tab is open' : 'none')
    }
    look()
    const timer = setInterval(look, 1000)
    return () => clearInterval(timer)
  }, [client])
  const time = (/** @type {number | null} */ at) => (at ? new Date(at).toLocaleTimeString() : '–')
  const facts = [
    ['State', status.state],
    ['To send', status.pending],
    ['Refused', status.rejected],
    ['Last synced', time(status.lastSyncedAt)],
    ['Next try', time(status.nextRetryAt)],
    [
      'Last error',
      status.lastError ? `${status.lastError.code}: ${status.lastError.message}` : '–',
    ],
    ['Storage', `${status.storage}${status.persisted ? ', persisted' : ''}`],
    ['Network lock', leader],
    ['Realtime', status.realtime],
    ['Service worker', device === ownDevice ? worker : 'this device has none'],
    ['Last problem', problems[0] ? `${problems[0].code}: ${problems[0].message}` : '–'],
  ]
  return (
    <section className="card">
      <h2>Status</h2>
      <dl>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <button type="button" onClick={() => client?.sync().catch(() => {})}>
        Sync now
      </button>
    </section>
  )
}
