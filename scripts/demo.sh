#!/usr/bin/env bash
# npm run demo: builds the module, then runs demo/main.js with the arguments given.
set -euo pipefail
bash "$(dirname "$0")/build.sh"
cd "$(dirname "$0")/.."
exec node demo/main.js "$@"
