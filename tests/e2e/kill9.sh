#!/usr/bin/env bash
# kill -9 of the daemon: right after a copy, and again and again under write load, some of the times with a volume absent at
# the restart. COFFER_E2E_FULL=1: 50 cycles instead of 10.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
mnt=$work/mnt
cycles=10
[ -z "${COFFER_E2E_FULL:-}" ] || cycles=50
seed=${COFFER_SEED:-$RANDOM}
say "seed $seed (COFFER_SEED replays it)"
RANDOM=$seed

make_tree "$work/tree" 200
for geometry in 1+0 4+2; do
  say "$geometry: kill -9 right after cp returned"
  init_vault "cp-$geometry" "$geometry"
  mount_vault "${volumes[0]}" "$mnt"
  cp -a "$work/tree" "$mnt/tree"
  kill_daemon "$mnt"
  mount_vault "${volumes[0]}" "$mnt"
  same_tree "$work/tree" "$mnt/tree"
  fsck_clean "$mnt"
  kill_daemon "$mnt" # and a second time, right after recovery
  mount_vault "${volumes[0]}" "$mnt"
  same_tree "$work/tree" "$mnt/tree"
  unmount_vault "$mnt"
  fsck_clean "${volumes[0]}" --verify-data
  rm -rf "$work/cp-$geometry"
done

write_load() { # CYCLE: writes for a moment, then the daemon dies
  python3 "$here/load.py" write "$mnt/load" "$work/journal" "$seed-$1" &
  local writer=$! status=0
  sleep "0.$((RANDOM % 8 + 1))"
  kill_daemon "$mnt"
  wait "$writer" || status=$?
  [ "$status" -eq 0 ] || fail "the writer failed before the daemon died (exit $status)"
}

verify_load() { # [--one-absent]
  python3 "$here/load.py" verify "$mnt/load" "$work/journal" "$@" >"$work/verified" || fail "$(cat "$work/verified")"
  tail -n 1 "$work/verified"
}

say "2+2: $cycles cycles under load"
init_vault load 2+2
mount_vault "${volumes[0]}" "$mnt"
mkdir "$mnt/load"
sync -f "$mnt"
for ((cycle = 1; cycle <= cycles; cycle++)); do
  write_load "$cycle"
  if ((cycle % 5 == 0)); then
    absent=$work/load/$((RANDOM % 3 + 1))
    # A volume that was absent stays behind until it is healed, so this works on a copy: vault and rollback record.
    mkdir "$work/copy"
    cp -a "$work/load" "$work/state" "$work/copy/"
    mv "$absent" "$work/absent"
    mount_vault "${volumes[0]}" "$mnt"
    verify_load --one-absent
    fsck_clean "$mnt"
    unmount_vault "$mnt"
    mv "$work/absent" "$absent"
    mount_vault "${volumes[0]}" "$mnt"
    verify_load
    unmount_vault "$mnt"
    rm -rf "$work/load" "$work/state"
    mv "$work/copy/load" "$work/copy/state" "$work/"
    rmdir "$work/copy"
  fi
  mount_vault "${volumes[0]}" "$mnt"
  verify_load
  fsck_clean "$mnt"
done
unmount_vault "$mnt"
fsck_clean "${volumes[0]}" --verify-data
say "passed"
