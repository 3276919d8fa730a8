// Node 20 knows relaxed SIMD, but has to be told so, and its first compiler gets it wrong.

import v8 from 'node:v8'
import { hasRelaxedSimd } from '../../js/search/vectors-module.js'

/** Before the first module that needs it is compiled. */
export function allowRelaxedSimd() {
  if (hasRelaxedSimd()) return
  v8.setFlagsFromString('--experimental-wasm-relaxed-simd')
  v8.setFlagsFromString('--no-liftoff')
}
