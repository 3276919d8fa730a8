// The Sync Test Panel: does each sync work, what waits, what was refused, and the user's own data.

import { Queue } from './queue.jsx'
import { State } from './state.jsx'
import { Tests } from './tests.jsx'
import { YourData } from './your-data.jsx'

export function Panel() {
  return (
    <>
      <Tests />
      <State />
      <Queue />
      <YourData />
      <p className="hint">
        <a href="/devices.html">Two devices side by side</a>: take both off the network, edit the
        same things, and watch them merge.
      </p>
    </>
  )
}
