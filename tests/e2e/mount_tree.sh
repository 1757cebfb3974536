#!/usr/bin/env bash
# A tree through the mount, for one geometry and both ciphers: what went in comes out, also after unmount and mount, and
# the programs that people run on disks find nothing wrong.
#   mount_tree.sh K+M     COFFER_E2E_FULL=1: all of /usr/include
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need rsync git sqlite3 fio setfattr
geometry=${1:?K+M}
mnt=$work/mnt

compare_fully() { # also times, modes, links, attributes
  local changes
  changes=$(rsync -aHXnic --delete "$1/" "$2/")
  [ -z "$changes" ] || fail "rsync sees differences: $(head -n 5 <<<"$changes")"
}

try_rsync() {
  rsync -aHX "$work/tree/" "$mnt/rsynced/"
  compare_fully "$work/tree" "$mnt/rsynced"
  local again
  again=$(rsync -aHXi "$work/tree/" "$mnt/rsynced/")
  [ -z "$again" ] || fail "the second rsync transfers: $(head -n 5 <<<"$again")"
}

try_git() {
  export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.org GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@example.org
  git init -q -b main "$mnt/repository"
  cp -r "$work/tree/headers/usr/include/asm-generic" "$mnt/repository/"
  git -C "$mnt/repository" add .
  git -C "$mnt/repository" commit -q -m first
  git -C "$mnt/repository" mv asm-generic renamed
  git -C "$mnt/repository" commit -q -m second
  git -C "$mnt/repository" gc -q
  git clone -q "$mnt/repository" "$mnt/clone"
  git -C "$mnt/clone" fsck --full --strict >/dev/null 2>"$work/err" || fail "git fsck: $(cat "$work/err")"
  same_tree "$mnt/repository/renamed" "$mnt/clone/renamed"
}

try_sqlite() { # DATABASE
  local journal
  for journal in delete wal; do
    sqlite3 "$1" >/dev/null <<END || fail "sqlite3 with journal $journal"
pragma journal_mode=$journal;
create table if not exists t(id integer primary key, text);
begin; with recursive n(i) as (select 1 union all select i+1 from n where i<2000) insert into t(text) select hex(randomblob(100)) from n; commit;
update t set text=hex(randomblob(50)) where id%7=0;
begin; delete from t where id%3=0; rollback;
delete from t where id%11=0;
insert into t(text) values ('one'); insert into t(text) values ('two'); insert into t(text) values ('three');
vacuum;
END
  done
  check_sqlite "$1"
}
check_sqlite() { [ "$(sqlite3 "$1" 'pragma integrity_check')" = ok ] || fail "sqlite3 integrity_check"; }

try_fio() {
  fio --directory="$mnt" --size=8m --verify=crc32c --verify_state_save=0 --verify_fatal=1 --minimal --output="$work/fio" \
    --name=sequential --rw=write --bs=128k --fsync_on_close=1 \
    --name=random --rw=randrw --bs=4k --io_size=4m --randseed=7 \
    --name=mapped --rw=randwrite --bs=4k --io_size=2m --ioengine=mmap --randseed=9 2>"$work/err" ||
    fail "fio: $(tail -n 5 "$work/err")"
  rm -f "$mnt"/*.0.*
}

tree_of_this_run() {
  if [ -n "${COFFER_E2E_FULL:-}" ]; then
    cp -a /usr/include "$work/tree" && mkdir -p "$work/tree/headers/usr/include" && cp -r /usr/include/asm-generic "$work/tree/headers/usr/include/"
  else
    make_tree "$work/tree" 600
  fi
}
tree_of_this_run

for cipher in aes-256-gcm xchacha20-poly1305; do
  say "$geometry, $cipher"
  init_vault "$cipher" "$geometry" --cipher "$cipher"
  mount_vault "${volumes[0]}" "$mnt"
  cp -a "$work/tree" "$mnt/copy"
  same_tree "$work/tree" "$mnt/copy"
  compare_fully "$work/tree" "$mnt/copy"
  unmount_vault "$mnt"
  mount_vault "${volumes[-1]}" "$mnt"
  same_tree "$work/tree" "$mnt/copy"
  compare_fully "$work/tree" "$mnt/copy"
  try_rsync
  try_git
  try_sqlite "$mnt/database"
  try_fio
  rm -rf "$mnt/copy"
  unmount_vault "$mnt"
  mount_vault "${volumes[0]}" "$mnt"
  compare_fully "$work/tree" "$mnt/rsynced"
  check_sqlite "$mnt/database"
  fsck_clean "$mnt"
  unmount_vault "$mnt"
  fsck_clean "${volumes[0]}" --verify-data
  rm -rf "${work:?}/$cipher"
done
say "passed"
