#!/usr/bin/env bash
# Writes the declarations of the package's entry points from their JSDoc into types/, unless they are
# newer than the sources. tests/types holds them against the promised API.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -z "$(find js tsconfig.json tsconfig.build.json -newer types/index.d.ts 2>&1)" ] && exit
rm -rf types
node_modules/.bin/tsc -p tsconfig.build.json
