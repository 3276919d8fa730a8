// By meaning where there are vectors, by words where there are none; each with its score.

import { useState } from 'react'
import { useSearch } from 'somatic-sync/react'
import { messageOf } from '../message-of.js'

export function Search() {
  const [query, setQuery] = useState('')
  const { matches, isSearching, error } = useSearch(query, { threshold: 0.1, limit: 10 })
  return (
    <section className="card">
      <label>
        What are you looking for?
        <input type="search" value={query} onChange={(event) => setQuery(event.target.value)} />
      </label>
      <p role="status">
        {error ? messageOf(error) : isSearching ? 'Searching …' : `${matches.length} found`}
      </p>
      <ol className="entries">
        {matches.map(({ id, content, similarity, mode }) => (
          <li key={id}>
            <span>{content}</span>
            <small>{`${similarity.toFixed(2)} by ${mode}`}</small>
          </li>
        ))}
      </ol>
    </section>
  )
}
