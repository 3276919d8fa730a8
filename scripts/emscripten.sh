#!/usr/bin/env bash
# Finds the pinned Emscripten, or installs it into the user's cache folder, and prints the folder
# that `emcc` is in. Whatever else it has to say goes to stderr.
#
# Tried in this order: an emcc on PATH; an emsdk that is already here; the official emsdk, where the
# internet is; Debian's package, where only a Debian mirror is.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/cache.sh
. scripts/debian.sh

readonly version=6.0.5   # of the official emsdk; anything from 6.0.0 on is accepted
readonly release=forky     # the Debian release that has 6.0.x
readonly recipe=1        # raise to have installations of an older recipe replaced

# Prints the folder of this emcc if it runs and is new enough. 3.1.6, which Debian 12 has, lacks
# `co_await` on emscripten::val and --emit-tsd.
accept() {
  local emcc found
  emcc=$(readlink -f "$(command -v "$1")" 2>/dev/null) || return 1
  found=$("$emcc" -dumpversion 2>/dev/null) || return 1
  [ "${found%%.*}" -ge 6 ] && dirname "$emcc"
}

# Debian's package runs from a folder of its own, on its own libc, Python and libraries (see
# scripts/debian.sh); 0.8 GB. Node is the machine's: Debian's has absolute paths built in.
readonly root=$cache/emscripten-$release
readonly emscripten=$root/usr/share/emscripten
readonly stamp="$recipe $root"   # the programs inside know the folder's name: moved, they break

installed() {
  local folder
  for folder in "${EMSDK:-}" "$PWD/emsdk" "$cache/emsdk"; do
    [ -x "$folder/upstream/emscripten/emcc" ] || continue
    accept "$folder/upstream/emscripten/emcc" && return
  done
  [ "$(cat "$root/complete" 2>/dev/null)" = "$stamp" ] && echo "$emscripten"
}

# The official way. Without internet this costs one attempt of eight seconds at most.
official_emsdk() {
  local repository=https://github.com/emscripten-core/emsdk
  command -v python3 >/dev/null || return 1
  say "Looking for the official emsdk $version"
  GIT_TERMINAL_PROMPT=0 timeout 8 git ls-remote --exit-code $repository "refs/tags/$version" \
    >/dev/null 2>&1 || { say "  not reachable from here"; return 1; }
  rm -rf "$cache/emsdk"
  step "Cloning emsdk $version" git clone -q --depth 1 --branch $version $repository "$cache/emsdk" &&
    step "Installing emsdk $version (about 300 MB)" "$cache/emsdk/emsdk" install $version &&
    step "Activating emsdk $version" "$cache/emsdk/emsdk" activate $version &&
    accept "$cache/emsdk/upstream/emscripten/emcc"
}

debian_emscripten() {
  say "Installing Emscripten from Debian $release into $root (170 MB to download, about a minute)"
  debian_patchelf
  debian_unpack "$root" $release emscripten
  step "Making it runnable from there" debian_adapt
  echo "$stamp" >"$root/complete"   # last, so that an interrupted installation starts again
  echo "$emscripten"
}

debian_adapt() {
  local programs llvm
  llvm=$(echo "$root"/usr/lib/llvm-*/bin)
  mapfile -t programs < <(
    find "$llvm" -type f \( -name 'clang*' -o -name lld -o -name 'llvm-*' \)
    find "$root/usr/bin" -type f \( -name 'wasm*' -o -name 'python3.*' \))
  debian_relocate "$root" "${programs[@]}"
  # The entry points shall run its own Python, its JavaScript find its own packages.
  sed -i "s#^_EM_PY=.*#_EM_PY=$root/usr/bin/python3#" "$emscripten"/em*
  ln -s nodejs "$root/usr/share/node_modules"
  cat >"$emscripten/.emscripten" <<CONF
LLVM_ROOT = '$llvm'
BINARYEN_ROOT = '$root/usr'
CACHE = '$root/var/cache/emscripten'
CONF
  [ "$("$emscripten/emcc" -dumpversion)" != "" ]
}

if command -v emcc >/dev/null && accept emcc; then exit; fi
if installed; then exit; fi
lock_cache
trap '[ $? = 0 ] || say "error: no Emscripten >= 6.0.0: put an emcc on PATH (emsdk $version), or provide the internet or a Debian mirror"' EXIT
installed || official_emsdk || debian_emscripten
