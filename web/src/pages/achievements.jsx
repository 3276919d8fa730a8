// What was unlocked: it stays so on every device.

import { useAchievements } from '../stores.js'

export function Achievements() {
  const { achievements, unlock } = useAchievements()
  return (
    <ul className="card entries">
      {achievements.map(({ id, unlocked, progress }) => (
        <li key={id}>
          <span>
            {unlocked ? '★' : '☆'} {id}
          </span>
          <progress max="100" value={progress} aria-label={`Progress of ${id}`} />
          {/* not disabled: the focus on it would be lost */}
          <button type="button" aria-disabled={unlocked} onClick={() => unlocked || unlock(id)}>
            Unlock
          </button>
        </li>
      ))}
    </ul>
  )
}
