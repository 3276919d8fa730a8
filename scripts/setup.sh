#!/usr/bin/env bash
# Makes a bare clone ready to build: npm's packages, the C++ headers, Ninja, Emscripten. Does nothing,
# in under a second, when all is there. Run it, or source it for the PATH it sets up.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/cache.sh
. scripts/debian.sh

# npm ci takes ten seconds even with nothing to do; so only when the lock file has changed.
lock_hash=$(sha256sum package-lock.json)
if [ "$(cat node_modules/.lock-hash 2>/dev/null)" != "$lock_hash" ]; then
  step "Installing npm packages" npm ci --no-audit --no-fund --loglevel=error
  echo "$lock_hash" >node_modules/.lock-hash
fi

bash scripts/headers.sh

if ! command -v ninja >/dev/null; then
  # In a subshell, which drops the lock again: emscripten.sh below wants it too.
  [ -x "$cache/ninja/usr/bin/ninja" ] || (lock_cache; debian_unpack "$cache/ninja" own ninja-build)
  PATH=$cache/ninja/usr/bin:$PATH
fi

. ./emsdk-env.sh
