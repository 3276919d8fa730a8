// A conversation. The assistant here only tells what it would look at: `context()` of the client.

import { useState } from 'react'
import { useSync } from 'somatic-sync/react'
import { useChat } from '../stores.js'

export function Chat() {
  const client = useSync()
  const { messages, add } = useChat()
  const [text, setText] = useState('')
  const say = (/** @type {string} */ role, /** @type {string} */ content) =>
    add({
      id: crypto.randomUUID(),
      sessionId: 'app',
      role,
      content,
      createdAt: new Date().toISOString(),
    })
  /** @param {import('react').FormEvent} event */
  async function submit(event) {
    event.preventDefault()
    say('user', text)
    setText('')
    const found = await client?.context(text, { limit: 3, maxChars: 600 })
    say('assistant', found?.text ? `You wrote:\n${found.text}` : 'I found nothing about that yet.')
  }
  return (
    <section className="card">
      <ol className="messages">
        {messages.slice(-30).map(({ id, role, content }) => (
          <li key={id} data-role={role ?? 'user'}>
            {content}
          </li>
        ))}
      </ol>
      <form onSubmit={submit} className="row">
        <input
          aria-label="Message"
          value={text}
          onChange={(event) => setText(event.target.value)}
          required
        />
        <button type="submit" className="primary">
          Send
        </button>
      </form>
    </section>
  )
}
