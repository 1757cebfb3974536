#!/usr/bin/env bash
# `coffer clean`: what was overwritten piece by piece gives its space back, on a mount under a reader and on a closed vault, and every
# byte stays what it was, shared extents too.
#   clean.sh K+M [CIPHER]     COFFER_E2E_FULL=1: both ciphers, and more bytes
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
matrix "$@"
mnt=$work/mnt
megabytes=32
if full; then megabytes=400; fi

stored() { find "$work/vault" -name '*.shard' -printf '%s\n' | awk '{ sum += $1 } END { print sum + 0 }'; }

overwrite() { # FILE SEED: three of four pieces of 16 KiB
  python3 - "$1" "$2" <<'END'
import os, sys
seed = sys.argv[2].encode()
with open(sys.argv[1], "r+b") as file:
    for at in range(0, os.fstat(file.fileno()).st_size, 65536):
        file.seek(at)
        file.write((b"%s-%d " % (seed, at) * 9000)[:49152])
    os.fsync(file.fileno())
END
}

for cipher in "${ciphers[@]}"; do
  say "$geometry, $cipher: a mounted vault, with a reader"
  init_vault vault "$geometry" --cipher "$cipher"
  mount_vault "${volumes[0]}" "$mnt"
  head -c $((megabytes << 20)) /dev/urandom >"$mnt/big"
  head -c 3000000 /dev/urandom >"$mnt/copied"
  python3 -c 'import os, sys
a, b = os.open(sys.argv[1], os.O_RDONLY), os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT, 0o644)
assert os.copy_file_range(a, b, 3000000) == 3000000' "$mnt/copied" "$mnt/copy"
  sync -f "$mnt"
  overwrite "$mnt/big" first
  md5sum "$mnt/big" "$mnt/copied" "$mnt/copy" >"$work/sums"
  before=$(stored)
  (for _ in 1 2 3; do md5sum --quiet -c "$work/sums" || exit 1; done) &
  reader=$!
  coffer clean "$mnt" --json >"$work/receipt" || fail "clean gave $?"
  wait "$reader" || fail "a file changed while it was moved"
  grep -q '"segments_freed": [1-9]' "$work/receipt" || fail "nothing was freed: $(cat "$work/receipt")"
  after=$(stored)
  [ "$after" -lt $((before * 4 / 5)) ] || fail "$before bytes of shards before, $after after"
  say "$((before >> 20)) MiB of shards before, $((after >> 20)) MiB after"
  coffer status "$mnt" | grep -q 'moved by cleaning' || fail "status does not say what was moved"
  md5sum --quiet -c "$work/sums" || fail "a file changed"
  fsck_clean "$mnt"

  say "killed right after"
  overwrite "$mnt/big" second
  md5sum "$mnt/big" "$mnt/copied" "$mnt/copy" >"$work/sums"
  coffer clean "$mnt" >"$work/receipt" || fail "clean gave $?"
  kill_daemon "$mnt"
  mount_vault "${volumes[0]}" "$mnt"
  md5sum --quiet -c "$work/sums" || fail "a file changed"
  overwrite "$mnt/big" third
  md5sum "$mnt/big" "$mnt/copied" "$mnt/copy" >"$work/sums"
  unmount_vault "$mnt"

  say "a closed vault"
  coffer clean "${volumes[0]}" >"$work/receipt" || fail "clean of a closed vault gave $?"
  grep -q '^freed' "$work/receipt" || fail "it says: $(cat "$work/receipt")"
  fsck_clean "${volumes[0]}" --verify-data
  mount_vault "${volumes[0]}" "$mnt"
  md5sum --quiet -c "$work/sums" || fail "a file changed"
  unmount_vault "$mnt"
  rm -rf "$work/vault" "$work/state"
done
say "passed"
