#!/usr/bin/env bash
# Installs Debian's Firefox and WebKit where they are missing, and what drives them. Needs root: neither runs
# from a folder of its own, as Chromium does (scripts/chromium.sh). Without root, and with nothing installed, it
# says so and fails; tests/browser/other-browsers.test.js tells what is then not tested.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/cache.sh

has_all() {
  command -v firefox-esr && command -v WebKitWebDriver && command -v Xvfb && compgen -G '/usr/lib/*/webkit2gtk-4.1/MiniBrowser'
} >/dev/null

has_all && exit
[ "$(id -u)" = 0 ] || die "Firefox and WebKit are not tested: install firefox-esr, webkit2gtk-driver and xvfb, or run this as root"
command -v apt-get >/dev/null || die "Firefox and WebKit are not tested: they are installed from Debian's packages only"
export DEBIAN_FRONTEND=noninteractive
step "Reading the package lists" apt-get -q update
step "Installing Firefox and WebKit from Debian" \
  apt-get -qy -o DPkg::Lock::Timeout=600 --no-install-recommends install firefox-esr webkit2gtk-driver xvfb
has_all || die "Debian's packages did not bring Firefox, WebKitWebDriver, MiniBrowser and Xvfb"
