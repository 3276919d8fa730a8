#!/usr/bin/env bash
# Writes the declarations of the package's entry points from their JSDoc into types/, and holds them
# against the promised API (tests/types).
set -euo pipefail
cd "$(dirname "$0")/.."
rm -rf types
node_modules/.bin/tsc -p tsconfig.build.json
node_modules/.bin/tsc -p tests/types/tsconfig.json
