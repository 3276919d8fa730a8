#!/usr/bin/env bash
# npm run build [-- wasm|native|all]: dist/module.{js,wasm,d.ts} and dist/vectors*, which the package
# ships, and, for `native` and `all`, the core as a native release.
set -euo pipefail
. "$(dirname "$0")/setup.sh"

# cmake_build PRESET TARGET: configures once; from then on Ninja sees to it.
cmake_build() {
  [ -e "build/$1/build.ninja" ] || step "Configuring $1" cmake --preset "$1"
  step "Building $2 ($1)$3" cmake --build --preset "$1" --target "$2"
}

build_wasm() {
  local built=build/wasm-release first=
  [ -e $built/module.wasm ] || first="; the very first time with Emscripten's libraries, 3 to 6 minutes"
  cmake_build wasm-release module "$first"
  cmake_build wasm-release vectors ""
  mkdir -p dist
  cp -u $built/module.wasm $built/vectors.wasm $built/vectors-relaxed.wasm dist/
  if [ -n "$(find $built/module.js dist/module.wasm scripts/glue.js -newer dist/vectors.d.ts 2>&1)" ]; then
    node scripts/glue.js $built
  fi
  step "Writing the declarations" bash scripts/declarations.sh
}

case ${1:-wasm} in
  wasm) build_wasm ;;
  native) cmake_build native-release core "" ;;
  all)
    build_wasm
    cmake_build native-release core ""
    ;;
  *) die "usage: build.sh [wasm|native|all]" ;;
esac
