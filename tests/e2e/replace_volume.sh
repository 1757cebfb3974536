#!/usr/bin/env bash
# A volume is replaced under writes, one is emptied under the mount, and bits rot on as many volumes as there is parity: heal and
# scrub make everything whole, and any others may go.
#   replace_volume.sh K+M [CIPHER]     COFFER_E2E_FULL=1: both ciphers, and more data
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
matrix "$@"
[ "$parity" -ge 1 ] || fail "without parity no volume can be made anew"
mnt=$work/mnt
files=60
megabytes=24
if full; then files=400 megabytes=400; fi

protection() { [ "$(json status "$1" data_losses_survived)" = "$parity" ] && [ "$(json status "$1" metadata_losses_survived)" = "$parity" ]; }

write_meanwhile() { # until told to stop; every file that was closed is in $work/tree too
  local i
  for ((i = 0; i < files; i++)); do
    [ ! -e "$work/stop" ] || return 0
    head -c $((i * 7331 % 300000)) /dev/urandom >"$work/tree/meanwhile.$i"
    cp "$work/tree/meanwhile.$i" "$mnt/tree/meanwhile.$i" || { echo "a write failed" >"$work/write.failed" && return 1; }
  done
}

replace_under_writes() {
  say "volume 1 is replaced while files are written"
  write_meanwhile &
  local writer=$!
  coffer volume replace "${volumes[1]}" "$work/vault/new" >"$work/receipt" 2>"$work/err" ||
    fail "volume replace gave $?: $(cat "$work/receipt" "$work/err")"
  grep -q '^rebuilt' "$work/receipt" || fail "the receipt tells of no shard files: $(cat "$work/receipt")"
  touch "$work/stop"
  wait "$writer" || fail "the writer failed"
  [ ! -e "$work/write.failed" ] || fail "a write failed meanwhile"
  same_tree "$work/tree" "$mnt/tree"
  protection "$mnt" || fail "status does not say that $parity may be lost: $(coffer status "$mnt")"
  coffer volume list "$mnt" | grep -q "^1 .*vault/new  current" || fail "the new one is not listed: $(coffer volume list "$mnt")"
  rm -rf "${volumes[1]}"
  volumes[1]=$work/vault/new
}

lose_a_directory() {
  say "the shard files of volume 0 are removed under the mount, and heal makes them anew"
  rm -rf "${volumes[0]}"/segments/*
  same_tree "$work/tree" "$mnt/tree"
  coffer heal "$mnt" >"$work/receipt" || fail "heal gave $?: $(cat "$work/receipt")"
  grep -q '^rebuilt' "$work/receipt" || fail "heal made nothing: $(cat "$work/receipt")"
  [ -n "$(find "${volumes[0]}/segments" -name '*.shard' | head -n 1)" ] || fail "no shard file is back"
  coffer scrub "$mnt" >"$work/receipt" || fail "scrub after heal gave $?: $(cat "$work/receipt")"
  ! grep -q '^bad' "$work/receipt" || fail "heal left something: $(cat "$work/receipt")"
}

rot_and_scrub() {
  say "bits rot on $parity volumes: the keyless scrub and the other one find the same, the second finds nothing"
  python3 - "$parity" "${volumes[@]}" <<'END'
import os, random, sys
parity, volumes = int(sys.argv[1]), sys.argv[2:]
random.seed(11)
for volume in volumes[1:1 + parity]:
    shards = [os.path.join(d, f) for d, _, fs in os.walk(volume + "/segments") for f in fs]
    shards = [path for path in shards if os.path.getsize(path) > 0]
    for _ in range(500 // parity):
        path = random.choice(shards)
        with open(path, "r+b") as file:
            file.seek(random.randrange(os.path.getsize(path)))
            byte = file.read(1)
            file.seek(-1, 1)
            file.write(bytes([byte[0] ^ 1 << random.randrange(8)]))
END
  local got=0
  coffer scrub --keyless --json "${volumes[0]}" >"$work/keyless" 2>"$work/err" || got=$?
  [ "$got" -eq 6 ] || fail "the keyless scrub gave $got: $(cat "$work/err")"
  coffer scrub --json "${volumes[0]}" >"$work/keyed" 2>"$work/err" || fail "scrub gave $?: $(cat "$work/err" "$work/keyed")"
  python3 - "$work/keyless" "$work/keyed" <<'END' || fail "they did not find the same"
import json, sys
keyless, keyed = ({line.rsplit(":", 1)[0] for line in json.load(open(path))["bad"]} for path in sys.argv[1:])
print(f"-- {len(keyed)} bad shards")
sys.exit(0 if keyed and keyless == keyed else 1)
END
  coffer scrub --json "${volumes[0]}" >"$work/keyed" || fail "the second scrub gave $?"
  [ "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["shards_bad"])' "$work/keyed")" = 0 ] ||
    fail "the second scrub is not clean"
  coffer scrub --keyless "${volumes[0]}" >"$work/keyless" || fail "the keyless scrub is not clean: $(cat "$work/keyless")"
}

read_without_any() {
  say "any $parity others away: everything is there"
  local choice i
  while read -ra choice; do
    for i in "${choice[@]}"; do mv "${volumes[$i]}" "$work/away.$i"; done
    for i in "${!volumes[@]}"; do [ ! -d "${volumes[$i]}" ] || break; done
    mount_vault "${volumes[$i]}" "$mnt" --read-only
    same_tree "$work/tree" "$mnt/tree"
    unmount_vault "$mnt"
    for i in "${choice[@]}"; do mv "$work/away.$i" "${volumes[$i]}"; done
  done < <(python3 -c 'import itertools, sys
all = list(itertools.combinations(range(int(sys.argv[1])), int(sys.argv[2])))
for choice in all[::max(1, len(all) // 4)]: print(*choice)' $((data + parity)) "$parity")
}

replace_while_closed() {
  say "a volume whose disk is gone is replaced while the vault is closed"
  rm -rf "${volumes[0]}"
  coffer volume replace "${volumes[0]}" "$work/vault/newer" --volume "${volumes[1]}" >"$work/receipt" 2>"$work/err" ||
    fail "volume replace gave $?: $(cat "$work/receipt" "$work/err")"
  volumes[0]=$work/vault/newer
}

make_tree "$work/source" 60
head -c $((megabytes << 20)) /dev/urandom >"$work/source/large"
for cipher in "${ciphers[@]}"; do
  say "$geometry, $cipher"
  rm -f "$work/stop"
  cp -a "$work/source" "$work/tree"
  init_vault vault "$geometry" --cipher "$cipher"
  mount_vault "${volumes[0]}" "$mnt"
  cp -a "$work/tree" "$mnt/tree"
  replace_under_writes
  lose_a_directory
  unmount_vault "$mnt"
  rot_and_scrub
  read_without_any
  replace_while_closed
  fsck_clean "${volumes[1]}" --verify-data
  coffer scrub "${volumes[1]}" >"$work/receipt" || fail "the last scrub gave $?: $(cat "$work/receipt")"
  read_without_any
  rm -rf "$work/vault" "$work/state" "$work/tree"
done
say "passed"
