#!/usr/bin/env bash
# Wrong passphrases, other people's directories, second daemons and damaged files: a clear answer, the right exit code, and
# never a wrong byte.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
mnt=$work/mnt
mkdir "$mnt"
seed=${COFFER_SEED:-1} # one seed in every run of the suite, others by hand
say "seed $seed (COFFER_SEED replays it)"
RANDOM=$seed

make_tree "$work/tree" 60
fingerprint() { (cd "$1" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum); }
keep() { rm -rf "$work/kept" && mkdir "$work/kept" && cp -a "$work/$1" "$work/state" "$work/kept/"; }
restore() { rm -rf "${work:?}/$1" "$work/state" && cp -a "$work/kept/." "$work/"; }
flip() { # FILE [OFFSET]: one byte becomes another one
  python3 - "$1" "${2:-$RANDOM$RANDOM}" <<'END'
import os, sys
with open(sys.argv[1], "r+b") as file:
    size = os.fstat(file.fileno()).st_size
    if size:
        at = int(sys.argv[2]) % size
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ (1 << (at % 8))]))
END
}

init_vault vault 2+2
mount_vault "${volumes[0]}" "$mnt"
cp -a "$work/tree" "$mnt/tree"

say "a second daemon, and commands beside it"
mkdir "$work/second"
expect_exit 4 coffer mount "${volumes[0]}" "$work/second" --passfile /nowhere # said before anything is asked
expect_exit 4 coffer mount "${volumes[0]}" "$work/second"
expect_exit 4 coffer mount "${volumes[3]}" "$work/second" --s3 127.0.0.1:0
expect_exit 4 coffer serve "${volumes[1]}" --s3 127.0.0.1:0
same_tree "$work/tree" "$mnt/tree"
(
  cd "$mnt/tree"
  expect_exit 4 coffer unmount "$mnt"
)
unmount_vault "$mnt"

say "a wrong passphrase"
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

say "what is not a vault"
mkdir "$work/other"
printf data >"$work/other/file"
for place in "$work/other" "$work/nowhere" "$work/pass"; do
  expect_exit_among "1 3 5" coffer mount "$place" "$mnt"
  expect_exit_among "1 3 5" coffer status "$place"
done
expect_exit 1 coffer mount "${volumes[0]}" "$work/nowhere"
expect_exit 1 coffer mount "${volumes[0]}" "$mnt" -o no_such_word
expect_exit 1 coffer mount "${volumes[0]}" "$mnt" --memory lots
expect_exit 1 coffer mount "${volumes[0]}"
expect_exit 1 coffer unmount "$mnt"
expect_exit 1 coffer init "$work/other"
expect_exit 1 coffer scrub "${volumes[0]}"
expect_exit_among "1 3" coffer init --data 4 --parity 2 "$work/a" "$work/b"
[ "$(cat "$work/other/file")" = data ] || fail "init touched a directory that was not empty"
keep vault

damage() { # flipped|emptied|removed FILE
  case $1 in
    flipped) flip "$2" 100 ;;
    emptied) : >"$2" ;;
    removed) rm "$2" ;;
  esac
}

say "one damaged copy of a superblock, or the key slots of one volume: opens, and is repaired"
repaired() { # WAY FILE...: damages the files of volume 1, opens from another, and then lets volume 1 show that it is whole
  local way=$1 file
  shift
  for file; do damage "$way" "$file"; done
  mount_vault "$work/vault/0" "$mnt"
  same_tree "$work/tree" "$mnt/tree"
  unmount_vault "$mnt"
  case $1 in
    */keyslots*) rm "$work"/vault/[023]/keyslots* ;;
    *) rm -r "$work/vault/0" "$work/vault/2" ;;
  esac
  mount_vault "$work/vault/1" "$mnt"
  same_tree "$work/tree" "$mnt/tree"
  unmount_vault "$mnt"
  restore vault
}
for way in flipped emptied removed; do
  for copy in "$work"/vault/1/superblock*; do repaired "$way" "$copy"; done
  repaired "$way" "$work"/vault/1/keyslots*
done

say "all superblocks of one volume damaged: opens from another, and is repaired"
for way in flipped emptied removed; do
  for file in "$work"/vault/1/superblock*; do damage "$way" "$file"; done
  expect_exit 3 coffer mount "$work/vault/1" "$mnt"
  restore vault
  repaired "$way" "$work"/vault/1/superblock*
done

read_everything() { # DAMAGED...: every file is right, or (without parity) gives EIO
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

flip_and_read() { # VAULT SAMPLES redundant|bare
  local sample file status expected
  mapfile -d '' -t files < <(find "$work/$1/0" -type f -size +0 -print0 | LC_ALL=C sort -z)
  for ((sample = 0; sample < $2; sample++)); do
    file=${files[$(((sample * ${#files[@]} / $2 + RANDOM) % ${#files[@]}))]}
    flip "$file"
    status=0
    coffer mount "$work/$1/0" "$mnt" >/dev/null 2>"$work/err" || status=$?
    if [ "$status" -eq 0 ]; then
      daemon_of[$mnt]=$(json status "$mnt" pid)
      # Metadata is there twice in any case; only contents need parity.
      expected=redundant
      case $file in *.shard) expected=$3 ;; esac
      read_everything "$expected" >"$work/read" || fail "after a flip in ${file#"$work"/}: $(cat "$work/read")"
      unmount_vault "$mnt"
    elif [ "$3" = redundant ]; then
      # The volume that was named is damaged; another one must do.
      mount_vault "$work/$1/1" "$mnt"
      read_everything "$3" >"$work/read" || fail "after a flip in ${file#"$work"/}: $(cat "$work/read")"
      unmount_vault "$mnt"
    else
      fail "after a flip in ${file#"$work"/} mount gave $status: $(cat "$work/err")"
    fi
    restore "$1"
  done
}

say "one flipped byte, with parity: right bytes"
flip_and_read vault 12 redundant

say "one flipped byte, without parity: right bytes, or EIO in what the shard held"
init_vault bare 1+0
mount_vault "${volumes[0]}" "$mnt"
cp -a "$work/tree" "$mnt/tree"
unmount_vault "$mnt"
keep bare
flip_and_read bare 20 bare
say "passed"
