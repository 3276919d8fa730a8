// The user's data is theirs: out, in, and gone.

import { useCallback, useState, useSyncExternalStore } from 'react'
import { somaticSchema } from 'somatic-sync'
import { useSync } from 'somatic-sync/react'
import { messageOf } from '../message-of.js'
import { supabase } from '../supabase.js'

const names = Object.entries(somaticSchema.collections)
  .filter(([, spec]) => !('localOnly' in spec))
  .map(([name]) => name)

/** Of all collections that a backup holds. @param {any} client */
function useRowCount(client) {
  const subscribe = useCallback(
    (/** @type {() => void} */ listener) => {
      const stops = names.map((name) => client.collection(name).subscribe(listener))
      return () => {
        for (const stop of stops) stop()
      }
    },
    [client],
  )
  return useSyncExternalStore(subscribe, () =>
    names.reduce((sum, name) => sum + client.collection(name).size, 0),
  )
}

export function YourData() {
  const client = useSync()
  const rows = useRowCount(client)
  const [message, setMessage] = useState('')
  /** @param {() => Promise<string>} work */
  const tell = async (work) => {
    try {
      setMessage(await work())
    } catch (error) {
      setMessage(messageOf(error))
    }
  }
  const save = async () => {
    const blob = new Blob([JSON.stringify(await client?.exportData())], {
      type: 'application/json',
    })
    const link = document.createElement('a')
    link.href = URL.createObjectURL(blob)
    link.download = 'somatic-sync.json'
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
    return `Exported, ${Math.round(blob.size / 1000)} kB.`
  }
  /** @param {File} file */
  const load = async (file) => {
    const { written, skipped } = (await client?.importData(file)) ?? { written: 0, skipped: 0 }
    return `Imported: ${written} rows changed, ${skipped} were there already.`
  }
  const wipe = async () => {
    await client?.wipe()
    location.reload()
    return ''
  }
  const leave = async () => {
    if (!confirm('Delete your account, here and on the server?')) return ''
    await client?.deleteAccount()
    await supabase.auth.signOut()
    return ''
  }
  return (
    <section className="card">
      <h2>Your data</h2>
      <div className="row">
        <button type="button" onClick={() => tell(save)}>
          Export
        </button>
        <label className="button">
          Import
          <input
            type="file"
            accept="application/json"
            className="visually-hidden"
            onChange={({ target }) =>
              target.files?.[0] && tell(() => load(/** @type {File} */ (target.files?.[0])))
            }
          />
        </label>
        <button type="button" onClick={() => tell(wipe)}>
          Wipe this device
        </button>
        <button type="button" onClick={() => tell(leave)}>
          Delete account
        </button>
      </div>
      <p role="status" data-testid="your-data">
        {message}
      </p>
      <p className="hint">{`${rows} rows here.`}</p>
    </section>
  )
}
