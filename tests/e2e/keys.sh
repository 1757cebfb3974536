#!/usr/bin/env bash
# Key slots of every kind, on a closed vault and on one that is mounted; lost, wrong and removed keys.
#   keys.sh K+M [CIPHER]
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
matrix "$@"
mnt=$work/mnt
mkdir "$mnt"
printf '[key]\nkdf-cost = "minimum"\n' >>"$work/config"
printf 'second passphrase\n' >"$work/pass2"
head -c 200 /dev/urandom >"$work/keyfile"
init_vault vault "$geometry" --cipher "${ciphers[0]}"
volume=${volumes[0]}

slots() { coffer key list "$1" --json | python3 -c 'import json,sys
print(" ".join("%s:%s" % (s["slot"], s["kind"].replace(" ", "-")) for s in json.load(sys.stdin)))'; }
slots_are() { # PLACE WANTED
  local found
  found=$(slots "$1")
  [ "$found" = "$2" ] || fail "key slots are '$found' instead of '$2'"
}

say "a closed vault: one of each kind"
slots_are "$volume" "0:passphrase"
expect_exit 1 coffer key remove "$volume" --slot 0 --yes # the last one
expect_exit 1 coffer key rotate "$volume"
coffer key add "$volume" --new-passfile "$work/pass2" >/dev/null
coffer key add "$volume" --new-keyfile "$work/keyfile" --json >/dev/null
coffer key add "$volume" --passfile "$work/pass2" --new-recovery-key >"$work/added" 2>"$work/err"
sed -n 's/^recovery key: //p' "$work/added" | tr '[:upper:]-' '[:lower:] ' >"$work/recovery" # as somebody types it
[ "$(wc -c <"$work/recovery")" -eq 70 ] || fail "no recovery key: $(cat "$work/added")"
slots_are "$volume" "0:passphrase 1:passphrase 2:key-file 3:recovery-key"

say "each of them mounts; the files are the same"
mount_vault "$volume" "$mnt" --keyfile "$work/keyfile"
printf kept >"$mnt/file"
unmount_vault "$mnt"
for way in "--passfile $work/pass2" "--recovery-key-file $work/recovery" "--passcommand cat\ $work/pass2"; do
  eval "mount_vault \"\$volume\" \"\$mnt\" $way"
  [ "$(cat "$mnt/file")" = kept ] || fail "$way mounts something else"
  unmount_vault "$mnt"
done
coffer status "$volume" --recovery-key-file "$work/recovery" | grep -q protection || fail "status with a recovery key"

say "typing errors and wrong keys: exit 2, and the volumes stay as they are"
fingerprint() { (cd "$work/vault" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum); }
before=$(fingerprint)
sed 's/^x/y/; t; s/^./x/' "$work/recovery" >"$work/typo"
printf 'AAAA-BBBB\n' >"$work/short"
head -c 200 /dev/urandom >"$work/otherfile"
for way in "--recovery-key-file $work/typo" "--recovery-key-file $work/short" "--keyfile $work/otherfile" "--keyfile $work/pass" \
  "--recovery-key-file $work/pass"; do
  # shellcheck disable=SC2086
  expect_exit 2 coffer fsck "$volume" $way
  # shellcheck disable=SC2086
  expect_exit 2 coffer key add "$volume" $way --new-passfile "$work/pass2"
done
expect_exit 1 coffer key remove "$volume" --yes
expect_exit 1 setsid -w "$COFFER" key remove "$volume" --slot 1 --passfile "$work/pass" # nobody there to be asked
[ "$before" = "$(fingerprint)" ] || fail "a refused key changed the volumes"
expect_exit 1 coffer key remove "$volume" --slot 9 --yes

say "while it is mounted: by mountpoint and by volume, with a key, under writes"
mount_vault "$volume" "$mnt"
slots_are "$mnt" "0:passphrase 1:passphrase 2:key-file 3:recovery-key"
(for ((i = 0; i < 200; i++)); do printf '%s' "$i" >"$mnt/n$i"; done) &
writer=$!
printf 'wrong\n' >"$work/wrong"
expect_exit 2 coffer key add "$mnt" --passfile "$work/wrong" --new-keyfile "$work/otherfile"
expect_exit 2 coffer key remove "$mnt" --passfile "$work/wrong" --slot 1 --yes
coffer key add "$mnt" --new-keyfile "$work/otherfile" >/dev/null
coffer key remove "${volumes[-1]}" --slot 0 --yes --recovery-key-file "$work/recovery" >/dev/null
coffer key remove "$mnt" --slot 2 --yes --keyfile "$work/otherfile" >/dev/null
slots_are "$mnt" "1:passphrase 3:recovery-key 4:key-file"
wait "$writer" || fail "a write failed while keys were changed"
kill_daemon "$mnt" # what was answered holds
coffer_unmount "$mnt" || fail "unmount after kill -9"
expect_exit 2 coffer fsck "$volume"
expect_exit 2 coffer fsck "$volume" --keyfile "$work/keyfile"
fsck_clean "$volume" --keyfile "$work/otherfile"
mount_vault "$volume" "$mnt" --passfile "$work/pass2"
for ((i = 0; i < 200; i++)); do [ "$(cat "$mnt/n$i")" = "$i" ] || fail "n$i is wrong"; done
unmount_vault "$mnt"

if [ "$parity" -gt 0 ]; then
  say "a volume that was away: named, and without the removed slot once it is back"
  last=$((data + parity - 1))
  mv "$work/vault/$last" "$work/away"
  coffer key remove "$volume" --slot 4 --yes --passfile "$work/pass2" >/dev/null 2>"$work/err"
  grep -q "vault/$last still holds" "$work/err" || fail "the volume that is away is not named: $(cat "$work/err")"
  mv "$work/away" "$work/vault/$last"
  fsck_clean "$volume" --passfile "$work/pass2"
  cmp "$work/vault/0/keyslots.0" "$work/vault/$last/keyslots.0" || fail "the returned volume has other key slots"
  cmp "$work/vault/0/keyslots.0" "$work/vault/$last/keyslots.1" || fail "the returned volume has other key slots"
  expect_exit 2 coffer fsck "${volumes[$last]}" --keyfile "$work/otherfile"
fi

say "the secrets are nowhere: not on the volumes, not in the log"
for secret in "second passphrase" "correct horse" "$(tr -d ' \n' <"$work/recovery" | tr '[:lower:]' '[:upper:]')"; do
  ! grep -rqF "$secret" "$work/vault" "$log" "$work/state" || fail "a secret is on a volume or in the log"
done
