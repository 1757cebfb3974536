#!/usr/bin/env bash
# A storm of operations by several processes and through both doors; when all is closed and the kernel's caches are dropped,
# the daemon knows of no inode but the root, and nothing of the unlinked ones is left in the vault.
#   storm.sh K+M [CIPHER]     COFFER_E2E_FULL=1: both ciphers, and 30 seconds instead of 4
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
[ -w /proc/sys/vm/drop_caches ] || skip "dropping the kernel's caches needs root"
matrix "$@"
mnt=$work/mnt
seconds=4
! full || seconds=30
seed=${COFFER_SEED:-$RANDOM}
say "seed $seed (COFFER_SEED replays it)"
python=/usr/bin/python3 # for which Debian has boto3
[ -x "$python" ] || python=python3
"$python" -c 'import boto3' 2>/dev/null || skip "boto3 is not installed (scripts/setup installs it)"
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_EC2_METADATA_DISABLED=true

known() { json status "$mnt" mount.inodes_known; }
only_the_root_is_known() {
  local i
  for ((i = 0; i < 60; i++)); do # RELEASE and FORGET come some time after close and drop_caches returned
    echo 2 >/proc/sys/vm/drop_caches
    [ "$(known)" != 1 ] || return 0
    sleep 0.1
  done
  fail "$(known) inodes are still known"
}

for cipher in "${ciphers[@]}"; do
  say "$geometry, $cipher"
  init_vault vault "$geometry" --cipher "$cipher"
  coffer s3-key add "${volumes[0]}" --name storm --json >"$work/key.json"
  AWS_ACCESS_KEY_ID=$(python3 -c 'import json,sys; print(json.load(sys.stdin)["access_key"])' <"$work/key.json")
  AWS_SECRET_ACCESS_KEY=$(python3 -c 'import json,sys; print(json.load(sys.stdin)["secret_key"])' <"$work/key.json")
  mount_vault "${volumes[0]}" "$mnt" --s3 127.0.0.1:0
  for round in 1 2; do # the second one begins with the kernel's caches empty and the vault full of leftovers
    mkdir -p "$mnt/storm"
    "$python" "$here/storm.py" "$mnt/storm" "$seed-$round" "$seconds" "$(json status "$mnt" s3_endpoint)" || fail "the storm met an error"
    find "$mnt" -ls >"$work/listing"
    [ "$(known)" -gt 1 ] || fail "no inode is known, so there is nothing to forget"
    only_the_root_is_known
    fsck_clean "$mnt"
  done
  # While n/ is removed, the object %s3.o.n beside it becomes n, which rm then finds under neither name: once more per level.
  for ((i = 0; i < 50; i++)); do ! rm -rf "$mnt/storm" 2>/dev/null || break; done
  [ ! -e "$mnt/storm" ] || fail "the storm's leftovers cannot be removed: $(ls -R "$mnt/storm")"
  only_the_root_is_known
  unmount_vault "$mnt"
  fsck_clean "${volumes[0]}" --verify-data
  rm -rf "$work/vault" "$work/state"
done
say "passed"
