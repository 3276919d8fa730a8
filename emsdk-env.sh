# Source this (`. ./emsdk-env.sh`, bash) to put the pinned Emscripten on PATH.
#
# Finding or installing it is scripts/emscripten.sh's work, in a process of its own, so that this
# file changes nothing in your shell but three variables, and works under `set -euo pipefail`.

# EMSCRIPTEN is what CMakePresets.json reads; `tsc` in node_modules is what --emit-tsd runs.
if EMSCRIPTEN=$(bash "${BASH_SOURCE[0]%/*}/scripts/emscripten.sh"); then
  export EMSCRIPTEN
  export PATH="$EMSCRIPTEN:$(cd "${BASH_SOURCE[0]%/*}" && pwd)/node_modules/.bin:$PATH"
else
  unset EMSCRIPTEN
  return 1
fi
