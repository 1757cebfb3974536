#!/usr/bin/env bash
# Wrong passphrases, other people's directories, second daemons and damaged files: a clear answer, the right exit code, and
# never a wrong byte.
#   bad_input.sh K+M [CIPHER]     COFFER_E2E_FULL=1: both ciphers, every way of damage to the copies, and more damaged files
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
matrix "$@"
mnt=$work/mnt
mkdir "$mnt"
ways=(flipped removed)
samples=(8 2) # files flipped, and files cut or removed
if full; then
  ways=(flipped cut emptied removed)
  samples=(24 12)
fi
seed=${COFFER_SEED:-1} # one seed in every run of the suite, others by hand
say "seed $seed (COFFER_SEED replays it)"
RANDOM=$seed

fingerprint() { (cd "$1" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum); }
keep() { rm -rf "$work/kept" && mkdir "$work/kept" && cp -a "$work/vault" "$work/state" "$work/kept/"; }
restore() { rm -rf "$work/vault" "$work/state" && cp -a "$work/kept/." "$work/"; }

a_second_daemon() {
  say "a second daemon, and commands beside it"
  mkdir -p "$work/second"
  expect_exit 4 coffer mount "${volumes[0]}" "$work/second" --passfile /nowhere # said before anything is asked
  expect_exit 4 coffer mount "${volumes[0]}" "$work/second"
  expect_exit 4 coffer mount "${volumes[-1]}" "$work/second" --s3 127.0.0.1:0
  expect_exit 4 coffer serve "${volumes[-1]}" --s3 127.0.0.1:0
  same_tree "$work/tree" "$mnt/tree"
  (
    cd "$mnt/tree"
    expect_exit 4 coffer unmount "$mnt"
  )
}

a_wrong_passphrase() {
  say "a wrong passphrase"
  local before
  before=$(fingerprint "$work/vault")
  printf 'wrong horse\n' >"$work/wrong"
  expect_exit 2 coffer mount --passfile "$work/wrong" "${volumes[0]}" "$mnt"
  expect_exit 2 coffer fsck --passfile "$work/wrong" "${volumes[0]}"
  expect_exit 2 coffer mount --keyfile "$work/pass" "${volumes[0]}" "$mnt"
  expect_exit 2 coffer s3-key add --passcommand 'echo wrong' "${volumes[0]}"
  : >"$work/empty"
  expect_exit 1 coffer mount --passfile "$work/empty" "${volumes[0]}" "$mnt"
  expect_exit 1 coffer mount --passcommand 'exit 3' "${volumes[0]}" "$mnt"
  [ "$before" = "$(fingerprint "$work/vault")" ] || fail "a refused passphrase changed the volumes"
  coffer fsck --passcommand 'printf "correct horse battery staple\n"' "${volumes[0]}" >/dev/null || fail "--passcommand"
}

not_a_vault() {
  say "what is not a vault"
  local place
  mkdir -p "$work/other"
  printf data >"$work/other/file"
  for place in "$work/other" "$work/nowhere" "$work/pass"; do
    expect_exit_among "1 3 5" coffer mount "$place" "$mnt"
    expect_exit_among "1 3 5" coffer status "$place"
  done
  mkdir -p "$work/nothing"
  for place in "$work/other" "$work/nothing"; do expect_exit 1 coffer status "$place"; done
  expect_exit 1 "$COFFER" frob
  grep -q frob "$work/err" || fail "an unknown command is not named"
  expect_exit 1 coffer s3-key add "${volumes[0]}" --name never --bucket 'NOT A BUCKET'
  expect_exit 1 coffer mount "${volumes[0]}" "$work/nowhere"
  expect_exit 1 coffer mount "${volumes[0]}" "$mnt" -o no_such_word
  expect_exit 1 coffer mount "${volumes[0]}" "$mnt" --memory lots
  expect_exit 1 coffer mount "${volumes[0]}"
  expect_exit 1 coffer unmount "$mnt"
  expect_exit 1 coffer init "$work/other"
  expect_exit 1 coffer key rotate "${volumes[0]}"
  expect_exit_among "1 3" coffer init --data 4 --parity 2 "$work/a" "$work/b"
  [ "$(cat "$work/other/file")" = data ] || fail "init touched a directory that was not empty"
}

damage() { # flipped|cut|emptied|removed FILE
  case $1 in
    flipped)
      python3 - "$2" "$RANDOM$RANDOM" <<'END'
import os, sys
with open(sys.argv[1], "r+b") as file:
    at = int(sys.argv[2]) % os.fstat(file.fileno()).st_size
    file.seek(at)
    byte = file.read(1)[0]
    file.seek(at)
    file.write(bytes([byte ^ (1 << (at % 8))]))
END
      ;;
    cut) truncate -s $((RANDOM * RANDOM % $(stat -c %s "$2"))) "$2" ;;
    emptied) : >"$2" ;;
    removed) rm "$2" ;;
  esac
}

opens_whole() { # VOLUME: names the vault, which is all there
  mount_vault "$work/vault/$1" "$mnt"
  same_tree "$work/tree" "$mnt/tree"
  unmount_vault "$mnt"
}

repairs() { # WAY FILE...: damages these files of the last volume, opens from another, and then lets the last one show that it is whole
  local way=$1 last=$((data + parity - 1)) file
  shift
  for file; do damage "$way" "$file"; done
  opens_whole $((last > 0 ? 0 : last))
  [ "$last" -gt 0 ] || return 0
  case "$*" in
    *keyslots*) for file in "$work"/vault/*/keyslots*; do [[ $file == */$last/* ]] || rm "$file"; done ;;
    *) for ((file = 0; file < parity; file++)); do rm -r "$work/vault/$file"; done ;;
  esac
  opens_whole "$last"
}

damaged_copies() {
  say "damaged copies of a superblock and of the key slots on one volume: opens, and is repaired"
  local way name copy volume=$work/vault/$((data + parity - 1))
  for way in "${ways[@]}"; do
    for name in superblock keyslots; do
      for copy in 0 1; do
        repairs "$way" "$volume/$name.$copy"
        restore
      done
    done
    [ "$parity" -gt 0 ] || continue
    repairs "$way" "$volume"/keyslots.[01]
    restore
    for copy in "$volume"/superblock.[01]; do damage "$way" "$copy"; done
    expect_exit 3 coffer mount "$volume" "$mnt" # it cannot name the vault, but the others know it
    restore
    repairs "$way" "$volume"/superblock.[01]
    restore
    # Without its key slots too, nothing tells that it is one of ours: it is left out and left alone.
    for copy in "$volume"/superblock.[01] "$volume"/keyslots.[01]; do damage "$way" "$copy"; done
    opens_whole 0
    restore
  done
}

read_everything() { # redundant|bare: every file is right, or (bare) gives EIO
  python3 - "$work/tree" "$mnt/tree" "$1" <<'END'
import errno, os, stat, sys
reference, mounted, redundant = sys.argv[1], sys.argv[2], sys.argv[3] == "redundant"
bad = []
for directory, _, names in os.walk(reference):
    for name in names:
        path = os.path.join(directory, name)
        if not stat.S_ISREG(os.lstat(path).st_mode):
            continue
        other = os.path.join(mounted, os.path.relpath(path, reference))
        try:
            with open(path, "rb") as right, open(other, "rb") as shown:
                if right.read() != shown.read():
                    bad.append("wrong bytes: " + os.fsdecode(os.fsencode(other)).encode("ascii", "replace").decode())
        except OSError as error:
            if redundant or error.errno != errno.EIO:
                bad.append(f"{error.strerror}: {os.fsencode(other)}")
print("\n".join(bad[:5]))
sys.exit(bool(bad))
END
}

read_damaged() { # HOW FILE: it opens with right bytes, or (without parity) with EIO in what the shard held
  local status=0 expected=redundant what="$1 ${2#"$work"/}"
  # Metadata is there twice in any case; only contents need parity.
  if [ "$parity" -eq 0 ] && [[ $2 == *.shard ]]; then expected=bare; fi
  coffer mount "$work/vault/0" "$mnt" >/dev/null 2>"$work/err" || status=$?
  if [ "$status" -ne 0 ]; then
    if [ "$status" -ne 3 ] || [ "$parity" -eq 0 ]; then fail "$what: mount gave $status: $(cat "$work/err")"; fi
    # The volume that was named is damaged; another one must do.
    coffer mount "$work/vault/1" "$mnt" >/dev/null 2>"$work/err" || fail "$what: mount gave $?: $(cat "$work/err")"
  fi
  daemon_of[$mnt]=$(json status "$mnt" pid)
  read_everything "$expected" >"$work/read" || fail "$what: $(cat "$work/read")"
  unmount_vault "$mnt"
}

# One file of each kind first, then any. A kind is a name without its numbers.
some_files() { # COUNT
  python3 - "$work/vault/0" "$1" "$RANDOM" <<'END'
import os, random, re, sys
rng = random.Random(int(sys.argv[3]))
files = sorted(os.path.join(place, name) for place, _, names in os.walk(sys.argv[1]) for name in names)
files = [file for file in files if os.path.getsize(file)]
rng.shuffle(files)
kinds = {re.sub(r"[0-9a-f]{2,}", "", os.path.relpath(file, sys.argv[1])): file for file in files}
chosen = rng.sample(list(kinds.values()), len(kinds))
chosen += rng.choices(files, k=int(sys.argv[2]))
print("\n".join(chosen[:int(sys.argv[2])]))
END
}

damaged_files() {
  local way file count
  for way in flipped cut removed; do
    count=${samples[1]}
    [ "$way" != flipped ] || count=${samples[0]}
    say "any file $way: right bytes$([ "$parity" -gt 0 ] || echo ', or EIO in what the shard held')"
    while read -r file; do
      damage "$way" "$file"
      read_damaged "$way" "$file"
      restore
    done < <(some_files "$count")
  done
}

make_tree "$work/tree" 60
for cipher in "${ciphers[@]}"; do
  say "$geometry, $cipher"
  init_vault vault "$geometry" --cipher "$cipher"
  mount_vault "${volumes[0]}" "$mnt"
  cp -a "$work/tree" "$mnt/tree"
  a_second_daemon
  unmount_vault "$mnt"
  a_wrong_passphrase
  not_a_vault
  keep
  damaged_copies
  damaged_files
  rm -rf "$work/vault" "$work/state"
done
say "passed"
