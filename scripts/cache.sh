# Sourced by the scripts that install something: where it goes, how they say what they are doing,
# and how two of them at once keep out of each other's way. Knows nothing about what is installed.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/somatic-sync

say() { echo "$*" >&2; }
die() { say "error: $*"; exit 1; }

# step "What happens" command...: one line now, a sign of life every ten seconds, the command's
# output only if it fails. The command, which may be a function, runs under `set -e`.
step() {
  local what=$1 log started=$SECONDS beat status=0
  shift
  say "$what"
  log=$(mktemp)
  # The pulse ends with this process even if that is killed, and holds none of its descriptors.
  (while sleep 10 >/dev/null 2>&1 9>&- && kill -0 $$ 2>/dev/null; do
    say "  ... still at it ($((SECONDS - started)) s)"
  done) 9>&- &
  beat=$!
  set +e
  (set -e; "$@") >"$log" 2>&1
  status=$?
  kill $beat && wait $beat 2>/dev/null
  set -e
  [ $status = 0 ] || { tail -n 15 "$log" >&2; say "failed: $what"; }
  rm -f "$log"
  return $status
}

# One installation at a time; the kernel drops the lock with the last process that holds it, so a
# killed installation leaves none behind.
lock_cache() {
  mkdir -p "$cache"
  exec 9>"$cache/lock"
  flock -n 9 || step "Waiting for another installation into $cache" flock 9
}
