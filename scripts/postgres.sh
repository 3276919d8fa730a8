#!/usr/bin/env bash
# Prints the folder of PostgreSQL's programs (initdb, postgres, psql): the newest installed one, else
# Debian's package unpacked into a cache. It comes without pgvector, which Debian 12 does not have.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/cache.sh
. scripts/debian.sh

# The server refuses to run as root. So where root installs, another user must be able to read it.
if [ "$(id -u)" = 0 ]; then cache=/var/cache/somatic-sync; fi

# bin_of ROOT: the newest version's folder below it, or nothing.
bin_of() { { compgen -G "$1/usr/lib/postgresql/*/bin/postgres" || true; } | sort -V | tail -n 1 | xargs -r dirname; }

found=$(bin_of "")
if [ -z "$found" ] && [ -e "$cache/postgres/complete" ]; then found=$(bin_of "$cache/postgres"); fi
if [ -z "$found" ]; then
  lock_cache
  rm -rf "$cache/postgres"
  debian_patchelf
  debian_unpack "$cache/postgres" own postgresql
  found=$(bin_of "$cache/postgres")
  # The perl wrappers among them stay as they are: nobody here calls them.
  mapfile -t programs < <(find "$found" -type f -size +8k)
  step "Making it runnable from there" debian_relocate "$cache/postgres" "${programs[@]}"
  touch "$cache/postgres/complete"
fi
echo "$found"
