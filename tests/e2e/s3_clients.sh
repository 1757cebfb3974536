#!/usr/bin/env bash
# One vault, two doors: what is written at the mount is read by S3 clients, and what they put is at the mount at once, with
# the kernel's caches primed before.
#   s3_clients.sh K+M [CIPHER]     COFFER_E2E_FULL=1: both ciphers, and 200 MiB objects instead of 20
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
matrix "$@"
mnt=$work/mnt
large=$((20 << 20))
! full || large=$((200 << 20))
middle=$((5 << 20))
sizes=(0 1 "$middle" "$large")
clients=(aws s3cmd rclone)
aws_binary=aws
[ ! -x /usr/bin/aws ] || aws_binary=/usr/bin/aws
need "$aws_binary" s3cmd rclone

field() { python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1" <"$work/key.json"; }
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true AWS_MAX_ATTEMPTS=2
export RCLONE_CONFIG=$work/rclone.conf
use_key() { # of $work/key.json, by every client
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
}
aws_s3() { timeout 120 "$aws_binary" --endpoint-url "$endpoint" "$@" >"$work/out" 2>&1 || fail "aws $*: $(tail -n 3 "$work/out")"; }
s3cmd_() { timeout 120 s3cmd -c "$work/s3cfg" --no-progress "$@" >"$work/out" 2>&1 || fail "s3cmd $*: $(tail -n 3 "$work/out")"; }
rclone_() { timeout 120 rclone --retries 1 --low-level-retries 2 "$@" >"$work/out" 2>&1 || fail "rclone $*: $(tail -n 3 "$work/out")"; }

make_bucket() { # CLIENT BUCKET
  case $1 in
    aws) aws_s3 s3 mb "s3://$2" ;;
    s3cmd) s3cmd_ mb "s3://$2" ;;
    rclone) rclone_ mkdir "vault:$2" ;;
  esac
}
put() { # CLIENT FILE BUCKET/KEY
  case $1 in
    aws) aws_s3 s3 cp "$2" "s3://$3" ;;
    s3cmd) s3cmd_ put "$2" "s3://$3" ;;
    rclone) rclone_ copyto "$2" "vault:$3" ;;
  esac
}
get() { # CLIENT BUCKET/KEY FILE
  case $1 in
    aws) aws_s3 s3 cp "s3://$2" "$3" ;;
    s3cmd) s3cmd_ get --force "s3://$2" "$3" ;;
    rclone) rclone_ copyto "vault:$2" "$3" ;;
  esac
}
remove() { # CLIENT BUCKET/KEY
  case $1 in
    aws) aws_s3 s3 rm "s3://$2" ;;
    s3cmd) s3cmd_ del "s3://$2" ;;
    rclone) rclone_ deletefile "vault:$2" ;;
  esac
}

make_inputs() {
  local size
  mkdir -p "$work/tree/sub/deep"
  find /usr/include/linux -maxdepth 1 -type f | LC_ALL=C sort | sed -n 1,60p | xargs cp -t "$work/tree/sub"
  : >"$work/tree/empty"
  head -c 9000000 /dev/urandom >"$work/tree/sub/deep/random"
  printf 'blank' >"$work/tree/with blank & more+plus"
  printf 'umlaut' >"$work/tree/$(printf '\xc3\xa4')"
  for size in "${sizes[@]}"; do head -c "$size" /dev/urandom >"$work/object-$size"; done
}

start() { # CIPHER: a vault, its mount with the gateway, and a key that was made while the vault was closed
  init_vault vault "$geometry" --cipher "$1"
  coffer s3-key add "${volumes[0]}" --name before --json >"$work/key.json"
  mount_vault "${volumes[0]}" "$mnt" --s3 127.0.0.1:0
  endpoint=$(json status "$mnt" s3_endpoint)
  grep -q "$endpoint" "$work/mounted" || fail "mount did not print $endpoint"
  [[ $endpoint == http://127.0.0.1:[1-9]* ]] || fail "status gives the endpoint '$endpoint'"
  use_key
}

read_a_tree() {
  say "a tree through the mount, read by each client"
  cp -a "$work/tree" "$mnt/bucket"
  aws_s3 s3 cp --recursive s3://bucket "$work/by-aws"
  same_tree "$work/tree" "$work/by-aws"
  rclone_ sync vault:bucket "$work/by-rclone"
  rclone_ check vault:bucket "$work/by-rclone"
  same_tree "$work/tree" "$work/by-rclone"
  mkdir "$work/by-s3cmd" "$work/by-s3cmd-get"
  s3cmd_ sync s3://bucket/ "$work/by-s3cmd/"
  same_tree "$work/tree" "$work/by-s3cmd"
  # A directory made at the mount is a marker object "sub/", which s3cmd's get takes for a file, with any server.
  s3cmd_ get --recursive --exclude '*/' s3://bucket/ "$work/by-s3cmd-get/"
  same_tree "$work/tree" "$work/by-s3cmd-get"
  rm -r "$work"/by-*
}

listed() { [ -n "$(find "$(dirname "$1")" -maxdepth 1 -name "$(basename "$1")")" ]; }
prime() { # PATH: make the kernel remember that it is not there, and what its directory holds
  ! stat "$1" >/dev/null 2>&1 || fail "$1 is there already"
  ! listed "$1" || fail "$1 is listed already"
}
seen() { # FILE PATH: byte-identical at once, listed, and with the right size
  cmp "$1" "$2" || fail "$2 at the mount is not what was put"
  listed "$2" || fail "$2 is not in the listing"
  [ "$(stat -c %s "$1")" = "$(stat -c %s "$2")" ] || fail "the size of $2 is wrong"
}
read_back() { # CLIENT BUCKET/KEY FILE
  get "$1" "$2" "$work/got"
  cmp "$work/got" "$3" || fail "$1 gets other bytes of $2"
  rm "$work/got"
}

both_ways() { # CLIENT
  say "objects put and got by $1"
  local client=$1 size file
  make_bucket "$client" "$client"
  [ -d "$mnt/$client" ] || fail "the bucket $client is no directory at the mount"
  for size in "${sizes[@]}"; do
    file=$work/object-$size
    prime "$mnt/$client/object-$size"
    put "$client" "$file" "$client/object-$size"
    seen "$file" "$mnt/$client/object-$size"
    read_back "$client" "$client/object-$size" "$file"
    cp "$file" "$mnt/$client/mount-$size"
    read_back "$client" "$client/mount-$size" "$file"
  done
  # What is replaced through one door was read through the other just before.
  cat "$mnt/$client/object-1" >/dev/null
  put "$client" "$work/object-$middle" "$client/object-1"
  seen "$work/object-$middle" "$mnt/$client/object-1"
  remove "$client" "$client/object-1"
  [ ! -e "$mnt/$client/object-1" ] || fail "$client removed an object that the mount still shows"
  ! listed "$mnt/$client/object-1" || fail "$client removed an object that the mount still lists"
}

put_a_tree() {
  say "a tree put by each client, read at the mount"
  rclone_ sync "$work/tree" vault:synced
  same_tree "$work/tree" "$mnt/synced"
  rclone_ check "$work/tree" vault:synced
  printf 'changed' >"$mnt/synced/empty"
  [ "$(timeout 60 rclone cat vault:synced/empty)" = changed ] || fail "rclone reads an old version of what the mount changed"
  : >"$mnt/synced/empty"
  mkdir "$work/by-s3cmd" # there are no markers in it, as its directories exist only because of their keys
  s3cmd_ get --recursive s3://synced/ "$work/by-s3cmd/"
  same_tree "$work/tree" "$work/by-s3cmd"
  rm -r "$work/by-s3cmd"
  s3cmd_ put --recursive "$work/tree/" s3://s3cmd/tree/
  same_tree "$work/tree" "$mnt/s3cmd/tree"
  aws_s3 s3 cp --recursive "$work/tree" s3://aws/tree
  same_tree "$work/tree" "$mnt/aws/tree"
}

try_boto3() {
  local tried="" python
  for python in python3 /usr/bin/python3; do
    "$python" -c 'import boto3' 2>/dev/null || continue
    [[ $tried != *" $(realpath "$(command -v "$python")")"* ]] || continue
    tried+=" $(realpath "$(command -v "$python")")"
    say "boto3 ($python)"
    timeout 180 "$python" "$here/s3_clients.py" "$endpoint" "$mnt" $((large >> 20)) || fail "boto3 ($python)"
  done
  [ -n "$tried" ] || say "*** boto3 is not installed: not tried ***"
}

change_keys() {
  say "keys come and go on the live vault"
  local listed
  listed=$(coffer s3-key list "$mnt")
  [[ $listed == *"$AWS_ACCESS_KEY_ID"* ]] || fail "s3-key list does not show the key"
  [[ $listed != *"$AWS_SECRET_ACCESS_KEY"* ]] || fail "s3-key list shows a secret"
  coffer s3-key remove "$mnt" --access-key "$AWS_ACCESS_KEY_ID"
  ! timeout 60 "$aws_binary" --endpoint-url "$endpoint" s3 ls >/dev/null 2>&1 || fail "a removed key still works"
}

serve_alone() {
  say "the gateway alone"
  coffer s3-key add "${volumes[0]}" --name alone --json >"$work/key.json"
  coffer serve "${volumes[0]}" --s3 127.0.0.1:0 --background >"$work/served" || fail "serve gave $?"
  daemon_of["${volumes[0]}"]=$(json status "${volumes[0]}" pid)
  endpoint=$(json status "${volumes[0]}" s3_endpoint)
  use_key
  read_back aws "aws/object-$middle" "$work/object-$middle"
  put aws "$work/object-$large" bucket/put-by-serve
  coffer_unmount "${volumes[0]}" || fail "the gateway does not end"
  wait_gone "${daemon_of["${volumes[0]}"]}" || fail "the gateway's daemon lives on"
  unset 'daemon_of["${volumes[0]}"]'
  mount_vault "${volumes[0]}" "$mnt"
  cmp "$mnt/bucket/put-by-serve" "$work/object-$large" || fail "what serve took is not at the mount"
  unmount_vault "$mnt"
}

make_inputs
for cipher in "${ciphers[@]}"; do
  say "$geometry, $cipher"
  start "$cipher"
  read_a_tree
  for client in "${clients[@]}"; do both_ways "$client"; done
  put_a_tree
  try_boto3
  change_keys
  fsck_clean "$mnt"
  unmount_vault "$mnt"
  serve_alone
  rm -rf "$work/vault" "$work/state"
done
say "passed"
