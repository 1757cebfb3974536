#!/usr/bin/env bash
# How daemons begin and end: signals, unmounts from outside, the foreground, dead daemons, and what status and --help say.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
mnt=$work/mnt
init_vault vault 1+1

say "version, help, and commands of later releases"
[[ $("$COFFER" version) == coffer\ [0-9]* ]] || fail "version"
for command in "" init mount serve unmount status key s3-key fsck clean version; do
  # shellcheck disable=SC2086
  "$COFFER" $command --help >"$work/help" || fail "$command --help gave $?"
  [ "$(wc -c <"$work/help")" -gt 60 ] || fail "$command --help says nothing"
done
expect_exit 1 "$COFFER" key rotate "${volumes[0]}"
expect_exit 1 "$COFFER" no-such-command
expect_exit 1 "$COFFER"

say "status of a closed vault needs no passphrase"
"$COFFER" status "${volumes[1]}" | grep -q '1+1' || fail "status does not show the geometry"
[ "$("$COFFER" status "${volumes[0]}" --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["state"])')" = closed ] ||
  fail "status --json does not say closed"

for signal in TERM INT HUP; do
  say "SIG$signal ends it cleanly"
  mount_vault "${volumes[0]}" "$mnt" --s3 127.0.0.1:0
  [ "$(json status "$mnt" state)" = mounted ] || fail "status does not say mounted"
  [ "$(json status "${volumes[1]}" mountpoint)" = "$mnt" ] || fail "status by volume does not know the mountpoint"
  printf '%s' "$signal" >"$mnt/$signal"
  [ "$(json status "$mnt" mount.requests_by_name.create)" = 1 ] || fail "status does not count the mount's requests"
  kill "-$signal" "${daemon_of[$mnt]}"
  wait_gone "${daemon_of[$mnt]}" || fail "SIG$signal does not end the daemon"
  ! mountpoint -q "$mnt" || fail "SIG$signal leaves the mount"
  mount_vault "${volumes[0]}" "$mnt"
  [ "$(cat "$mnt/$signal")" = "$signal" ] || fail "what was written before SIG$signal is gone"
  unmount_vault "$mnt"
done

say "umount(8) from outside ends the daemon, and metrics count the mount's requests until then"
mount_vault "${volumes[0]}" "$mnt" --s3 127.0.0.1:0 --admin 127.0.0.1:0
admin=$(json status "$mnt" admin_endpoint)
mkdir "$mnt/counted"
python3 -c 'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1] + "/metrics").read().decode())' "$admin" >"$work/metrics"
grep -qx 'coffer_mount_requests_total{request="mkdir"} 1' "$work/metrics" || fail "metrics do not count a mkdir: $(grep mount "$work/metrics")"
printf outside >"$mnt/outside"
umount "$mnt" 2>/dev/null || fusermount3 -u "$mnt"
wait_gone "${daemon_of[$mnt]}" || fail "the daemon does not notice umount"

say "a dead daemon's mountpoint: status says so, mount takes it over, unmount cleans it"
mount_vault "${volumes[0]}" "$mnt"
printf x >"$mnt/x"
kill_daemon "$mnt"
expect_exit 5 coffer status "$mnt"
mount_vault "${volumes[0]}" "$mnt"
[ "$(cat "$mnt/outside")$(cat "$mnt/x")" = outsidex ] || fail "files are missing"
kill_daemon "$mnt"
coffer_unmount "$mnt" || fail "unmount does not clean up after a dead daemon"
! grep -q " $mnt " /proc/self/mountinfo || fail "still in the mount table"

say "the foreground"
coffer mount "${volumes[0]}" "$mnt" --foreground &
waiter=$!
for ((i = 0; i < 200; i++)); do ! mountpoint -q "$mnt" || break && sleep 0.05; done
daemon_of[$mnt]=$(json status "$mnt" pid)
[ "$(cat "$mnt/x")" = x ] || fail "the mount in the foreground is not right"
unmount_vault "$mnt"
wait "$waiter" || fail "the foreground daemon ended with $?"

say "mount through -o, as mount(8) and fstab give it"
mkdir "$work/bin"
ln -s "$COFFER" "$work/bin/mount.fuse.coffer"
timeout 10 "$work/bin/mount.fuse.coffer" "${volumes[0]}" "$mnt" -f -o "passfile=$work/pass" || fail "mount --fake gave $?"
! mountpoint -q "$mnt" || fail "mount --fake mounted"
"$work/bin/mount.fuse.coffer" "${volumes[0]}" "$mnt" -n -o "rw,passfile=$work/pass,nofail,x-systemd.automount,comment=mine" || fail "mount.fuse.coffer gave $?"
daemon_of[$mnt]=$(json status "$mnt" pid)
[ "$(cat "$mnt/x")" = x ] || fail "mount.fuse.coffer mounted something else"
unmount_vault "$mnt"

say "read-only"
mount_vault "${volumes[0]}" "$mnt" --read-only
! touch "$mnt/y" 2>/dev/null || fail "a read-only mount takes files"
[ "$(cat "$mnt/x")" = x ] || fail "a read-only mount does not read"
unmount_vault "$mnt"

say "two vaults at once, one daemon each"
first=${volumes[0]}
init_vault other 1+0
mount_vault "$first" "$mnt"
mount_vault "${volumes[0]}" "$work/mnt2"
printf 2 >"$work/mnt2/two"
[ ! -e "$mnt/two" ] || fail "two vaults are one"
unmount_vault "$mnt"
[ "$(cat "$work/mnt2/two")" = 2 ] || fail "ending one daemon ended the other"
unmount_vault "$work/mnt2"

say "a place that is in use is not mounted over, and each command means the vault that shows there"
second=${volumes[0]}
mount_vault "$first" "$mnt"
expect_exit 4 coffer mount "$second" "$mnt"
expect_exit 4 coffer mount "$second" /proc
expect_exit 1 coffer mount "$second" "$first"
mkdir "$work/full"
: >"$work/full/file"
expect_exit 1 coffer mount "$second" "$work/full"
[ "$(grep -c " $mnt " /proc/self/mountinfo)" -eq 1 ] || fail "something was mounted over a mount"
mount_vault "$second" "$work/full" -o nonempty
[ ! -e "$work/full/file" ] || fail "-o nonempty mounted nothing"
unmount_vault "$work/full"
[ -e "$work/full/file" ] || fail "what was below the mount is gone"
if mount -t tmpfs none "$mnt" 2>/dev/null; then
  loop_mounts+=("$mnt") # unmounted at the end, whatever happens
  expect_exit 1 coffer unmount "$mnt"
  expect_exit 4 coffer unmount "$first"
  mountpoint -q "$mnt" || fail "unmount took another mount away"
  umount "$mnt"
  loop_mounts=()
fi
unmount_vault "$mnt"

say "only the root is known once all is closed and dropped"
mount_vault "$first" "$mnt"
make_tree "$mnt/tree" 100
find "$mnt" -ls >/dev/null
rm -r "$mnt/tree/headers"
sync -f "$mnt"
if echo 2 2>/dev/null >/proc/sys/vm/drop_caches; then
  for ((i = 0; i < 100; i++)); do
    known=$(json status "$mnt" mount.inodes_known)
    [ "$known" -gt 1 ] || break
    echo 2 >/proc/sys/vm/drop_caches
    sleep 0.1
  done
  [ "$known" -eq 1 ] || fail "$known inodes are still known"
fi
unmount_vault "$mnt"
say "passed"
