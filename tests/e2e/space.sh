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

# Small files. The daemon keeps nothing of those that it refuses, and ends in order.
resident() { awk '/^VmRSS/ { print $2 }' "/proc/${daemon_of[$mnt]}/status"; }
put_small() { # FROM COUNT: how many were refused
  local i refused=0
  for ((i = $1; i < $1 + $2; i++)); do
    cp "$work/small" "$mnt/fill/$i" 2>>"$work/err" || refused=$((refused + 1))
  done
  echo "$refused"
}
if [ "$geometry" != 1+0 ]; then
  say "passed"
  exit 0
fi
make_disks
coffer init --data 1 --parity 0 "${volumes[0]}" >/dev/null
mount_vault "${volumes[0]}" "$mnt"
mkdir "$mnt/fill"
printf 'stays' >"$mnt/kept"
head -c 50000 /dev/urandom >"$work/small"
: >"$work/err"
went_in=0
while [ "$(put_small "$went_in" 200)" -eq 0 ]; do
  went_in=$((went_in + 200))
  [ "$went_in" -lt 10000 ] || fail "it takes small files without end"
done
[ "$went_in" -ge 1200 ] || fail "only $went_in small files fit"
before=$(resident)
refused=$(put_small 20000 1000)
[ "$refused" -ge 990 ] || fail "a full vault took $((1000 - refused)) small files"
! grep -vi 'no space' "$work/err" || fail "a full vault says something else than that it is full"
after=$(resident)
say "small files: $went_in went in, 1000 more were refused, memory grew by $((after - before)) kB"
[ $((after - before)) -lt 24000 ] || fail "the daemon keeps what it refused"
unmount_vault "$mnt"
mount_vault "${volumes[0]}" "$mnt"
for ((i = 0; i < 1000; i++)); do rm "$mnt/fill/$i"; done
[ "$(put_small 40000 200)" -eq 0 ] || fail "removed files make no room at once: $(tail -n 1 "$work/err")"
cmp "$work/small" "$mnt/fill/40199" || fail "a small file has other bytes"

fsck_clean "$mnt"
unmount_vault "$mnt"
mount_vault "${volumes[0]}" "$mnt"
[ "$(cat "$mnt/kept")" = stays ] || fail "the kept file is gone"
unmount_vault "$mnt"
remove_disks
say "passed"
