#!/usr/bin/env bash
# npm run sim: builds the simulator (native, optimised), then runs it with the arguments given.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup.sh
[ -e build/native-release/build.ninja ] || step "Configuring native-release" cmake --preset native-release
step "Building the simulator" cmake --build --preset native-release --target sim
exec build/native-release/sim "$@"
