// Owns what folding asks of the core. The engine makes no effect of it, and is never in the middle of a
// call: whoever asks was waiting for a promise.

import { closedError } from './error.js'

/** @param {import('./engine.js').Core} core @returns {import('./folding.js').Folded} */
export function foldedPart(core) {
  const isGone = () => core.isClosed || core.broken !== null
  const engine = () => {
    if (isGone()) throw closedError()
    return core.engine
  }
  return {
    get known() {
      return core.known
    },
    rows: () => (core.isReadOnly ? null : core.query({ stored: true })),
    beginSnapshot: (isWhole) => !isGone() && core.engine.beginSnapshot(isWhole),
    nextPiece: () => engine().nextPiece(),
    nextVectors: () => engine().nextVectors(),
    namedVectors: () => engine().namedVectors(),
    vectorsStillNamed: (file) => engine().vectorsStillNamed(file),
    endSnapshot(isKept) {
      if (!core.isFree && !core.broken) core.engine.endSnapshot(isKept)
    },
  }
}
