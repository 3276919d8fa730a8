// A process and what it starts, as a group that is ended whole, and that ends with this process even if this one
// is killed. Knows no browser.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'

/**
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} options
 */
export function spawnGroup(command, args, options) {
  const main = spawn('setpriv', ['--pdeathsig', 'KILL', command, ...args], {
    ...options,
    detached: true,
  })
  const end = () => signal(main.pid, 'SIGKILL')
  process.once('exit', end)
  return {
    main,
    isAlive: () => signal(main.pid, 0),
    /** SIGKILL to all of it at once; waits until nobody is left. */
    async kill() {
      process.off('exit', end)
      const isGone = main.pid === undefined || main.exitCode !== null || main.signalCode !== null
      const gone = isGone ? null : once(main, 'exit')
      end()
      await gone
      while (signal(main.pid, 0)) await pause(20)
    },
  }
}

/** @param {number | undefined} pid @param {NodeJS.Signals | 0} name @returns {boolean} false: nobody is left */
function signal(pid, name) {
  if (pid === undefined) return false
  try {
    return process.kill(-pid, name)
  } catch {
    return false
  }
}
