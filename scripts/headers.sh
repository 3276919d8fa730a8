#!/usr/bin/env bash
# Lays nlohmann/json and doctest in build/headers, copied from the machine's packages or unpacked
# from Debian's. Where there are neither, cmake/headers.cmake gets them from their repositories.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/cache.sh
. scripts/debian.sh

readonly files=(nlohmann/json.hpp doctest/doctest.h)
readonly unpacked=$cache/headers

# complete FOLDER: are both of them there?
complete() { [ -e "$1/${files[0]}" ] && [ -e "$1/${files[1]}" ]; }

if complete build/headers; then exit; fi

from=/usr/include
if ! complete $from; then
  command -v apt-get >/dev/null || { say "CMake will fetch nlohmann/json and doctest"; exit; }
  from=$unpacked/usr/include
  if ! complete "$from"; then
    lock_cache
    debian_unpack "$unpacked" own nlohmann-json3-dev doctest-dev
  fi
fi
mkdir -p build/headers
cp -r "$from/nlohmann" "$from/doctest" build/headers/
