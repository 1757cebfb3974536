#!/usr/bin/env bash
# What a daemon's memory does: little when idle, and no more after many names came and went than after some.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
mnt=$work/mnt

resident_kib() { awk '/^VmRSS:/ { print $2 }' "/proc/${daemon_of[$mnt]}/status"; }
anonymous_kib() { awk '/^RssAnon:/ { print $2 }' "/proc/${daemon_of[$mnt]}/status"; }

say "an idle daemon, after unlocking with the strong key derivation of a default vault"
sed -i 's/^kdf-cost = .*/kdf-cost = "moderate"/' "$work/config"
init_vault vault 1+0
mount_vault "${volumes[0]}" "$mnt" --memory 32M
idle=$(resident_kib)
say "idle: $idle KiB resident"
[ "$idle" -le $((60 * 1024)) ] || fail "an idle daemon has $idle KiB resident"

# churn ROUNDS SECONDS: each round makes, renames and removes files of some bytes, all of them gone at its end
churn() {
  timeout 3000 python3 - "$mnt" "$1" "$2" <<'END'
import os, sys, time
root, rounds, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
end = time.monotonic() + seconds
done = 0
while done < rounds or time.monotonic() < end:
    directory = f"{root}/round-{done}"
    os.mkdir(directory)
    for i in range(500):
        with open(f"{directory}/file-{i}", "wb") as file:
            file.write(b"x" * (i * 16))
    for i in range(500):
        os.rename(f"{directory}/file-{i}", f"{directory}/moved-{done}-{i}")
        os.path.exists(f"{directory}/absent-{i}")
    for i in range(500):
        os.unlink(f"{directory}/moved-{done}-{i}")
    os.rmdir(directory)
    done += 1
print(done)
END
}

say "names that come and go leave nothing"
legs=1 seconds=0
! full || legs=6 seconds=300
churn 10 "$seconds" >"$work/churned" # fills the caches, which --memory bounds
before=$(anonymous_kib)
say "after $(cat "$work/churned") rounds $before KiB"
for ((leg = 0; leg < legs; leg++)); do
  churn 10 "$seconds" >"$work/churned"
  after=$(anonymous_kib)
  say "after $(cat "$work/churned") more $after KiB"
done
[ "$after" -le $((before + 8 * 1024)) ] || fail "memory grew from $before to $after KiB"

if [ -w /proc/sys/vm/drop_caches ]; then
  sync
  for ((i = 0; i < 100; i++)); do
    echo 2 >/proc/sys/vm/drop_caches
    known=$(json status "$mnt" mount.inodes_known)
    [ "$known" -gt 1 ] || break
    sleep 0.1
  done
  [ "$known" -le 1 ] || fail "the daemon still knows $known inodes"
fi
unmount_vault "$mnt"
fsck_clean "${volumes[0]}"

if full; then
  say "a million inodes that the kernel knows"
  mount_vault "${volumes[0]}" "$mnt" --memory 256M
  before=$(anonymous_kib)
  python3 - "$mnt" <<'END'
import os, sys
for d in range(1000):
    os.mkdir(f"{sys.argv[1]}/{d}")
    for i in range(1000):
        os.mknod(f"{sys.argv[1]}/{d}/{i}")
END
  known=$(json status "$mnt" mount.inodes_known)
  say "$known known, $(($(json status "$mnt" mount.inode_table_bytes) / 1024)) KiB for their table, $before KiB before, now $(anonymous_kib)"
  # The table beside what --memory bounds.
  [ "$(anonymous_kib)" -le $((before + (150 + 256) * 1024)) ] || fail "more than the table and the caches"
  unmount_vault "$mnt"
fi
say "passed"
