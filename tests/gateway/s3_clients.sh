#!/bin/sh
# What the everyday clients do, against one endpoint: s3_clients.sh ENDPOINT ACCESS_KEY SECRET_KEY DIRECTORY.
# Every client that is installed puts a tree and takes it back; both must be equal. Ends at the first failure.
set -eu
endpoint=$1
export AWS_ACCESS_KEY_ID=$2 AWS_SECRET_ACCESS_KEY=$3 AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true
unset AWS_CA_BUNDLE AWS_PROFILE || true
export HOME=$4
cd "$4"
mkdir source
head -c 20000000 /dev/urandom >source/large
head -c 70000 /dev/urandom >source/medium
echo text >'source/a b+c%d'
: >source/empty
mkdir -p source/sub/deep
cp -r /usr/include/linux/can source/sub/deep/

equal() {
    diff -r source "$1"
    rm -rf "$1"
    echo "$2: ok"
}

for aws in /usr/bin/aws; do
    [ -x $aws ] || continue
    s3="$aws --endpoint-url $endpoint s3"
    $s3 mb s3://awscli >/dev/null
    $s3 cp --quiet --recursive source s3://awscli/p/
    $s3 cp --quiet --recursive s3://awscli/p/ back
    [ "$($s3 ls s3://awscli/p/ | wc -l)" -eq 5 ]
    equal back awscli
    $s3 rb --force s3://awscli >/dev/null
done

if command -v rclone >/dev/null; then
    cat >rclone.conf <<END
[t]
type = s3
provider = Other
access_key_id = $AWS_ACCESS_KEY_ID
secret_access_key = $AWS_SECRET_ACCESS_KEY
endpoint = $endpoint
END
    rclone="rclone --config rclone.conf -q"
    $rclone mkdir t:rclone
    $rclone sync source t:rclone/x
    $rclone check source t:rclone/x
    $rclone sync t:rclone/x back
    equal back rclone
    $rclone purge t:rclone
fi

if command -v s3cmd >/dev/null; then
    host=${endpoint#http://}
    s3cmd="s3cmd --access_key=$AWS_ACCESS_KEY_ID --secret_key=$AWS_SECRET_ACCESS_KEY --host=$host --host-bucket=$host --no-ssl -q"
    $s3cmd mb s3://s3cmd
    $s3cmd put -r source/ s3://s3cmd/y/
    mkdir back
    $s3cmd get -r s3://s3cmd/y/ back/
    equal back s3cmd
    $s3cmd rb -r --force s3://s3cmd 2>/dev/null
fi

curl="curl -sS --fail --max-time 60 --aws-sigv4 aws:amz:us-east-1:s3 --user $AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY
    -H x-amz-content-sha256:UNSIGNED-PAYLOAD"
$curl -X PUT "$endpoint/curl-bucket"
$curl -T source/large "$endpoint/curl-bucket/large"
$curl -o large "$endpoint/curl-bucket/large"
cmp large source/large
$curl -X DELETE "$endpoint/curl-bucket/large"
$curl -X DELETE "$endpoint/curl-bucket"
echo "curl: ok"
