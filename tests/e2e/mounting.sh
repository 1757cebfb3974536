#!/usr/bin/env bash
# Who mounts and how: users through fusermount3, mount(8), /etc/fstab and umount(8) through the installed helpers, remounts; and
# how mounts end that are in use, unmounted lazily, covered by others, or whose daemon died.
#
#   mounting.sh BUILD_DIRECTORY
#
# All of it in a mount namespace of its own, with its own /dev, /usr/bin, /usr/sbin, passwd, fstab and fuse.conf: the machine keeps its own.
if [ -z "${COFFER_E2E_NAMESPACE:-}" ] && [ "$(id -u)" -eq 0 ] && unshare --mount true 2>/dev/null; then
  COFFER_E2E_NAMESPACE=1 exec unshare --mount --propagation private "${BASH_SOURCE[0]}" "$@"
fi
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
[ -n "${COFFER_E2E_NAMESPACE:-}" ] || skip "needs root, to be another user, and a mount namespace of its own"
[ "$(awk '/^NoNewPrivs/ {print $2}' /proc/self/status)" = 0 ] || skip "no setuid programs here, and so no fusermount3"
need fusermount3 setpriv cmake findmnt
build=${1:?BUILD_DIRECTORY}
mnt=$work/mnt
user=61234
home=$work/user

# ---- the machine of this test

machine=$work/machine
mkdir "$machine" "$mnt"
chmod 755 "$work"
mount -t tmpfs -o mode=755 machine "$machine"
loop_mounts+=("$machine")
over() { # FILE: its place is taken by a copy that this test may change
  cp "$1" "$machine/$(basename "$1")" 2>/dev/null || : >"$machine/$(basename "$1")"
  mount --bind "$machine/$(basename "$1")" "$1"
}
for file in /etc/passwd /etc/group /etc/fuse.conf /etc/fstab; do over "$file"; done
echo "coffer-e2e:x:$user:$user::$home:/bin/sh" >>/etc/passwd
echo "coffer-e2e:x:$user:" >>/etc/group
: >/etc/fstab
: >/etc/fuse.conf
mkdir "$machine/dev"
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty "$machine/dev"
ln -s /proc/self/fd "$machine/dev/fd"
fuse_device() { mknod -m "$1" /dev/fuse c 10 229; }
mount --rbind "$machine/dev" /dev
fuse_device 666
DESTDIR=$machine/root cmake --install "$build" --prefix /usr >"$work/installed" || fail "cmake --install: $(tail -n 3 "$work/installed")"
for helper in mount umount; do
  [ "$(readlink "$machine/root/sbin/$helper.fuse.coffer")" = /usr/bin/coffer ] || fail "cmake --install makes no $helper.fuse.coffer"
done
mount -t overlay overlay -o "lowerdir=$machine/root/usr/bin:/usr/bin" /usr/bin || skip "no overlayfs here"
mount -t overlay overlay -o "lowerdir=$machine/root/sbin:/usr/sbin" /usr/sbin
COFFER=/usr/bin/coffer

install -d -o "$user" -g "$user" -m 700 "$home" "$home/run" "$home/mnt"
install -o "$user" -g "$user" -m 600 "$work/pass" "$home/pass"
as_user() { (cd "$home" && setpriv --reuid "$user" --regid "$user" --clear-groups env HOME="$home" XDG_RUNTIME_DIR="$home/run" timeout 60 "$@"); }
user_coffer() { as_user coffer "$@"; }
user_mount() { # [OPTION...]: as the user, on $home/mnt
  user_coffer mount --passfile "$home/pass" "$home/volume" "$home/mnt" "$@" || fail "the user's mount gave $?"
  daemon_of[$home/mnt]=$(user_coffer status "$home/mnt" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["pid"])')
}
user_unmount() {
  user_coffer unmount "$home/mnt" || fail "the user's unmount gave $?"
  wait_gone "${daemon_of[$home/mnt]}" || fail "the user's daemon lives on"
  unset "daemon_of[$home/mnt]"
  ! is_mounted "$home/mnt" || fail "still mounted after the user's unmount"
}
is_mounted() { grep -qF " $1 " /proc/self/mountinfo; }
options_of() { findmnt -no OPTIONS "$1" | tail -n 1; }
has_option() { [[ ",$(options_of "$1")," == *",$2,"* ]]; }
refused() { # CODE WORDS COMMAND...: that exit code, and one line with these words
  local words=$2
  expect_exit "$1" "${@:3}"
  grep -qF -- "$words" "$work/err" || fail "'${*:3}' does not say '$words': $(cat "$work/err")"
}
adopt() { # MOUNTPOINT: what was mounted by mount(8) is ours to end
  is_mounted "$1" || fail "$1 is not mounted"
  daemon_of[$1]=$("$COFFER" status "$1" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["pid"])')
}
gone() { # MOUNTPOINT: the daemon ends within its time
  wait_gone "${daemon_of[$1]}" || fail "the daemon of $1 does not end"
  unset "daemon_of[$1]"
}

# ---- users

say "a user mounts, works and unmounts"
user_coffer init --kdf-cost minimum --passfile "$home/pass" "$home/volume" >/dev/null
user_mount
[ "$(findmnt -no FSTYPE,SOURCE "$home/mnt" | tr -s ' ')" = "fuse.coffer $home/volume" ] || fail "type or source: $(findmnt -n "$home/mnt")"
has_option "$home/mnt" nosuid && has_option "$home/mnt" nodev || fail "a user's mount takes suid or dev"
# shellcheck disable=SC2016
as_user sh -ec 'cd mnt; mkdir d; echo bytes >d/f; setfattr -n user.a -v 1 d/f; mv d/f d/g; ln d/g h; chmod 600 h; sync -f h; cat h' | grep -qx bytes || fail "the user's files"
! ls "$home/mnt" >/dev/null 2>&1 || fail "root sees a user's mount without allow_other"
refused 5 "only root can remount" user_coffer mount -o remount,ro "$home/volume" "$home/mnt"
user_unmount

say "a user's dead mountpoint is taken over by mount, and cleaned by unmount, though somebody stands in it"
user_mount
kill_daemon "$home/mnt"
user_mount
[ "$(as_user cat mnt/h)" = bytes ] || fail "files are missing"
[ "$(grep -cF " $home/mnt " /proc/self/mountinfo)" -eq 1 ] || fail "the dead mount is still below"
(as_user sh -c 'cd mnt && : >../standing && exec sleep 60' || true) &
stander=$!
for ((i = 0; i < 100; i++)); do [ ! -e "$home/standing" ] || break && sleep 0.05; done
kill_daemon "$home/mnt"
user_coffer unmount "$home/mnt" || fail "unmount of a dead mount gave $?"
! is_mounted "$home/mnt" || fail "unmount left a dead mount"
kill "$stander" 2>/dev/null || true
unset "daemon_of[$home/mnt]"

say "what a user may not, in one line"
mkdir -m 755 "$work/roots"
mkdir -m 1777 "$work/sticky"
mkdir -m 777 "$work/sticky/roots"
chmod 1777 "$work/sticky/roots"
user_try() { user_coffer mount --passfile "$home/pass" "$home/volume" "$@"; }
refused 5 "not this user's to mount on" user_try "$work/roots"
refused 5 "not this user's to mount on" user_try "$work/sticky/roots"
refused 5 "user_allow_other" user_try "$home/mnt" --allow-other
refused 1 "only root can mount with 'nosymfollow'" user_try "$home/mnt" -o nosymfollow
echo "mount_max = 0" >/etc/fuse.conf
refused 5 "mount_max" user_try "$home/mnt"
echo user_allow_other >/etc/fuse.conf
refused 5 "install the package fuse3" as_user env PATH=/nonexistent /usr/bin/coffer mount --passfile "$home/pass" "$home/volume" "$home/mnt"
chmod 600 /dev/fuse
refused 5 "/dev/fuse may not be opened" user_try "$home/mnt"
rm /dev/fuse
refused 5 "modprobe fuse" user_try "$home/mnt"
init_vault vault 1+0
volume=${volumes[0]}
refused 5 "modprobe fuse" coffer mount "$volume" "$mnt"
fuse_device 666
! is_mounted "$home/mnt" || fail "a mount that failed is there"

say "with user_allow_other others see it; suid and dev are not for users"
user_mount --allow-other -o suid,dev 2>"$work/err"
grep -q 'unsafe option' "$work/err" || fail "nothing is said of options that are left out: $(cat "$work/err")"
[ "$(cat "$home/mnt/h")" = bytes ] || fail "allow_other does not let root in"
has_option "$home/mnt" nosuid && has_option "$home/mnt" nodev || fail "a user got suid or dev"
user_unmount

is_unlocked() { flock -n "$volume/lock" true; } # as the volume's next daemon would find it

# ---- nobody is asked in vain

say "volumes, places and devices are looked at before anybody is asked"
ask_in_vain() { refused "$1" "$2" "$COFFER" "${@:3}"; } # without a terminal the question itself would be the error
mkdir "$work/nothing"
ask_in_vain 1 "is not a volume of a vault" mount "$work/nothing" "$mnt" --passcommand 'echo asked >&2; false'
ask_in_vain 1 "unknown mount option 'frobnicate'" mount "$volume" "$mnt" -o frobnicate --passcommand 'echo asked >&2; false'
ask_in_vain 1 "is not an empty directory" init "$volume" --passcommand 'echo asked >&2; false'
init_vault pair 2+1
mv "${volumes[1]}" "$work/away1"
mv "${volumes[2]}" "$work/away2"
ask_in_vain 3 "1 of 3 volumes are present and current; 2 are needed" mount "${volumes[0]}" "$mnt" --passcommand 'echo asked >&2; false'

say "a daemon of root has all the open files that the system allows"
mount_vault "$volume" "$mnt"
read -r soft hard <<<"$(awk '/^Max open files/ {print $4, $5}' "/proc/${daemon_of[$mnt]}/limits")"
[ "$soft" = "$hard" ] || fail "$soft of $hard files"
if prlimit --nofile=1024:600000 true 2>/dev/null; then [ "$hard" -ge 524288 ] || fail "the hard limit stays at $hard"; fi
unmount_vault "$mnt"

# ---- mount(8)

say "mount and umount, again and again"
for round in 1 2 3; do
  mount -t fuse.coffer "$volume" "$mnt" -o "passfile=$work/pass,allow_other" || fail "mount gave $?"
  adopt "$mnt"
  echo "$round" >>"$mnt/rounds"
  umount "$mnt" || fail "umount gave $?" # the next mount waits for the daemon that still closes the vault
done
mount -t coffer "$volume" "$mnt" -o "passfile=$work/pass" || fail "mount -t coffer gave $?"
adopt "$mnt"
[ "$(tr -d '\n' <"$mnt/rounds")" = 123 ] || fail "rounds: $(cat "$mnt/rounds")"
exec 7<"$mnt/rounds"
if umount "$mnt" 2>"$work/err"; then fail "umount took a mount that is in use"; fi
grep -q "busy\|in use" "$work/err" || fail "umount does not say why: $(cat "$work/err")"
exec 7<&-
umount "$mnt"

say "the words of mount(8)"
words="rw,nosuid,nodev,noexec,noatime,relatime,nodiratime,dirsync,sync,_netdev,nofail,auto,noauto,user,users,x-systemd.automount,x-any=1,comment=mine,defaults,strictatime,lazytime,nostrictatime"
"/sbin/mount.fuse.coffer" "$volume" "$mnt" -n -v -o "$words,passfile=$work/pass" || fail "mount.fuse.coffer gave $?"
adopt "$mnt"
for word in nosuid nodev noexec noatime; do has_option "$mnt" "$word" || fail "$word is not in force: $(options_of "$mnt")"; done
umount "$mnt"
if mount -t fuse.coffer "$volume" "$mnt" -o "passfile=$work/pass,frobnicate" 2>"$work/err"; then fail "an unknown word is taken"; fi
grep -q "unknown mount option 'frobnicate'" "$work/err" || fail "an unknown word: $(cat "$work/err")"
mount -s -t fuse.coffer "$volume" "$mnt" -o "passfile=$work/pass,frobnicate" || fail "mount --sloppy gave $?"
adopt "$mnt"
! has_option "$mnt" nosuid && ! has_option "$mnt" nodev || fail "mount(8) means suid and dev"
umount "$mnt"
mount -f -t fuse.coffer "$volume" "$mnt" -o "passfile=$work/pass" || fail "mount --fake gave $?"
! is_mounted "$mnt" || fail "mount --fake mounted"

say "/etc/fstab: by root, by mount -a, by a user"
cat >/etc/fstab <<END
$volume $mnt fuse.coffer passfile=$work/pass,allow_other,nofail,x-any=1,comment=mine 0 0
$home/volume $home/mnt fuse.coffer passfile=$home/pass,noauto,user 0 0
END
mount "$mnt" && umount "$mnt" || fail "mount or umount of a line of fstab"
mount -a || fail "mount -a gave $?"
adopt "$mnt"
mount -a || fail "a second mount -a gave $?"
[ "$(grep -cF " $mnt " /proc/self/mountinfo)" -eq 1 ] || fail "mount -a mounted twice"
! is_mounted "$home/mnt" || fail "mount -a mounted what is noauto"
as_user mount "$home/mnt" || fail "the user's mount from fstab gave $?"
[ "$(as_user cat mnt/h)" = bytes ] || fail "the user's mount from fstab is empty"
has_option "$home/mnt" noexec || fail "'user' does not mean noexec: $(options_of "$home/mnt")"
as_user umount "$home/mnt" || fail "the user's umount gave $?"
! is_mounted "$home/mnt" || fail "the user's umount left it"

say "remount,ro and remount,rw"
echo before >"$mnt/remounted"
cp "$mnt/remounted" "$mnt/mapped"
mount -o remount,ro "$mnt" || fail "remount,ro gave $?"
has_option "$mnt" ro || fail "not read-only: $(options_of "$mnt")"
if (echo x >"$mnt/new") 2>/dev/null; then fail "a read-only mount takes files"; fi
[ "$(cat "$mnt/remounted")" = before ] || fail "a read-only mount does not read"
mount -o remount,rw "$mnt" || fail "remount,rw gave $?"
echo after >>"$mnt/remounted"
exec 7>>"$mnt/remounted"
echo open >&7
if mount -o remount,ro "$mnt" 2>"$work/err"; then fail "remount,ro although a file is open for writing"; fi
grep -q 'open for writing' "$work/err" || fail "remount,ro of a busy mount: $(cat "$work/err")"
exec 7>&-
mount -o remount,ro,noexec,nosymfollow "$mnt" || fail "remount,ro gave $?"
coffer mount -o remount,nosuid "$volume" "$mnt" || fail "remount,nosuid gave $?"
has_option "$mnt" nosymfollow || fail "a remount dropped nosymfollow: $(options_of "$mnt")"
mount -o remount,ro,exec,symfollow "$mnt" || fail "remount,exec gave $?"
! has_option "$mnt" noexec && ! has_option "$mnt" nosymfollow || fail "remount,exec: $(options_of "$mnt")"
kill_daemon "$mnt"
: >/etc/fstab
mount_vault "$volume" "$mnt"
[ "$(tr -d '\n' <"$mnt/remounted")" = beforeafteropen ] || fail "remount,ro lost: $(cat "$mnt/remounted")"
unmount_vault "$mnt"
mount_vault "$volume" "$mnt" --read-only -o rw # one of them is enough
mount -o remount,noexec "$mnt" || fail "remount,noexec of a read-only vault gave $?"
has_option "$mnt" noexec && has_option "$mnt" ro || fail "remount,noexec: $(options_of "$mnt")"
if mount -o remount,rw "$mnt" 2>"$work/err"; then fail "remount,rw of a vault that was opened read-only"; fi
grep -q 'takes no writes' "$work/err" || fail "remount,rw of a read-only vault: $(cat "$work/err")"
unmount_vault "$mnt"

# ---- ends

# hold FILE...: a program that has written $work/random to each of them and keeps them open, so that no close sends the pages on
holder=
hold() {
  rm -f "$work/held"
  python3 -c '
import os, sys, time
data = open(sys.argv[1], "rb").read()
for path in sys.argv[3:]:
    fd = os.open(path, os.O_CREAT | os.O_WRONLY)
    if os.write(fd, data) != len(data):
        sys.exit("a short write")
open(sys.argv[2], "w").close()
time.sleep(60)' "$work/random" "$work/held" "$@" &
  holder=$!
  for ((i = 0; i < 200; i++)); do [ ! -e "$work/held" ] || return 0 && sleep 0.05; done
  fail "nothing was written to $*"
}
let_go() {
  kill "$holder" 2>/dev/null || true
  wait "$holder" 2>/dev/null || true
}
head -c 5000000 /dev/urandom >"$work/random"

say "what the shell holds open is not the daemon's"
exec 8>"$work/shells"
flock -n 8 || fail "the shell's own lock"
mount_vault "$volume" "$mnt"
exec 8>&-
flock -n "$work/shells" true || fail "the daemon holds a lock of the shell that started it"

say "umount(2), and an unmount while the vault is being closed: it waits for the lock"
for ((i = 0; i < 5; i++)); do
  head -c 20000000 /dev/urandom >"$mnt/much"
  umount -i "$mnt" || fail "umount -i gave $?"
  pid=${daemon_of[$mnt]}
  if is_our_daemon "$pid"; then
    coffer_unmount "$volume" 2>"$work/err" || ! is_our_daemon "$pid" || fail "unmount while the vault is being closed: $(cat "$work/err")"
  fi
  flock -n "$volume/lock" true || fail "the vault is locked after unmount"
  mount_vault "$volume" "$mnt"
  umount -i "$mnt" || fail "umount -i gave $?"
  mount_vault "$volume" "$mnt" # at once: waits as well
done

say "unmount --lazy of a daemon that hangs"
kill -STOP "${daemon_of[$mnt]}"
timeout 10 "$COFFER" unmount --lazy "$mnt" || fail "unmount --lazy gave $?"
kill -CONT "${daemon_of[$mnt]}"
wait_gone "${daemon_of[$mnt]}" || fail "the daemon lives on after unmount --lazy"
mount_vault "$volume" "$mnt"
unmount_vault "$mnt"

say "umount -l: the daemon ends with the last file"
mount_vault "$volume" "$mnt"
exec 7>"$mnt/lazy"
printf before >&7
hold "$mnt/held"
umount -l "$mnt" || fail "umount -l gave $?"
! is_mounted "$mnt" || fail "umount -l left it"
refused 4 "unmounted while files in it were open" "$COFFER" unmount "$mnt"
printf after >&7
exec 7>&-
sleep 0.2 # should it end too early, it has the time to
is_our_daemon "${daemon_of[$mnt]}" || fail "the daemon went before the last file"
let_go
gone "$mnt"

say "SIGTERM while files are open: what was written until then is kept"
mount_vault "$volume" "$mnt"
[ "$(cat "$mnt/lazy")" = beforeafter ] || fail "umount -l lost: $(cat "$mnt/lazy")"
cmp "$work/random" "$mnt/held" || fail "umount -l lost what was written"
exec 8>"$mnt/synced"
cp "$work/random" "$mnt/closed"
hold "$mnt/open" "$mnt/open too"
printf synced >&8
sync "$mnt/synced"
kill "${daemon_of[$mnt]}"
gone "$mnt"
! is_mounted "$mnt" || fail "SIGTERM left the mount"
grep -q 'is in use' "$log" || fail "the log does not say that files were open"
exec 8>&- || true
let_go
mount_vault "$volume" "$mnt"
cmp "$work/random" "$mnt/closed" && cmp "$work/random" "$mnt/open" && cmp "$work/random" "$mnt/open too" || fail "SIGTERM lost what was written"
[ "$(cat "$mnt/synced")" = synced ] || fail "SIGTERM lost what was synced"

say "SIGTERM after umount -l"
hold "$mnt/lazier"
umount -l "$mnt"
kill "${daemon_of[$mnt]}"
coffer_unmount "$volume" || fail "unmount of a vault that is being closed gave $?"
is_unlocked || fail "unmount returned before the lock was released"
gone "$mnt"
let_go
grep -q 'unmounted while files in it were open' "$log" || fail "the log does not say that files were open after umount -l"

say "SIGTERM below another mount: that one stays"
mount_vault "$volume" "$mnt"
cmp "$work/random" "$mnt/lazier" || fail "SIGTERM after umount -l lost what was written"
hold "$mnt/below"
cp "$work/random" "$mnt/closed below"
mount -t tmpfs cover "$mnt"
loop_mounts+=("$mnt")
: >"$mnt/cover"
kill "${daemon_of[$mnt]}"
gone "$mnt"
[ -e "$mnt/cover" ] || fail "the mount on top is gone"
grep -q 'another mount (tmpfs of cover) is on top' "$log" || fail "the log does not name what is on top"
refused 4 "is a mountpoint already (tmpfs of cover)" coffer mount "$volume" "$mnt"
umount "$mnt"
let_go
mount_vault "$volume" "$mnt"
cmp "$work/random" "$mnt/below" && cmp "$work/random" "$mnt/closed below" || fail "SIGTERM below another mount lost what was written"

say "a mount that was moved, or whose parent was renamed, is found"
unmount_vault "$mnt"
mkdir -p "$work/parent/place"
mount_vault "$volume" "$work/parent/place"
mv "$work/parent" "$work/renamed"
kill "${daemon_of[$work/parent/place]}"
gone "$work/parent/place"
! is_mounted "$work/renamed/place" || fail "the mount is still there under its new name"
say "passed"
