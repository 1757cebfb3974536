#!/usr/bin/env bash
# A versioned bucket at both doors: versions by S3 show at the mount at once, closing and removing there make versions and markers, and a
# killed daemon loses none (versions.py says what).
#   versions.sh K+M [CIPHER]     COFFER_E2E_FULL=1: both ciphers
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
matrix "$@"
mnt=$work/mnt
python=/usr/bin/python3 # for which Debian has boto3
[ -x "$python" ] || python=python3
"$python" -c 'import boto3' 2>/dev/null || skip "boto3 is not installed (scripts/setup installs it)"
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_EC2_METADATA_DISABLED=true
key() { python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1" <"$work/key.json"; }
both_doors() { # STEP
  timeout 120 "$python" "$here/versions.py" "$1" "$(json status "$mnt" s3_endpoint)" "$mnt" "$work/versions.json" || fail "versions: $1"
}

for cipher in "${ciphers[@]}"; do
  say "$geometry, $cipher"
  init_vault vault "$geometry" --cipher "$cipher"
  coffer s3-key add "${volumes[0]}" --name versions --json >"$work/key.json"
  AWS_ACCESS_KEY_ID=$(key access_key)
  AWS_SECRET_ACCESS_KEY=$(key secret_key)
  mount_vault "${volumes[0]}" "$mnt" --s3 127.0.0.1:0
  both_doors change
  kill_daemon "$mnt"
  mount_vault "${volumes[0]}" "$mnt" --s3 127.0.0.1:0 --s3-lifecycle-debug-day 1
  both_doors verify
  both_doors expire
  fsck_clean "$mnt"
  unmount_vault "$mnt"
  fsck_clean "${volumes[0]}" --verify-data
  rm -rf "$work/vault" "$work/state"
done
say "passed"
