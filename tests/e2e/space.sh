#!/usr/bin/env bash
# A small vault on disks of its own, filled and emptied five times: the space comes back, and when it is full files can
# still be removed.
#   space.sh K+M [CIPHER]     COFFER_E2E_FULL=1: both ciphers
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need mkfs.ext4 losetup
[ "$(id -u)" -eq 0 ] || skip "mounting a disk image needs root"
[ -c /dev/loop-control ] || skip "there are no loop devices"
matrix "$@"
mnt=$work/mnt
megabytes=$((data > 2 ? 64 : 160 / data)) # of one disk

make_disks() { # sets volumes=(...), each on a disk of its own
  local i disk
  volumes=()
  for ((i = 0; i < data + parity; i++)); do
    disk=$work/disk$i
    mkdir "$disk"
    truncate -s "${megabytes}M" "$work/image$i"
    mkfs.ext4 -q -m 0 "$work/image$i"
    mount -o loop "$work/image$i" "$disk"
    loop_mounts+=("$disk")
    volumes+=("$disk/vault")
  done
}
remove_disks() {
  local disk
  for disk in "${loop_mounts[@]}"; do umount "$disk" && rmdir "$disk"; done
  loop_mounts=()
  rm -r "$work"/image* "$work/state"
}

available() { df -B1 --output=avail "$1" | tail -n 1; }
fill() { # prints how many bytes went in
  local i
  for ((i = 0; ; i++)); do
    head -c 3000000 /dev/urandom >"$mnt/fill/$i" 2>"$work/err" || break
    [ "$i" -lt 1000 ] || fail "it takes without end"
  done
  grep -qi 'no space' "$work/err" || fail "a full vault says: $(cat "$work/err")"
  du -sB1 --apparent-size "$mnt/fill" | cut -f1
}

fill_and_empty() { # ROUND EMPTY
  local round=$1 empty=$2 went_in back i
  went_in=$(fill)
  say "round $round: $((went_in >> 20)) of $((empty >> 20)) MiB went in"
  [ "$went_in" -ge $((empty * 9 / 10)) ] || fail "only $went_in of $empty bytes fit in round $round"
  [ "$(cat "$mnt/kept")" = stays ] || fail "a full vault lost a file"
  rm "$mnt/fill/0" || fail "unlink does not work when it is full"
  rm -r "$mnt/fill" || fail "rm -r does not work when it is full"
  mkdir "$mnt/fill" || fail "mkdir does not work after room was made"
  # The kernel reports the writes that found no room once more to the first sync.
  sync -f "$mnt" 2>/dev/null || sync -f "$mnt" || fail "sync does not work after room was made"
  for ((i = 0; i < 200; i++)); do
    back=$(available "$mnt")
    [ "$back" -lt $((empty * 9 / 10)) ] || break
    sleep 0.1
  done
  [ "$back" -ge $((empty * 9 / 10)) ] || fail "round $round: $back of $empty bytes came back"
}

for cipher in "${ciphers[@]}"; do
  say "$geometry, $cipher"
  make_disks
  coffer init --data "$data" --parity "$parity" --cipher "$cipher" "${volumes[@]}" >/dev/null
  mount_vault "${volumes[0]}" "$mnt"
  mkdir "$mnt/fill"
  printf 'stays' >"$mnt/kept"
  sync -f "$mnt"
  empty=$(available "$mnt")
  [ "$empty" -ge $((megabytes * data * 1024 * 1024 / 2)) ] || fail "an empty vault has room for only $empty bytes"
  for round in 1 2 3 4 5; do fill_and_empty "$round" "$empty"; done
  fsck_clean "$mnt"
  unmount_vault "$mnt"
  mount_vault "${volumes[0]}" "$mnt"
  [ "$(cat "$mnt/kept")" = stays ] || fail "the kept file is gone"
  unmount_vault "$mnt"
  remove_disks
done
say "passed"
