#!/usr/bin/env bash
# The doors are coherent: processes at the mount and S3 clients work on the same names, and what each of them reads is compared
# with a model (coherence.py says how).
#   coherence.sh K+M [CIPHER]     COFFER_STORM_SECONDS: how long (6); COFFER_E2E_FULL=1: both ciphers, a minute each
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
[ -w /proc/sys/vm/drop_caches ] || skip "dropping the kernel's caches needs root"
matrix "$@"
mnt=$work/mnt
seconds=${COFFER_STORM_SECONDS:-$(full && echo 60 || echo 6)}
seed=${COFFER_SEED:-$RANDOM}
say "seed $seed (COFFER_SEED replays each client's choices)"
python=/usr/bin/python3 # for which Debian has boto3
[ -x "$python" ] || python=python3
"$python" -c 'import boto3' 2>/dev/null || skip "boto3 is not installed (scripts/setup installs it)"
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_EC2_METADATA_DISABLED=true

for cipher in "${ciphers[@]}"; do
  say "$geometry, $cipher"
  init_vault vault "$geometry" --cipher "$cipher"
  coffer s3-key add "${volumes[0]}" --name storm --json >"$work/key.json"
  AWS_ACCESS_KEY_ID=$(python3 -c 'import json,sys; print(json.load(sys.stdin)["access_key"])' <"$work/key.json")
  AWS_SECRET_ACCESS_KEY=$(python3 -c 'import json,sys; print(json.load(sys.stdin)["secret_key"])' <"$work/key.json")
  mount_vault "${volumes[0]}" "$mnt" --s3 127.0.0.1:0
  mkdir "$mnt/both"
  "$python" "$here/coherence.py" "$mnt/both" "$seed" "$seconds" "$(json status "$mnt" s3_endpoint)" || { coffer fsck "$mnt" || true && fail "the doors do not agree"; }
  fsck_clean "$mnt"
  unmount_vault "$mnt"
  fsck_clean "${volumes[0]}" --verify-data
  rm -rf "$work/vault" "$work/state"
done
say "passed"
