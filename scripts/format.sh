#!/usr/bin/env bash
# npm run format: applies the formatters that lint.sh asks.
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-files -z --cached --others --exclude-standard '*.cpp' '*.hpp' | xargs -0r node_modules/.bin/clang-format -i
node_modules/.bin/biome check --write .
