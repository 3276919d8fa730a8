#!/usr/bin/env bash
# Prints the path of Chromium: the installed one, else Debian's package, which root installs and
# anybody else unpacks into the cache. Not npm's or Playwright's own builds: those need the internet.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/cache.sh
. scripts/debian.sh

readonly unpacked=$cache/chromium

# chromium_of: the one to use, or nothing.
chromium_of() {
  command -v chromium || command -v google-chrome || {
    if [ -e "$unpacked/complete" ]; then echo "$unpacked/usr/lib/chromium/chromium"; fi
  }
}

found=$(chromium_of)
if [ -z "$found" ]; then
  command -v apt-get >/dev/null || die "Chromium is missing: install it, so that \`chromium\` is on the PATH"
  lock_cache
  found=$(chromium_of)
fi
if [ -z "$found" ] && [ "$(id -u)" = 0 ]; then
  export DEBIAN_FRONTEND=noninteractive
  step "Reading the package lists" apt-get -q update
  step "Installing chromium from Debian" \
    apt-get -qy -o DPkg::Lock::Timeout=600 --no-install-recommends install chromium
elif [ -z "$found" ]; then
  debian_patchelf
  debian_unpack "$unpacked" own chromium fonts-dejavu-core
  mapfile -t programs < <(find "$unpacked/usr/lib/chromium" -maxdepth 1 -type f -perm -u=x)
  step "Making it runnable from there" debian_relocate "$unpacked" "${programs[@]}"
  touch "$unpacked/complete"
fi
[ -n "$found" ] || found=$(chromium_of)
[ -n "$found" ] || die "Chromium is missing, and Debian's package did not bring it"
echo "$found"
