#!/usr/bin/env bash
# One vault, two doors: what is copied through the mount is read by S3 clients, and what they put is at the mount at once,
# with the kernel's caches primed before. COFFER_E2E_FULL=1: 200 MiB objects instead of 40.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
mnt=$work/mnt
geometry=${1:-2+2}
large=40
[ -z "${COFFER_E2E_FULL:-}" ] || large=200
aws_binary=aws
[ ! -x /usr/bin/aws ] || aws_binary=/usr/bin/aws
need "$aws_binary" s3cmd rclone

init_vault vault "$geometry"
coffer s3-key add "${volumes[0]}" --name before --json >"$work/key.json" # a key made while the vault is closed
mount_vault "${volumes[0]}" "$mnt" --s3 127.0.0.1:0
endpoint=$(json status "$mnt" s3_endpoint)
grep -q "$endpoint" "$work/mounted" || fail "mount did not print $endpoint"
[[ $endpoint == http://127.0.0.1:[1-9]* ]] || fail "status gives the endpoint '$endpoint'"
field() { python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1" <"$work/key.json"; }
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true AWS_MAX_ATTEMPTS=2
AWS_ACCESS_KEY_ID=$(field access_key)
AWS_SECRET_ACCESS_KEY=$(field secret_key)

cat >"$work/s3cfg" <<END
[default]
access_key = $AWS_ACCESS_KEY_ID
secret_key = $AWS_SECRET_ACCESS_KEY
host_base = ${endpoint#http://}
host_bucket = ${endpoint#http://}
use_https = False
multipart_chunk_size_mb = 8
END
export RCLONE_CONFIG=$work/rclone.conf
cat >"$RCLONE_CONFIG" <<END
[vault]
type = s3
provider = Other
endpoint = $endpoint
access_key_id = $AWS_ACCESS_KEY_ID
secret_access_key = $AWS_SECRET_ACCESS_KEY
region = us-east-1
chunk_size = 8Mi
upload_cutoff = 8Mi
END
aws_s3() { timeout 120 "$aws_binary" --endpoint-url "$endpoint" "$@" >"$work/out" 2>&1 || fail "aws $*: $(tail -n 3 "$work/out")"; }
s3cmd_() { timeout 120 s3cmd -c "$work/s3cfg" --no-progress "$@" >"$work/out" 2>&1 || fail "s3cmd $*: $(tail -n 3 "$work/out")"; }
rclone_() { timeout 120 rclone --retries 1 --low-level-retries 2 "$@" >"$work/out" 2>&1 || fail "rclone $*: $(tail -n 3 "$work/out")"; }

say "a tree through the mount, read by each client"
mkdir -p "$work/tree/sub/deep"
find /usr/include/linux -maxdepth 1 -type f | LC_ALL=C sort | sed -n 1,60p | xargs cp -t "$work/tree/sub"
: >"$work/tree/empty"
head -c 9000000 /dev/urandom >"$work/tree/sub/deep/random"
printf 'blank' >"$work/tree/with blank & more+plus"
printf 'umlaut' >"$work/tree/$(printf '\xc3\xa4')"
cp -a "$work/tree" "$mnt/bucket"
aws_s3 s3 cp --recursive s3://bucket "$work/by-aws"
same_tree "$work/tree" "$work/by-aws"
rclone_ sync vault:bucket "$work/by-rclone"
rclone_ check vault:bucket "$work/by-rclone"
same_tree "$work/tree" "$work/by-rclone"
mkdir "$work/by-s3cmd"
# A directory made at the mount is a marker object "sub/", and s3cmd's get --recursive stumbles over those of any server.
s3cmd_ sync s3://bucket/ "$work/by-s3cmd/"
same_tree "$work/tree" "$work/by-s3cmd"
s3cmd_ get s3://bucket/sub/deep/random "$work/got"
cmp "$work/got" "$work/tree/sub/deep/random" || fail "s3cmd get gives other bytes"

prime() { # PATH: make the kernel remember that it is not there, and what its directory holds
  ! stat "$1" >/dev/null 2>&1 || fail "$1 is there already"
  ls -la "$(dirname "$1")" >/dev/null
}
seen() { # FILE PATH: byte-identical at once, listed, and with the right size
  cmp "$1" "$2" || fail "$2 at the mount is not what was put"
  [ -n "$(find "$(dirname "$2")" -maxdepth 1 -name "$(basename "$2")")" ] || fail "$2 is not in the listing"
  [ "$(stat -c %s "$1")" = "$(stat -c %s "$2")" ] || fail "the size of $2 is wrong"
}

for size in 0 1 $((5 << 20)) $((large << 20)); do head -c "$size" /dev/urandom >"$work/object-$size"; done
for client in aws s3cmd rclone; do
  say "objects put by $client"
  case $client in
    aws) aws_s3 s3 mb s3://$client ;;
    s3cmd) s3cmd_ mb s3://$client ;;
    rclone) rclone_ mkdir vault:$client ;;
  esac
  [ -d "$mnt/$client" ] || fail "the bucket $client is no directory at the mount"
  for size in 0 1 $((5 << 20)) $((large << 20)); do
    file=$work/object-$size
    prime "$mnt/$client/object-$size"
    case $client in
      aws) aws_s3 s3 cp "$file" s3://$client/ ;;
      s3cmd) s3cmd_ put "$file" s3://$client/ ;;
      rclone) rclone_ copyto "$file" "vault:$client/object-$size" ;;
    esac
    seen "$file" "$mnt/$client/object-$size"
  done
  # What is replaced through one door was read through the other just before.
  cat "$mnt/$client/object-1" >/dev/null
  case $client in
    aws) aws_s3 s3 cp "$work/object-$((5 << 20))" s3://$client/object-1 ;;
    s3cmd) s3cmd_ put "$work/object-$((5 << 20))" s3://$client/object-1 ;;
    rclone) rclone_ copyto "$work/object-$((5 << 20))" vault:$client/object-1 ;;
  esac
  seen "$work/object-$((5 << 20))" "$mnt/$client/object-1"
  case $client in
    aws) aws_s3 s3 rm s3://$client/object-1 ;;
    s3cmd) s3cmd_ del s3://$client/object-1 ;;
    rclone) rclone_ deletefile vault:$client/object-1 ;;
  esac
  [ ! -e "$mnt/$client/object-1" ] || fail "$client removed an object that the mount still shows"
done

say "a tree synced by rclone, read at the mount"
rclone_ sync "$work/tree" vault:synced
same_tree "$work/tree" "$mnt/synced"
rclone_ check "$work/tree" vault:synced
printf 'changed' >"$mnt/synced/empty"
[ "$(timeout 60 rclone cat vault:synced/empty)" = changed ] || fail "rclone reads an old version of what the mount changed"

tried=""
for python in python3 /usr/bin/python3; do
  "$python" -c 'import boto3' 2>/dev/null || continue
  [[ $tried != *" $(realpath "$(command -v "$python")")"* ]] || continue
  tried+=" $(realpath "$(command -v "$python")")"
  say "boto3 ($python)"
  timeout 180 "$python" "$here/s3_clients.py" "$endpoint" "$mnt" "$large" || fail "boto3 ($python)"
done
[ -n "$tried" ] || say "*** boto3 is not installed: not tried ***"

say "keys come and go on the live vault"
listed=$(coffer s3-key list "$mnt")
[[ $listed == *"$AWS_ACCESS_KEY_ID"* ]] || fail "s3-key list does not show the key"
[[ $listed != *"$AWS_SECRET_ACCESS_KEY"* ]] || fail "s3-key list shows a secret"
coffer s3-key remove "$mnt" --access-key "$AWS_ACCESS_KEY_ID"
! timeout 60 "$aws_binary" --endpoint-url "$endpoint" s3 ls >/dev/null 2>&1 || fail "a removed key still works"
fsck_clean "$mnt"
unmount_vault "$mnt"

say "the gateway alone"
coffer s3-key add "${volumes[0]}" --name alone --json >"$work/key.json"
AWS_ACCESS_KEY_ID=$(field access_key)
AWS_SECRET_ACCESS_KEY=$(field secret_key)
coffer serve "${volumes[0]}" --s3 127.0.0.1:0 --background >"$work/served" || fail "serve gave $?"
daemon_of["${volumes[0]}"]=$(json status "${volumes[0]}" pid)
endpoint=$(json status "${volumes[0]}" s3_endpoint)
aws_s3 s3 cp "s3://aws/object-$((5 << 20))" "$work/again"
cmp "$work/again" "$work/object-$((5 << 20))" || fail "serve gives other bytes than the mount's gateway"
aws_s3 s3 cp "$work/object-$((large << 20))" s3://bucket/put-by-serve
coffer_unmount "${volumes[0]}" || fail "the gateway does not end"
wait_gone "${daemon_of["${volumes[0]}"]}" || fail "the gateway's daemon lives on"
unset 'daemon_of["${volumes[0]}"]'
mount_vault "${volumes[0]}" "$mnt"
cmp "$mnt/bucket/put-by-serve" "$work/object-$((large << 20))" || fail "what serve took is not at the mount"
unmount_vault "$mnt"
say "passed"
