#!/usr/bin/env bash
# No plaintext name or content is found in a volume, the log, the rollback record, the socket's directory or a core; also
# not while the vault is open or after the daemon was killed.
#   canary.sh K+M [CIPHER]     COFFER_E2E_FULL=1: both ciphers
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need setfattr curl
matrix "$@"
mnt=$work/mnt
name=CanaryName$RANDOM$RANDOM
text=CanaryText$RANDOM$RANDOM
other=CanaryMeta$RANDOM$RANDOM
ulimit -c unlimited 2>/dev/null || true # what the daemon must not make use of

nowhere() {
  local word
  for word in "$name" "$text" "$other" 'correct horse'; do
    ! grep -rlaF -- "$word" "$@" "$work/run" "$work/state" "$log" 2>/dev/null || fail "$word is in a file outside of the vault ($1)"
    [ -z "$(find "$@" -name "*$word*")" ] || fail "$word is a file's name"
  done
}

plant_at_the_mount() {
  local i
  mkdir "$mnt/$name-directory"
  for ((i = 0; i < 3000; i++)); do echo "$text $i"; done >"$mnt/$name-directory/$name"
  printf '%s' "$text" >"$mnt/$name-tiny"
  ln -s "/$other/target" "$mnt/$name-link"
  setfattr -n "user.$other" -v "$other value" "$mnt/$name-tiny"
}

field() { python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1" <"$work/key.json"; }
plant_by_s3() { # an object, a request that fails, and a secret key, of which secret= tells
  local endpoint access
  coffer s3-key add "$mnt" --name "$other" --json >"$work/key.json"
  access=$(field access_key)
  secret=$(field secret_key)
  rm "$work/key.json"
  endpoint=$(json status "$mnt" s3_endpoint)
  s3() {
    curl -sS -m 30 -o "$work/answer" -w '%{http_code}' --aws-sigv4 aws:amz:us-east-1:s3 -K <(printf 'user = "%s:%s"\n' "$access" "$secret") \
      -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "$@"
  }
  mkdir "$mnt/canary"
  printf '%s by S3' "$text" >"$work/object"
  [ "$(s3 -T "$work/object" -H "x-amz-meta-canary: $other" "$endpoint/canary/$name-object")" = 200 ] || fail "PUT: $(cat "$work/answer")"
  [ "$(s3 "$endpoint/canary/$name-object")" = 200 ] || fail "GET: $(cat "$work/answer")"
  cmp -s "$work/answer" "$work/object" || fail "the gateway gives other bytes"
  [ "$(s3 "$endpoint/canary/$name-absent?prefix=$name")" = 404 ] || fail "GET of what is not there: $(cat "$work/answer")"
  rm "$work/object" "$work/answer"
}

crash_daemon() { # as an error of ours would: a core must not come of it
  local pid=${daemon_of[$mnt]} place
  place=$(readlink "/proc/$pid/cwd")
  touch "$work/before-the-crash"
  kill -SEGV "$pid"
  wait_gone "$pid" || fail "process $pid survived a SIGSEGV"
  [ -z "$(find "$place" "$work" "${volumes[@]}" -maxdepth 1 -name '*core*' -newer "$work/before-the-crash")" ] || fail "there is a core"
}

for cipher in "${ciphers[@]}"; do
  say "$geometry, $cipher"
  init_vault "$cipher" "$geometry" --cipher "$cipher"
  mount_vault "${volumes[0]}" "$mnt" --s3 127.0.0.1:0
  plant_at_the_mount
  plant_by_s3
  sync -f "$mnt"
  nowhere "${volumes[@]}"
  ! grep -rlaF -- "$secret" "${volumes[@]}" "$work/run" "$work/state" "$log" || fail "an S3 secret is in the clear"
  crash_daemon
  nowhere "${volumes[@]}"
  mount_vault "${volumes[0]}" "$mnt"
  grep -q "$text 2999" "$mnt/$name-directory/$name" || fail "the canary itself is gone"
  [ "$(cat "$mnt/canary/$name-object")" = "$text by S3" ] || fail "the object is gone"
  unmount_vault "$mnt"
  nowhere "${volumes[@]}"
done
[ -s "$log" ] || fail "there is no log to look into"
say "passed"
