#!/usr/bin/env bash
# npm test [-- lint|unit|sim|wasm|js|browser ...]: every check of this repository, or the stages named.
#
#   lint  formatters, types, source rules       unit  the C++ suite, under ASan and UBSan
#   sim   2,000 simulated worlds, and each planted bug caught
#   wasm  the same suite as WebAssembly, in Node      js    builds the module; node --test
#   browser  builds the module; node --test with a real Chromium, Firefox and WebKit, installed when missing
set -euo pipefail
stages=("$@")
[ $# -gt 0 ] || stages=(lint unit sim wasm js browser)
. "$(dirname "$0")/setup.sh"

lint() { bash scripts/lint.sh; }

# Both the same way; only the preset differs. wasm-release is what ships, so that is what is tested.
unit() { ctest_preset native-debug; }
wasm() { ctest_preset wasm-release; }

sim() {
  bash scripts/sim.sh --seeds 2000
  bash scripts/sim.sh --planted --seeds 1000
}

ctest_preset() {
  [ -e "build/$1/build.ninja" ] || step "Configuring $1" cmake --preset "$1"
  step "Building core_tests ($1)" cmake --build --preset "$1" --target core_tests
  ctest --preset "$1"
}

js() {
  local files
  bash scripts/build.sh
  # Grants and concurrent writers need a PostgreSQL that is not in this process.
  if [ -z "${PG_BIN:-}" ]; then
    PG_BIN=$(bash scripts/postgres.sh) && export PG_BIN ||
      say "no PostgreSQL: the tests of grants and of concurrent writers are left out"
  fi
  shopt -s nullglob
  files=(tests/js/*.test.js supabase/tests/*.test.js)
  node --test "${files[@]}"
}

browser() {
  bash scripts/build.sh
  bash scripts/chromium.sh >/dev/null
  bash scripts/browsers.sh firefox >/dev/null
  # only root can install it; without it its smoke test says that it was not run
  bash scripts/browsers.sh webkit >/dev/null || [ "$(id -u)" != 0 ]
  node --test tests/browser/*.test.js
}

summary=()
for stage in "${stages[@]}"; do
  case $stage in
    lint | unit | sim | wasm | js | browser) ;;
    *) die "no such stage: $stage (lint, unit, sim, wasm, js, browser)" ;;
  esac
  say "== $stage"
  started=$SECONDS
  # Not `if $stage`, which would switch `set -e` off inside it.
  set +e
  (set -e; $stage)
  status=$?
  set -e
  if [ $status != 0 ]; then
    say "== FAILED: $stage, after $((SECONDS - started)) s (npm test -- $stage)"
    exit 1
  fi
  summary+=("   $stage: $((SECONDS - started)) s")
done
say "== passed"
printf '%s\n' "${summary[@]}" >&2
