#!/usr/bin/env bash
# kill -9 of the daemon: right after a copy, and again and again under write load, some of the times with a volume absent at
# the restart (with two, where the geometry allows).
#   kill9.sh K+M [CIPHER]     COFFER_E2E_FULL=1: both ciphers, and 25 cycles with each instead of 6
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
matrix "$@"
mnt=$work/mnt
cycles=6
! full || cycles=25
seed=${COFFER_SEED:-$RANDOM}
say "seed $seed (COFFER_SEED replays it)"
RANDOM=$seed

right_after_cp() { # CIPHER
  say "kill -9 right after cp returned"
  init_vault copied "$geometry" --cipher "$1"
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
  rm -rf "$work/copied" "$work/state"
}

write_load() { # CYCLE: writes for a moment, then the daemon dies
  python3 "$here/load.py" write "$mnt/load" "$work/journal" "$seed-$1" &
  local writer=$! status=0 i
  for ((i = 0; i < 200; i++)); do ! grep -q " $seed-$1-" "$work/journal" 2>/dev/null || break && sleep 0.05; done
  sleep "0.$((RANDOM % 8))"
  kill_daemon "$mnt"
  wait "$writer" || status=$?
  [ "$status" -eq 0 ] || fail "the writer failed before the daemon died (exit $status)"
}

verify_load() { # [--absent]
  python3 "$here/load.py" verify "$mnt/load" "$work/journal" "$@" >"$work/verified" || fail "$(cat "$work/verified")"
  tail -n 1 "$work/verified"
}

some_volumes() { # COUNT
  python3 -c 'import random, sys
print(*random.Random(int(sys.argv[1])).sample(range(int(sys.argv[2])), int(sys.argv[3])), sep="\n")' "$RANDOM" $((data + parity)) "$1"
}
restart_without() { # NUMBER...: those volumes are absent at the restart, and come back
  local i
  say "without volume $*"
  # A volume that was absent stays behind until it is healed, so this works on a copy: vault and rollback record.
  mkdir "$work/copy" "$work/absent"
  cp -a "$work/load" "$work/state" "$work/copy/"
  for i; do mv "$work/load/$i" "$work/absent/"; done
  mount_vault "$(find "$work/load" -mindepth 1 -maxdepth 1 | LC_ALL=C sort | head -n 1)" "$mnt"
  verify_load --absent
  fsck_clean "$mnt"
  unmount_vault "$mnt"
  mv "$work/absent/"* "$work/load/"
  mount_vault "${volumes[0]}" "$mnt"
  verify_load
  fsck_clean "$mnt"
  unmount_vault "$mnt"
  rm -rf "$work/load" "$work/state"
  mv "$work/copy/load" "$work/copy/state" "$work/"
  rmdir "$work/copy" "$work/absent"
}

under_load() { # CIPHER
  say "$cycles cycles under load"
  local cycle absent
  init_vault load "$geometry" --cipher "$1"
  rm -f "$work/journal"
  mount_vault "${volumes[0]}" "$mnt"
  mkdir "$mnt/load"
  sync -f "$mnt"
  for ((cycle = 1; cycle <= cycles; cycle++)); do
    write_load "$cycle"
    if ((parity > 0 && cycle % 3 == 0)); then
      # In turn one volume, and as many as may be.
      mapfile -t absent < <(some_volumes $((cycle % 6 == 0 ? parity : 1)))
      restart_without "${absent[@]}"
    fi
    mount_vault "${volumes[0]}" "$mnt"
    verify_load
    fsck_clean "$mnt"
  done
  unmount_vault "$mnt"
  fsck_clean "${volumes[0]}" --verify-data
  rm -rf "$work/load" "$work/state"
}

make_tree "$work/tree" 200
for cipher in "${ciphers[@]}"; do
  say "$geometry, $cipher"
  right_after_cp "$cipher"
  under_load "$cipher"
done
say "passed"
