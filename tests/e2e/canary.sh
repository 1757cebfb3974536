#!/usr/bin/env bash
# No plaintext name or content is found in a volume, the log, the rollback record or the socket's directory; also not while
# the vault is open or after the daemon was killed.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need setfattr
mnt=$work/mnt
name=CanaryName$RANDOM$RANDOM
text=CanaryText$RANDOM$RANDOM
other=CanaryMeta$RANDOM$RANDOM

nowhere() {
  local word
  for word in "$name" "$text" "$other" 'correct horse'; do
    ! grep -rlaF -- "$word" "$@" "$work/run" "$work/state" "$log" 2>/dev/null || fail "$word is in a file outside of the vault ($1)"
    [ -z "$(find "$@" -name "*$word*")" ] || fail "$word is a file's name"
  done
}

for cipher in aes-256-gcm xchacha20-poly1305; do
  for geometry in 1+0 1+1 4+2; do
    say "$geometry, $cipher"
    init_vault "$cipher-$geometry" "$geometry" --cipher "$cipher"
    mount_vault "${volumes[0]}" "$mnt" --s3 127.0.0.1:0
    mkdir "$mnt/$name-directory"
    for ((i = 0; i < 3000; i++)); do echo "$text $i"; done >"$mnt/$name-directory/$name"
    printf '%s' "$text" >"$mnt/$name-tiny"
    ln -s "/$other/target" "$mnt/$name-link"
    setfattr -n "user.$other" -v "$other value" "$mnt/$name-tiny"
    coffer s3-key add "$mnt" --name "$other" --json >"$work/key.json"
    secret=$(python3 -c 'import json,sys; print(json.load(sys.stdin)["secret_key"])' <"$work/key.json")
    rm "$work/key.json"
    sync -f "$mnt"
    nowhere "${volumes[@]}"
    ! grep -rlaF -- "$secret" "${volumes[@]}" "$work/run" "$work/state" "$log" || fail "an S3 secret is in the clear"
    kill_daemon "$mnt"
    nowhere "${volumes[@]}"
    mount_vault "${volumes[0]}" "$mnt"
    grep -q "$text 2999" "$mnt/$name-directory/$name" || fail "the canary itself is gone"
    unmount_vault "$mnt"
    nowhere "${volumes[@]}"
  done
done
[ -s "$log" ] || fail "there is no log to look into"
say "passed"
