#!/usr/bin/env bash
# scripts/start, the one command of the README: the first time, again, after its daemon was killed, and beside other mounts.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
mnt=$work/disk
mkdir -p "$work/root/scripts" "$work/root/build/release/bin"
cp "$here/../../scripts/start" "$here/../../scripts/lib.sh" "$work/root/scripts/"
ln -s "$(realpath "$COFFER")" "$work/root/build/release/bin/coffer"
for done_already in setup build; do
  printf '#!/bin/sh\n' >"$work/root/scripts/$done_already"
  chmod +x "$work/root/scripts/$done_already"
done
start() { COFFER_S3=127.0.0.1:0 timeout 120 "$work/root/scripts/start" "$@" >"$work/started" 2>"$work/err"; }
started() { # at $mnt, with a gateway at the endpoint that was printed
  start "$work/safe" "$mnt" || fail "scripts/start gave $?: $(tail -n 2 "$work/err")"
  daemon_of[$mnt]=$("$COFFER" status "$mnt" --json | sed -nE 's/^  "pid": ([0-9]+),?$/\1/p')
  is_our_daemon "${daemon_of[$mnt]}" || fail "scripts/start mounted nothing"
  grep -q "endpoint-url http://127.0.0.1:[1-9]" "$work/started" || fail "the endpoint is not the gateway's"
}

say "the first time, and again"
started
printf kept >"$mnt/file"
pid=${daemon_of[$mnt]}
started
[ "$pid" = "${daemon_of[$mnt]}" ] || fail "it was mounted a second time"

say "after the daemon was killed"
kill_daemon "$mnt"
started
[ "$(cat "$mnt/file")" = kept ] || fail "another vault is mounted"
unmount_vault "$mnt"

say "without a gateway nothing is said of one"
"$COFFER" mount "$work/safe/volume" "$mnt" --passfile "$work/safe/passphrase"
start "$work/safe" "$mnt" || fail "scripts/start gave $?: $(tail -n 2 "$work/err")"
daemon_of[$mnt]=$("$COFFER" status "$mnt" --json | sed -nE 's/^  "pid": ([0-9]+),?$/\1/p')
! grep -q endpoint-url "$work/started" || fail "an endpoint is printed that is not there"

say "another vault's mount is not taken for this one"
! start "$work/safe2" "$mnt" || fail "scripts/start took another vault's mount"
grep -q "another vault" "$work/err" || fail "it does not say why: $(tail -n 1 "$work/err")"
unmount_vault "$mnt"
say "passed"
