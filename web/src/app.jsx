// Owns what is around the pages: which one shows, the status of the sync, the offline switch.

import { useEffect, useState, useSyncExternalStore } from 'react'
import { useSyncStatus } from 'somatic-sync/react'
import { useFocusOn } from './focus.js'
import { Achievements } from './pages/achievements.jsx'
import { Blueprint } from './pages/blueprint.jsx'
import { Chat } from './pages/chat.jsx'
import { Health } from './pages/health.jsx'
import { Search } from './pages/search.jsx'
import { Today } from './pages/today.jsx'
import { Urges } from './pages/urges.jsx'
import { Panel } from './panel/panel.jsx'
import { Session } from './session.jsx'
import { useTheme } from './stores.js'
import { device, network, supabase } from './supabase.js'

const pages = {
  today: { title: 'Today', Page: Today },
  chat: { title: 'Chat', Page: Chat },
  urges: { title: 'Urges', Page: Urges },
  achievements: { title: 'Achievements', Page: Achievements },
  blueprint: { title: 'Blueprint', Page: Blueprint },
  health: { title: 'Health', Page: Health },
  search: { title: 'Search', Page: Search },
  panel: { title: 'Sync panel', Page: Panel },
}

export function App() {
  const { theme } = useTheme()
  useEffect(() => {
    document.documentElement.dataset.theme = theme
  }, [theme])
  return (
    <Session>
      <Pages />
    </Session>
  )
}

function Pages() {
  const [name, setName] = useState(pageInAddress)
  useEffect(() => {
    const onMove = () => setName(pageInAddress())
    addEventListener('hashchange', onMove)
    return () => removeEventListener('hashchange', onMove)
  }, [])
  const heading = useFocusOn(name)
  const { title, Page } = pages[name]
  return (
    <>
      <header>
        <nav aria-label="Pages">
          {Object.entries(pages).map(([each, { title }]) => (
            <a key={each} href={`#${each}`} aria-current={each === name ? 'page' : undefined}>
              {title}
            </a>
          ))}
        </nav>
        <Status />
      </header>
      <main>
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        <Page />
      </main>
    </>
  )
}

/** @returns {keyof typeof pages} */
function pageInAddress() {
  const name = location.hash.slice(1)
  return /** @type {keyof typeof pages} */ (Object.hasOwn(pages, name) ? name : 'today')
}

function Status() {
  const { state, pending, rejected } = useSyncStatus()
  const isOffline = useSyncExternalStore(network.subscribe, network.isOffline)
  const { theme, setTheme } = useTheme()
  const waiting = pending > 0 ? `, ${pending} to send` : ''
  const refused = rejected > 0 ? `, ${rejected} refused` : ''
  return (
    <div className="status">
      <label>
        <input
          type="checkbox"
          checked={isOffline}
          onChange={(event) => network.set(event.target.checked)}
        />
        Offline
      </label>
      <label>
        <span className="visually-hidden">Theme</span>
        <select value={theme} onChange={(event) => setTheme(event.target.value)}>
          <option value="system">System</option>
          <option value="light">Light</option>
          <option value="dark">Dark</option>
        </select>
      </label>
      <button type="button" onClick={() => supabase.auth.signOut()}>
        Sign out
      </button>
      {/* last: a text that grows must not move what is about to be clicked */}
      <span role="status" data-state={state}>{`${device}: ${state}${waiting}${refused}`}</span>
    </div>
  )
}
