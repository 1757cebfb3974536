# shellcheck shell=bash
# What the end-to-end tests share; sourced. COFFER is the binary under test.
#
# Every test has one directory, $work, with its vaults, mounts, sockets, rollback records and log. What is mounted is
# unmounted at the end, and only daemons that this test started are ended, by their process id.
set -euo pipefail

: "${COFFER:?set COFFER to the coffer binary}"
# shellcheck disable=SC2034 # for the tests
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
skipped=77 # ctest's SKIP_RETURN_CODE

say() { printf -- '-- %s\n' "$*"; }
fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}
skip() {
  printf '\n*** SKIPPED: %s: %s ***\n\n' "$(basename "$0")" "$*" >&2
  exit "$skipped"
}
need() {
  local tool
  for tool; do command -v "$tool" >/dev/null || skip "$tool is not installed (scripts/setup installs it)"; done
}

full() { [ -n "${COFFER_E2E_FULL:-}" ]; } # is this the long run?

# shellcheck disable=SC2034 # for the tests
# matrix K+M [CIPHER]: sets geometry, data, parity, and ciphers: the one that is named, in the long run both
matrix() {
  geometry=${1:?K+M}
  data=${geometry%+*}
  parity=${geometry#*+}
  ciphers=("${2:-aes-256-gcm}")
  ! full || ciphers=(aes-256-gcm xchacha20-poly1305)
}

[ -x "$COFFER" ] || fail "$COFFER is not there: build the target 'coffer'"
if [ ! -c /dev/fuse ] || [ ! -r /dev/fuse ]; then skip "/dev/fuse is not there"; fi

work=$(realpath "$(mktemp -d "${TMPDIR:-/tmp}/coffer-e2e-XXXXXX")")
log=$work/log
mkdir -m 700 "$work/run" "$work/home"
export XDG_RUNTIME_DIR=$work/run HOME=$work/home
unset AWS_CA_BUNDLE AWS_PROFILE AWS_SESSION_TOKEN http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
printf 'correct horse battery staple\nthis line is not part of it\n' >"$work/pass"
cat >"$work/config" <<END
passfile = "$work/pass"
state-directory = "$work/state"
memory = "256M"
log-file = "$log"
log-level = "debug"
[init]
kdf-cost = "minimum"
END
declare -A daemon_of=() # mountpoint -> process id
loop_mounts=()

is_our_daemon() { [ -n "$1" ] && [ "$(readlink "/proc/$1/exe" 2>/dev/null)" = "$(realpath "$COFFER")" ]; }

wait_gone() { # PID: until the process is no more, for at most 20 seconds
  local i
  for ((i = 0; i < 400; i++)); do
    [ -d "/proc/$1" ] || return 0
    sleep 0.05
  done
  return 1
}

abort_connection() { # MOUNTPOINT: a thread that hangs in the kernel keeps the connection open even after kill -9
  local minor
  minor=$(awk -v at="$1" '$5 == at { split($3, device, ":"); print device[2]; exit }' /proc/self/mountinfo)
  [ -z "$minor" ] || echo 1 2>/dev/null >"/sys/fs/fuse/connections/$minor/abort" || true
}

cleanup() {
  local status=$? mountpoint
  trap - EXIT
  if [ "$status" -ne 0 ] && [ "$status" -ne "$skipped" ]; then
    [ ! -s "$log" ] || { echo "-- the last lines of the log:" && tail -n 15 "$log"; } >&2
  fi
  for mountpoint in "${!daemon_of[@]}"; do
    timeout 30 "$COFFER" unmount "$mountpoint" >/dev/null 2>&1 || abort_connection "$mountpoint"
    if is_our_daemon "${daemon_of[$mountpoint]}"; then
      kill -9 "${daemon_of[$mountpoint]}" 2>/dev/null || true
      wait_gone "${daemon_of[$mountpoint]}" || true
    fi
    if grep -qF " $mountpoint " /proc/self/mountinfo; then umount -l "$mountpoint" 2>/dev/null || true; fi
  done
  for mountpoint in "${loop_mounts[@]}"; do umount "$mountpoint" 2>/dev/null || umount -l "$mountpoint" 2>/dev/null || true; done
  if grep -q " $work/" /proc/self/mountinfo; then
    echo "FAILED: something is still mounted below $work, which is kept" >&2
    exit 1
  fi
  if [ -n "${COFFER_E2E_KEEP:-}" ] && [ "$status" -ne 0 ]; then
    echo "-- kept: $work" >&2
  else
    rm -rf --one-file-system "$work"
  fi
  exit "$status"
}
trap cleanup EXIT
set -E
trap 'echo "FAILED: $(basename "${BASH_SOURCE[0]}"):$LINENO: $BASH_COMMAND" >&2' ERR
trap 'exit 130' INT
trap 'exit 143' TERM

coffer() { # any command but version, with this test's configuration
  local command=$1
  shift
  timeout 120 "$COFFER" "$command" --config "$work/config" "$@"
}

# init_vault NAME K+M [OPTION...]: volumes $work/NAME/{0,1,...}; sets volumes=(...)
init_vault() {
  local name=$1 geometry=$2 i
  shift 2
  volumes=()
  for ((i = 0; i < ${geometry%+*} + ${geometry#*+}; i++)); do volumes+=("$work/$name/$i"); done
  mkdir -p "$work/$name"
  coffer init --data "${geometry%+*}" --parity "${geometry#*+}" "$@" "${volumes[@]}" >/dev/null 2>"$work/err" ||
    fail "init of $geometry: $(cat "$work/err")"
}

# mount_vault VOLUME MOUNTPOINT [OPTION...]
mount_vault() {
  local mountpoint=$2
  stat "$mountpoint" >/dev/null 2>&1 || mkdir -p "$mountpoint" 2>/dev/null || true # a dead daemon's mount is taken over
  coffer mount "$@" >"$work/mounted" || fail "mount $1 gave $?"
  daemon_of[$mountpoint]=$(json status "$mountpoint" pid)
  mountpoint -q "$mountpoint" || fail "mount returned 0, but nothing is mounted"
}

unmount_vault() { # MOUNTPOINT
  coffer_unmount "$1" || fail "unmount gave $?"
  ! mountpoint -q "$1" || fail "$1 is still mounted"
  wait_gone "${daemon_of[$1]}" || fail "the daemon lives on after unmount"
  unset "daemon_of[$1]"
}
coffer_unmount() { timeout 60 "$COFFER" unmount "$1"; }

kill_daemon() { # MOUNTPOINT: as a crash of the process
  local pid=${daemon_of[$1]}
  is_our_daemon "$pid" || fail "process $pid is not our daemon"
  kill -9 "$pid"
  wait_gone "$pid" || fail "process $pid survived kill -9"
}

json() { # status|fsck PLACE KEY: one field of --json, a list as one line per element
  coffer "$1" "$2" --json | python3 -c '
import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1].split("."):
    value = value.get(key, "")
for item in value if isinstance(value, list) else [value]:
    print(item if not isinstance(item, bool) else str(item).lower())' "$3"
}

# expect_exit_among "CODE..." COMMAND...: one of those exit codes, and exactly one line on standard error
expect_exit_among() {
  local codes=$1 got=0
  shift
  "$@" >"$work/out" 2>"$work/err" || got=$?
  [[ " $codes " == *" $got "* ]] || fail "'$*' gave $got instead of $codes: $(cat "$work/err")"
  [ "$(grep -c '^coffer' "$work/err")" -eq 1 ] || fail "'$*' does not say in one line what is wrong: $(cat "$work/err")"
}
expect_exit() { expect_exit_among "$@"; }

same_tree() { # A B; diff cannot compare two fifos
  diff -r --no-dereference -x fifo "$1" "$2" >"$work/diff" 2>&1 || fail "$1 and $2 differ: $(head -n 5 "$work/diff")"
}

fsck_clean() { # PLACE [OPTION...]
  coffer fsck "$@" >"$work/fsck" 2>&1 || fail "fsck of $1 gave $?: $(head -n 5 "$work/fsck")"
}

# make_tree DIRECTORY COUNT: real headers, and beside them what trees in the wild have
make_tree() {
  local into=$1 count=$2 file
  mkdir -p "$into/headers"
  find /usr/include/linux /usr/include/asm-generic /usr/include/c++ -type f | LC_ALL=C sort | sed -n "1,${count}p" >"$work/list"
  tar -C / -cf - --files-from=<(sed 's|^/||' "$work/list") | tar -C "$into/headers" -xf -
  mkdir -p "$into/odd/empty directory" "$into/odd/deep/er/and/deeper"
  : >"$into/odd/empty"
  printf x >"$into/odd/one byte"
  head -c 3000000 /dev/urandom >"$into/odd/random"
  head -c 1048577 /dev/zero >"$into/odd/zeros"
  truncate -s 5000000 "$into/odd/sparse"
  printf end >>"$into/odd/sparse"
  file=$(printf 'n\xc3\xa4me \n \xff\\ *?')
  printf odd >"$into/odd/$file"
  printf long >"$into/odd/$(printf '%0255d' 7)"
  ln "$into/odd/random" "$into/odd/deep/er/hard link"
  ln -s ../random "$into/odd/deep/symlink"
  ln -s /nowhere/at/all "$into/odd/dangling"
  mkfifo "$into/odd/fifo"
  chmod 0400 "$into/odd/one byte"
  chmod 1777 "$into/odd/deep"
  touch -d '1999-12-31 23:59:59.123456789' "$into/odd/one byte"
  setfattr -n user.comment -v 'an attribute' "$into/odd/random" 2>/dev/null || true
}
