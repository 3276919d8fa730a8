#!/usr/bin/env bash
# npm run bench: builds the module, then runs bench/main.js with the arguments given.
set -euo pipefail
bash "$(dirname "$0")/build.sh"
cd "$(dirname "$0")/.."
exec node bench/main.js "$@"
