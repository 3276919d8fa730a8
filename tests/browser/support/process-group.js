// A process and what it starts, as a group that is ended whole. Knows no browser.

import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'

/** @param {import('node:child_process').ChildProcess} main started with detached: true */
export function startGroup(main) {
  const pid = /** @type {number} */ (main.pid)
  const end = () => signal(pid, 'SIGKILL')
  // should this process end without ending it
  process.once('exit', end)
  return {
    async kill() {
      process.off('exit', end)
      const isGone = main.exitCode !== null || main.signalCode !== null
      const gone = isGone ? null : once(main, 'exit')
      signal(pid, 'SIGKILL')
      await gone
      while (signal(pid, 0)) await pause(20)
    },
  }
}

/** @param {number} pid @param {NodeJS.Signals | 0} name @returns {boolean} false: nobody is left */
function signal(pid, name) {
  try {
    return process.kill(-pid, name)
  } catch {
    return false
  }
}
