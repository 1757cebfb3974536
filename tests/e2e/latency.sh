#!/usr/bin/env bash
# Small requests do not queue behind a stream. The bound is lenient: this machine runs other tests meanwhile; bench/latency has
# the strict one.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
mnt=$work/mnt
seconds=3
! full || seconds=30
init_vault vault 1+0
mount_vault "${volumes[0]}" "$mnt"
"$here/../../bench/latency" --seconds "$seconds" --file-mib 512 --p99-max 250 "$mnt" || fail "small requests wait"
unmount_vault "$mnt"
say "passed"
