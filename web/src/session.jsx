// Owns who is signed in on this device, and the client that is open for them.

import { useEffect, useState } from 'react'
import { lexicalEmbedder, openSync, registerBackgroundSync } from 'somatic-sync'
import { SyncProvider } from 'somatic-sync/react'
import { bindSync } from 'somatic-sync/supabase-sync-extended'
import { useFocusOn } from './focus.js'
import { messageOf } from './message-of.js'
import { syncStores } from './stores.js'
import { device, gatedFetch, names, ownDevice, project, supabase } from './supabase.js'

/** @type {{ code: string, message: string, at: number }[]} what onError told, the newest first */
export const problems = []

/** @param {{ children: import('react').ReactNode }} props */
export function Session({ children }) {
  const [userId, setUserId] = useState(/** @type {string | null | undefined} */ (undefined))
  const [client, setClient] = useState(/** @type {any} */ (null))
  const [problem, setProblem] = useState('')
  useEffect(() => {
    supabase.auth.getSession().then(({ data }) => setUserId(data.session?.user.id ?? null))
    const { data } = supabase.auth.onAuthStateChange((event, session) => {
      // a session that is null while the network is away is no sign-out
      if (session || event === 'SIGNED_OUT') setUserId(session?.user.id ?? null)
    })
    return () => data.subscription.unsubscribe()
  }, [])
  useEffect(() => {
    if (!userId) return
    let isOver = false
    const opening = open()
    opening.then(
      (opened) => !isOver && setClient(opened.client),
      (error) => !isOver && setProblem(messageOf(error)),
    )
    return () => {
      isOver = true
      setClient(null)
      setProblem('')
      opening.then(
        ({ stop }) => stop(),
        () => {}, // shown above
      )
    }
  }, [userId])
  if (client && userId) return <SyncProvider client={client}>{children}</SyncProvider>
  return <main>{before()}</main>

  function before() {
    if (userId === undefined) return <p className="hint">Opening …</p>
    if (userId === null) return <SignIn />
    if (problem) return <NotOpened problem={problem} />
    return <p className="hint">Opening what is on this device …</p>
  }
}

/** @param {{ code: string, message: string }} problem */
const report = ({ code, message }) => problems.unshift({ code, message, at: Date.now() })

async function open() {
  const client = await openSync({
    ...project,
    auth: supabase.auth,
    database: names.database,
    embedder: lexicalEmbedder(),
    realtime: supabase,
    fetch: gatedFetch,
    onError: report,
  })
  bindSync(client)
  registerWorker(client)
  const stopStores = syncStores(client)
  return {
    client,
    stop() {
      stopStores()
      bindSync(null)
      return client.close()
    },
  }
}

/** An origin has one, and so one device of this browser. @param {any} client */
function registerWorker(client) {
  if (device !== ownDevice) return
  const address = `/sw.js?${new URLSearchParams({ ...project, device })}`
  registerBackgroundSync(client, address).catch(report) // the page syncs by itself all the same
}

/** @param {{ problem: string }} props */
function NotOpened({ problem }) {
  return (
    <section className="card" role="alert">
      <h1>Not opened</h1>
      <p>{problem}</p>
      <button type="button" className="primary" onClick={() => location.reload()}>
        Try again
      </button>
    </section>
  )
}

function SignIn() {
  const [message, setMessage] = useState('')
  const heading = useFocusOn()
  /** @param {import('react').FormEvent<HTMLFormElement>} event */
  async function submit(event) {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const credentials = { email: String(form.get('email')), password: String(form.get('password')) }
    const { submitter } = /** @type {any} */ (event.nativeEvent)
    const { error } =
      submitter?.value === 'up'
        ? await supabase.auth.signUp(credentials)
        : await supabase.auth.signInWithPassword(credentials)
    setMessage(error?.message ?? '')
  }
  return (
    <form className="card sign-in" onSubmit={submit}>
      <h1 ref={heading} tabIndex={-1}>
        Somatic Alignment
      </h1>
      <label>
        Email
        <input
          name="email"
          type="email"
          autoComplete="username"
          required
          defaultValue="ada@example.com"
        />
      </label>
      <label>
        Password
        <input
          name="password"
          type="password"
          autoComplete="current-password"
          required
          minLength={6}
          defaultValue="ada-password"
        />
      </label>
      <p role="alert">{message}</p>
      <div className="row">
        <button type="submit" value="in" className="primary">
          Sign in
        </button>
        <button type="submit" value="up">
          Sign up
        </button>
      </div>
    </form>
  )
}
