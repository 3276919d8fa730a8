# Sourced by what needs a Debian package: unpacks packages, with all of their dependencies down to
# libc, into a folder of their own. Needs no root, changes nothing outside the cache and does not
# depend on what is installed: apt runs with a state of its own (signatures checked against Debian's
# keyring), no maintainer script runs, and the programs are relocated to find their libraries there.
#
# Call these plainly, not left of `||` or `&&` and not in `if`: they rely on `set -e`.

# debian_unpack FOLDER SUITE PACKAGE...: SUITE is a release name, or `own` for the machine's. FOLDER
# is replaced, and only when all of it is there.
debian_unpack() {
  local folder=$1 suite=$2 apt=$cache/apt/$2
  shift 2
  debian_configure_apt "$apt" "$suite"
  export APT_CONFIG=$apt/apt.conf
  step "Reading Debian's package lists ($suite)" apt-get -q update
  step "Downloading $* from Debian ($suite)" \
    apt-get -qy --no-install-recommends --download-only install "$@"
  unset APT_CONFIG
  step "Unpacking $*" debian_extract "$apt/archives" "$folder.new"
  rm -rf "$folder" "$apt/archives"
  mv "$folder.new" "$folder"
}

debian_configure_apt() {
  local apt=$1 suites=$2 keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  local codename mirror suite
  command -v apt-get >/dev/null && [ -r $keyring ] ||
    die "this is not Debian: it has no apt-get or no $keyring"
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  # The machine's own mirror, as apt itself understands its configuration (either format of it).
  mirror=$(apt-get update --print-uris -o Dir::State::lists="$apt/none" |
    sed -n "s#^'\(.*\)/dists/$codename/InRelease'.*#\1#p" | head -n 1)
  [ -n "$mirror" ] || die "apt has no Debian mirror configured for ${codename:-this system}"
  [ "$suites" != own ] || suites="$codename $codename-updates"
  mkdir -p "$apt/lists/partial" "$apt/archives/partial"
  for suite in $suites; do echo "deb [signed-by=$keyring] $mirror $suite main"; done >"$apt/sources.list"
  : >"$apt/status"   # nothing is installed
  cat >"$apt/apt.conf" <<CONF
Dir::State "$apt";
Dir::State::status "$apt/status";
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
  rm -rf "$folder"
  # Older packages still have files in /lib; `dpkg-deb -x` would replace the links by folders.
  mkdir -p "$folder"/usr/lib{,64}
  ln -sfn usr/lib "$folder/lib"
  ln -sfn usr/lib64 "$folder/lib64"
  find "$archives" -name '*.deb' -print0 | xargs -0 -P 2 -I '{}' \
    sh -c 'dpkg-deb --fsys-tarfile "$1" | tar -C "$2" -x --keep-directory-symlink' - '{}' "$folder"
  rm -rf "$folder"/usr/share/{doc,man,locale,info,lintian}
}

# debian_relocate FOLDER FILE...: makes programs in FOLDER take their libraries from it. DT_RPATH,
# unlike DT_RUNPATH, holds for libraries of libraries too, except where one of those has a DT_RUNPATH
# itself; hence the second half. Needs debian_patchelf.
debian_relocate() {
  local folder=$1 patchelf=$cache/patchelf/usr/bin/patchelf libraries loader file
  shift
  libraries=$(echo "$folder"/usr/lib/*-linux-gnu)
  loader=$(echo "$libraries"/ld-linux*.so.*)
  for file; do
    "$patchelf" --set-interpreter "$loader" --force-rpath --set-rpath "$libraries" "$file"
  done
  for file in "$libraries"/lib{LLVM,clang-cpp,binaryen}*.so*; do
    [ ! -f "$file" ] || [ -L "$file" ] || "$patchelf" --remove-rpath "$file"
  done
}

debian_patchelf() {
  [ -x "$cache/patchelf/usr/bin/patchelf" ] || debian_unpack "$cache/patchelf" own patchelf
}
