// npm run bench -- sync [--json] [--rounds N]: measures the package beside a peer in the same run, alternating, median of the
// rounds. A bench judges nothing: it exits 0 whatever the figures are.

import { syncFigures } from './sync.js'

const args = process.argv.slice(2)
const roundsAt = args.indexOf('--rounds')
const rounds = roundsAt < 0 ? 5 : Number(args[roundsAt + 1])

if (args[0] !== 'sync' || !(rounds >= 1)) {
  process.stderr.write('usage: npm run bench -- sync [--json] [--rounds N]\n')
  process.exit(2)
}
for (const figure of await syncFigures(rounds)) {
  const { name, ours, peer, peerName, ratio, bar, ok } = figure
  process.stdout.write(
    args.includes('--json')
      ? `${JSON.stringify(figure)}\n`
      : `${name.padEnd(44)} ${ours} beside ${peer} (${peerName}): ${ratio}x, bar ${bar}: ${ok ? 'ok' : 'missed'}\n`,
  )
}
