#!/usr/bin/env bash
# 4+2: with any two of six volumes gone everything is there and can be written; they come back and nothing old is used;
# with three gone nothing is touched.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
mnt=$work/mnt
away=$work/away
mkdir "$away"

take_away() { for i; do mv "$work/vault/$i" "$away/$i"; done; }
bring_back() { for i; do mv "$away/$i" "$work/vault/$i"; done; }
first_there() { for i in 0 1 2 3; do [ ! -d "$work/vault/$i" ] || { echo "$work/vault/$i" && return; }; done; }
fingerprint() { (cd "$work" && find vault state -printf '%p %y %s\n' | LC_ALL=C sort && find vault state -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum); }
keep_pristine() { rm -rf "$work/pristine" && mkdir "$work/pristine" && cp -a "$work/vault" "$work/state" "$work/pristine/"; }
# Both the volumes and this machine's record of their newest state: else the copy would be a rollback, which is refused.
restore_pristine() { rm -rf "$work/vault" "$work/state" && cp -a "$work/pristine/." "$work/"; }

make_tree "$work/tree" 120
init_vault vault 4+2
mount_vault "$work/vault/0" "$mnt"
cp -a "$work/tree" "$mnt/tree"
unmount_vault "$mnt"
keep_pristine

say "any two away: everything is read"
for ((a = 0; a < 6; a++)); do
  for ((b = a + 1; b < 6; b++)); do
    take_away "$a" "$b"
    mount_vault "$(first_there)" "$mnt"
    same_tree "$work/tree" "$mnt/tree"
    unmount_vault "$mnt"
    bring_back "$a" "$b"
    restore_pristine
  done
done

say "read-only with two away changes nothing"
take_away 1 4
before=$(fingerprint)
mount_vault "$work/vault/0" "$mnt" --read-only
same_tree "$work/tree" "$mnt/tree"
! touch "$mnt/new" 2>/dev/null || fail "a read-only mount takes a file"
unmount_vault "$mnt"
[ "$before" = "$(fingerprint)" ] || fail "a read-only mount changed the volumes"

say "two away: 200 files are written, and the old ones changed and removed"
mount_vault "$work/vault/0" "$mnt"
[[ $(json status "$mnt" volumes) == *absent* ]] || fail "status does not say that volumes are absent"
mkdir "$mnt/new" "$work/new"
for ((i = 0; i < 200; i++)); do head -c $((i * 331)) /dev/urandom >"$work/new/$i"; done
cp -a "$work/new/." "$mnt/new/"
for side in "$work" "$mnt"; do
  rm -r "$side/tree/headers/usr/include/asm-generic"
  cp "$work/new/100" "$side/tree/odd/random"
  mv "$side/tree/odd/zeros" "$side/tree/odd/moved"
done
unmount_vault "$mnt"
mount_vault "$work/vault/5" "$mnt"
same_tree "$work/new" "$mnt/new"
same_tree "$work/tree" "$mnt/tree"
[ "$(json status "$mnt" degraded_segments)" -gt 0 ] || fail "status does not say what is unprotected"
coffer status "$mnt" | grep -q '^unprotected' || fail "status shows a person nothing of it"
unmount_vault "$mnt"

say "the two come back: all is right, whichever volume names the vault"
bring_back 1 4
for volume in 1 0; do
  mount_vault "$work/vault/$volume" "$mnt"
  same_tree "$work/new" "$mnt/new"
  same_tree "$work/tree" "$mnt/tree"
  [[ $(json status "$mnt" volumes) != *absent* ]] || fail "status does not see the volumes that came back"
  fsck_clean "$mnt"
  unmount_vault "$mnt"
done

say "three away: refused, and nothing on disk changes"
restore_pristine
for three in "0 1 2" "3 4 5" "1 3 5"; do
  # shellcheck disable=SC2086
  take_away $three
  before=$(fingerprint)
  expect_exit 3 coffer mount "$(first_there)" "$mnt"
  expect_exit 3 coffer fsck "$(first_there)"
  [ "$before" = "$(fingerprint)" ] || fail "a refused mount changed the volumes"
  ! mountpoint -q "$mnt" || fail "a refused mount is mounted"
  # shellcheck disable=SC2086
  bring_back $three
done
mount_vault "$work/vault/3" "$mnt"
[ -d "$mnt/tree/odd" ] || fail "the vault is not whole after three volumes came back"
unmount_vault "$mnt"
say "passed"
