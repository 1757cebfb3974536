#!/usr/bin/env bash
# With any m of the k+m volumes gone everything is there and can be written; they come back and nothing old is used; with
# one more gone nothing is touched.
#   lost_volumes.sh K+M [CIPHER]     COFFER_E2E_FULL=1: both ciphers, and 1,000 new files instead of 200
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
matrix "$@"
[ "$parity" -ge 1 ] || fail "without parity no volume may be away"
mnt=$work/mnt
away=$work/away
files=200
! full || files=1000
mkdir "$away"

choose() { # N: every choice of N volumes, one per line
  python3 -c 'import itertools, sys
for choice in itertools.combinations(range(int(sys.argv[1])), int(sys.argv[2])): print(*choice)' $((data + parity)) "$1"
}
take_away() { for i; do mv "$work/vault/$i" "$away/$i"; done; }
bring_back() { for i; do mv "$away/$i" "$work/vault/$i"; done; }
there() { find "$work/vault" -mindepth 1 -maxdepth 1 | LC_ALL=C sort; }
first_there() { there | head -n 1; }
last_there() { there | tail -n 1; }
fingerprint() { (cd "$work" && find vault state -printf '%p %y %s\n' | LC_ALL=C sort && find vault state -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum); }
keep_pristine() { rm -rf "$work/pristine" && mkdir "$work/pristine" && cp -a "$work/vault" "$work/state" "$work/pristine/"; }
# Both the volumes and this machine's record of their newest state: else the copy would be a rollback, which is refused.
restore_pristine() { rm -rf "$work/vault" "$work/state" && cp -a "$work/pristine/." "$work/"; }

read_without_each() {
  say "any $parity away: everything is read"
  local choice
  while read -ra choice; do
    take_away "${choice[@]}"
    mount_vault "$(first_there)" "$mnt"
    same_tree "$work/tree" "$mnt/tree"
    unmount_vault "$mnt"
    restore_pristine
    rm -rf "${away:?}"/*
  done < <(choose "$parity")
}

read_only_changes_nothing() {
  say "read-only with $parity away changes nothing"
  local before
  before=$(fingerprint)
  mount_vault "$(first_there)" "$mnt" --read-only
  same_tree "$work/tree" "$mnt/tree"
  ! touch "$mnt/new" 2>/dev/null || fail "a read-only mount takes a file"
  unmount_vault "$mnt"
  [ "$before" = "$(fingerprint)" ] || fail "a read-only mount changed the volumes"
}

write_without() {
  say "$parity away: $files files are written, and the old ones changed and removed"
  local i side
  mount_vault "$(first_there)" "$mnt"
  [[ $(json status "$mnt" volumes) == *absent* ]] || fail "status does not say that volumes are absent"
  mkdir "$mnt/new" "$work/new"
  for ((i = 0; i < files; i++)); do head -c $((i * 331 % 66200)) /dev/urandom >"$work/new/$i"; done
  cp -a "$work/new/." "$mnt/new/"
  for side in "$work" "$mnt"; do
    rm -r "$side/tree/headers/usr/include/asm-generic"
    cp "$work/new/100" "$side/tree/odd/random"
    mv "$side/tree/odd/zeros" "$side/tree/odd/moved"
  done
  unmount_vault "$mnt"
  mount_vault "$(last_there)" "$mnt"
  same_tree "$work/new" "$mnt/new"
  same_tree "$work/tree" "$mnt/tree"
  [ "$(json status "$mnt" degraded_segments)" -gt 0 ] || fail "status does not say what is unprotected"
  coffer status "$mnt" | grep -q '^unprotected' || fail "status shows a person nothing of it"
  unmount_vault "$mnt"
}

read_with_all_back() { # VOLUME...: each of them names the vault once
  say "they come back: all is right, whichever volume names the vault"
  local volume
  for volume; do
    mount_vault "$work/vault/$volume" "$mnt"
    same_tree "$work/new" "$mnt/new"
    same_tree "$work/tree" "$mnt/tree"
    [[ $(json status "$mnt" volumes) != *absent* ]] || fail "status does not see the volumes that came back"
    fsck_clean "$mnt"
    unmount_vault "$mnt"
  done
}

refuse_with_too_few() {
  if [ "$data" -eq 1 ]; then
    say "$((parity + 1)) away: no volume is left that could be named"
    return
  fi
  say "$((parity + 1)) away: refused, and nothing on disk changes"
  local choice before named
  while read -ra choice; do
    take_away "${choice[@]}"
    named=$(first_there)
    mkdir "$work/vault/${choice[0]}" # as the mountpoint of a disk that is not mounted
    before=$(fingerprint)
    expect_exit 3 coffer mount "$named" "$mnt"
    expect_exit 3 coffer fsck "$named"
    [ "$before" = "$(fingerprint)" ] || fail "a refused mount changed the volumes"
    ! mountpoint -q "$mnt" || fail "a refused mount is mounted"
    rmdir "$work/vault/${choice[0]}"
    bring_back "${choice[@]}"
  done < <(choose $((parity + 1)) | sed -n '1p; 3p; $p')
  mount_vault "$(last_there)" "$mnt"
  [ -d "$mnt/tree/odd" ] || fail "the vault is not whole after the volumes came back"
  unmount_vault "$mnt"
}

make_tree "$work/source" 120
for cipher in "${ciphers[@]}"; do
  say "$geometry, $cipher"
  cp -a "$work/source" "$work/tree"
  init_vault vault "$geometry" --cipher "$cipher"
  mount_vault "${volumes[0]}" "$mnt"
  cp -a "$work/tree" "$mnt/tree"
  unmount_vault "$mnt"
  keep_pristine
  read_without_each

  missing=(1 4)
  [ "$geometry" = 4+2 ] || mapfile -t missing < <(seq "$parity")
  take_away "${missing[@]}"
  read_only_changes_nothing
  write_without
  bring_back "${missing[@]}"
  read_with_all_back 1 0
  restore_pristine
  if [ "$data" -gt 1 ]; then refuse_with_too_few; fi # with one data volume there would be none left to name
  rm -rf "$work/vault" "$work/state" "$work/tree" "$work/new"
done
say "passed"
