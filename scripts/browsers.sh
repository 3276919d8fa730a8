#!/usr/bin/env bash
# browsers.sh firefox|webkit: prints the path of Firefox, or of WebKitWebDriver once all is there that
# its tests start: the installed one, else Debian's package, which root installs. Anybody else unpacks
# Firefox into the cache; WebKitGTK cannot be had that way: it looks for its processes in /usr/lib only.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/cache.sh
. scripts/debian.sh

readonly unpacked=$cache/firefox
readonly webkit=(webkit2gtk-driver gir1.2-webkit2-4.1 gjs xvfb)

# firefox_of, webkit_of: the one to use, or nothing.
firefox_of() {
  command -v firefox-esr || {
    if [ -e "$unpacked/complete" ]; then echo "$unpacked/usr/lib/firefox-esr/firefox-esr"; fi
  }
}

webkit_of() {
  if command -v Xvfb >/dev/null &&
    gjs -c 'imports.gi.versions.WebKit2 = "4.1"; imports.gi.WebKit2' >/dev/null 2>&1; then
    command -v WebKitWebDriver || true
  fi
}

install() {
  export DEBIAN_FRONTEND=noninteractive
  step "Reading the package lists" apt-get -q update
  step "Installing $* from Debian" \
    apt-get -qy -o DPkg::Lock::Timeout=600 --no-install-recommends install "$@"
}

unpack_firefox() {
  local programs
  debian_patchelf
  debian_unpack "$unpacked" own firefox-esr fonts-dejavu-core
  mapfile -t programs < <(find "$unpacked/usr/lib/firefox-esr" -maxdepth 1 -type f -perm -u=x ! -name '*.so')
  step "Making it runnable from there" debian_relocate "$unpacked" "${programs[@]}"
  touch "$unpacked/complete"
}

which=${1:-}
case $which in
  firefox) packages=(firefox-esr) ;;
  webkit) packages=("${webkit[@]}") ;;
  *) die "browsers.sh firefox|webkit" ;;
esac

found=$("${which}_of")
if [ -z "$found" ]; then
  command -v apt-get >/dev/null || die "missing: ${packages[*]}, or what they are called here"
  lock_cache
  found=$("${which}_of")
fi
if [ -z "$found" ] && [ "$(id -u)" = 0 ]; then
  install "${packages[@]}"
elif [ -z "$found" ] && [ "$which" = firefox ]; then
  unpack_firefox
elif [ -z "$found" ]; then
  die "WebKitGTK is missing, and only root can install it: apt-get install ${packages[*]}"
fi
[ -n "$found" ] || found=$("${which}_of")
[ -n "$found" ] || die "still missing after an installation: ${packages[*]}"
echo "$found"
