#!/usr/bin/env bash
# npm run lint: format, types and source rules, everything that needs no build. With --tidy also
# clang-tidy, which takes minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/cache.sh
. scripts/debian.sh
PATH=$PWD/node_modules/.bin:$PATH

mapfile -t cpp < <(git ls-files --cached --others --exclude-standard '*.cpp' '*.hpp')

# The PATH comes with the repository, so that every machine has the same version of each.
clang-format --dry-run --Werror "${cpp[@]}"
biome check --error-on-warnings .
tsc --noEmit -p tsconfig.json
node --test tests/js/layers.test.js >"$cache/layers.log" || { cat "$cache/layers.log" >&2; exit 1; }

if [ "${1:-}" = --tidy ]; then
  . scripts/setup.sh
  tidy=$cache/clang-tidy
  if [ ! -e "$tidy/complete" ]; then
    lock_cache
    debian_patchelf
    debian_unpack "$tidy" own clang-tidy
    step "Making it runnable from there" debian_relocate "$tidy" "$tidy"/usr/lib/llvm-*/bin/clang-tidy
    touch "$tidy/complete"
  fi
  cmake --preset native-debug >/dev/null
  git ls-files -z 'wasm/*.cpp' ':!wasm/host' | xargs -0 -n 1 -P 2 \
    "$tidy/usr/bin/clang-tidy" --quiet -p build/native-debug
fi
