#!/usr/bin/env bash
# npm start: the app on a local Supabase, with hot reload. Arguments: --port N, --folder DIR, --reset.
set -euo pipefail
bash "$(dirname "$0")/build.sh"
cd "$(dirname "$0")/.."
exec node web/start.js "$@"
