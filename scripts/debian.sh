# Sourced by what needs a Debian package: unpacks packages, with the dependencies this machine
# lacks, into a folder of their own. Needs no root and changes nothing outside the cache: apt runs
# with a state of its own (signatures checked against Debian's keyring), no maintainer script runs,
# and the programs are relocated, so that they find their libraries in that folder.

#
# Call these plainly, not left of `||` or `&&` and not in `if`: they rely on `set -e`.

# debian_unpack FOLDER SUITE PACKAGE...: SUITE is a release name, or `own` for the machine's.
# Packages of another suite bring all of their dependencies, down to libc.
debian_unpack() {
  local folder=$1 suite=$2 apt=$cache/apt/$2
  shift 2
  debian_configure_apt "$apt" "$suite"
  export APT_CONFIG=$apt/apt.conf
  step "Reading Debian's package lists ($suite)" apt-get -q update
  step "Downloading $* from Debian ($suite)" \
    apt-get -qy --no-install-recommends --download-only install "$@"
  unset APT_CONFIG
  step "Unpacking $*" debian_extract "$apt/archives" "$folder"
  rm -rf "$apt/archives"
}

debian_configure_apt() {
  local apt=$1 suites=$2 keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  local status=/dev/null codename mirror suite
  command -v apt-get >/dev/null && [ -r $keyring ] ||
    die "this is not Debian: it has no apt-get or no $keyring"
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  # The machine's own mirror, as apt itself understands its configuration (either format of it).
  mirror=$(apt-get update --print-uris -o Dir::State::lists="$apt/none" |
    sed -n "s#^'\(.*\)/dists/$codename/InRelease'.*#\1#p" | head -n 1)
  [ -n "$mirror" ] || die "apt has no Debian mirror configured for ${codename:-this system}"
  if [ "$suites" = own ]; then
    suites="$codename $codename-updates"
    status=/var/lib/dpkg/status   # so that only what this machine lacks is fetched
  fi
  mkdir -p "$apt/lists/partial" "$apt/archives/partial"
  for suite in $suites; do echo "deb [signed-by=$keyring] $mirror $suite main"; done >"$apt/sources.list"
  cat >"$apt/apt.conf" <<CONF
Dir::State "$apt";
Dir::State::status "$status";
Dir::Cache "$apt";
Dir::Cache::archives "$apt/archives";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Sandbox::User "";
APT::Update::Post-Invoke-Success "";
Acquire::Retries "3";
CONF
}

debian_extract() {
  local archives=$1 folder=$2
  mkdir -p "$folder"
  find "$archives" -name '*.deb' -print0 | xargs -0 -P 2 -I '{}' dpkg-deb -x '{}' "$folder"
  rm -rf "$folder"/usr/share/{doc,man,locale,info,lintian}
}

# debian_relocate FOLDER FILE...: makes programs in FOLDER take their libraries from it, and from
# the system only what it lacks. DT_RPATH, unlike DT_RUNPATH, holds for libraries of libraries too,
# except where one of those has a DT_RUNPATH itself; hence the second half. Needs debian_patchelf.
debian_relocate() {
  local folder=$1 patchelf=$cache/patchelf/usr/bin/patchelf libraries loader file
  shift
  libraries=$(echo "$folder"/usr/lib/*-linux-gnu)
  loader=$(compgen -G "$libraries/ld-linux*.so.*" || true)
  for file; do
    "$patchelf" ${loader:+--set-interpreter "$loader"} --force-rpath --set-rpath "$libraries" "$file"
  done
  for file in "$libraries"/lib{LLVM,clang-cpp,binaryen}*.so*; do
    [ ! -f "$file" ] || [ -L "$file" ] || "$patchelf" --remove-rpath "$file"
  done
}

debian_patchelf() {
  [ -x "$cache/patchelf/usr/bin/patchelf" ] || debian_unpack "$cache/patchelf" own patchelf
}
