#!/usr/bin/env python3
"""boto3 against the gateway and the mount of one vault.

    s3_clients.py ENDPOINT MOUNTPOINT LARGE_MIB
"""
import hashlib
import os
import sys

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, mountpoint, large = sys.argv[1], sys.argv[2], int(sys.argv[3]) << 20
s3 = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1",
                  config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"max_attempts": 1}))
MIB = 1 << 20
directory = os.path.join(mountpoint, "boto")


def same(what, got, expected):
    if got != expected:
        sys.exit(f"{what}: {str(got)[:200]} instead of {str(expected)[:200]}")


def shown(key):
    with open(os.path.join(directory, key), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def status_of(call, **arguments):
    try:
        return call(**arguments)["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]


def put_and_see(size):
    key = f"size-{size}"
    same("primed negative lookup", os.path.exists(os.path.join(directory, key)), False)
    os.listdir(directory)
    body = os.urandom(size)
    if size > 8 * MIB:
        with open(os.path.join(os.environ["HOME"], "upload"), "w+b") as file:
            file.write(body)
            file.seek(0)
            s3.upload_fileobj(file, "boto", key, Config=TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB))
    else:
        s3.put_object(Bucket="boto", Key=key, Body=body)
    same(f"{key} at the mount", shown(key), hashlib.sha256(body).hexdigest())
    same(f"{key} in the listing", key in os.listdir(directory), True)
    same(f"{key} by GET", s3.get_object(Bucket="boto", Key=key)["Body"].read() == body, True)
    same(f"{key} by HEAD", s3.head_object(Bucket="boto", Key=key)["ContentLength"], size)
    with open(os.path.join(directory, "mount-" + key), "wb") as file:
        file.write(body)
    same(f"mount-{key} by GET", s3.get_object(Bucket="boto", Key="mount-" + key)["Body"].read() == body, True)


def overwrite_and_see():
    for round_number in range(20):
        body = os.urandom(1000 * (20 - round_number))
        s3.put_object(Bucket="boto", Key="again", Body=body)
        same(f"overwrite {round_number} at the mount", shown("again"), hashlib.sha256(body).hexdigest())
        same("its size", os.stat(os.path.join(directory, "again")).st_size, len(body))


def mount_to_s3():
    for round_number in range(10):
        body = os.urandom(5000 + round_number)
        with open(os.path.join(directory, "from-mount"), "wb") as file:
            file.write(body)
        same(f"GET after write {round_number}", s3.get_object(Bucket="boto", Key="from-mount")["Body"].read() == body, True)
    os.unlink(os.path.join(directory, "from-mount"))
    same("HEAD after unlink", status_of(s3.head_object, Bucket="boto", Key="from-mount"), 404)


def ranges_and_conditions():
    body = os.urandom(100000)
    etag = s3.put_object(Bucket="boto", Key="ranged", Body=body, ContentType="text/x-test", Metadata={"who": "me"})["ETag"]
    for header, part in (("bytes=0-0", body[:1]), ("bytes=10-19", body[10:20]), ("bytes=99990-", body[99990:]), ("bytes=-7", body[-7:])):
        same(header, s3.get_object(Bucket="boto", Key="ranged", Range=header)["Body"].read(), part)
    same("range beyond the end", status_of(s3.get_object, Bucket="boto", Key="ranged", Range="bytes=100000-"), 416)
    same("If-None-Match", status_of(s3.get_object, Bucket="boto", Key="ranged", IfNoneMatch=etag), 304)
    same("If-Match", status_of(s3.get_object, Bucket="boto", Key="ranged", IfMatch='"0123"'), 412)
    head = s3.head_object(Bucket="boto", Key="ranged")
    same("content type", head["ContentType"], "text/x-test")
    same("metadata", head["Metadata"], {"who": "me"})
    s3.copy_object(Bucket="boto", Key="copied/deep", CopySource={"Bucket": "boto", "Key": "ranged"})
    same("copy at the mount", shown("copied/deep"), hashlib.sha256(body).hexdigest())


def listings():
    keys = sorted([f"list/{i:03}" for i in range(25)] + ["list/a/b", "list/a/c", "list/a.txt", "list/\u00e4", "list/with blank+plus"],
                  key=lambda key: key.encode())
    for key in keys:
        s3.put_object(Bucket="boto", Key=key, Body=b"x")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="boto", Prefix="list/", PaginationConfig={"PageSize": 7})
    same("all keys in byte order", [item["Key"] for page in pages for item in page.get("Contents", [])], keys)
    page = s3.list_objects_v2(Bucket="boto", Prefix="list/", Delimiter="/")
    same("common prefixes", [item["Prefix"] for item in page["CommonPrefixes"]], ["list/a/"])
    page = s3.list_objects(Bucket="boto", Prefix="list/0", MaxKeys=3)
    same("v1 page", [item["Key"] for item in page["Contents"]], ["list/000", "list/001", "list/002"])
    same("v1 truncated", page["IsTruncated"], True)


def multipart_and_abort():
    upload = s3.create_multipart_upload(Bucket="boto", Key="parts")["UploadId"]
    first, last = os.urandom(5 * MIB), os.urandom(10)
    tags = [s3.upload_part(Bucket="boto", Key="parts", UploadId=upload, PartNumber=number, Body=body)["ETag"]
            for number, body in ((1, first), (7, last))]
    same("not there before it is complete", os.path.exists(os.path.join(directory, "parts")), False)
    s3.complete_multipart_upload(Bucket="boto", Key="parts", UploadId=upload, MultipartUpload={
        "Parts": [{"ETag": tags[0], "PartNumber": 1}, {"ETag": tags[1], "PartNumber": 7}]})
    same("complete at the mount", shown("parts"), hashlib.sha256(first + last).hexdigest())
    upload = s3.create_multipart_upload(Bucket="boto", Key="aborted")["UploadId"]
    s3.upload_part(Bucket="boto", Key="aborted", UploadId=upload, PartNumber=1, Body=b"x")
    s3.abort_multipart_upload(Bucket="boto", Key="aborted", UploadId=upload)
    same("uploads left", s3.list_multipart_uploads(Bucket="boto").get("Uploads", []), [])


def errors():
    same("no such key", status_of(s3.get_object, Bucket="boto", Key="no such"), 404)
    same("no such bucket", status_of(s3.list_objects_v2, Bucket="no-such-bucket"), 404)
    stranger = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="A" * 20,
                            aws_secret_access_key="b" * 40, config=Config(retries={"max_attempts": 1}))
    same("a stranger", status_of(stranger.list_objects_v2, Bucket="boto"), 403)
    same("a bucket that is not empty", status_of(s3.delete_bucket, Bucket="boto"), 409)


def empty_bodies_on_one_connection():
    """botocore sends Expect: 100-continue with each of them, and keeps the connection."""
    import io
    one = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1",
                       config=Config(max_pool_connections=1, read_timeout=10, retries={"total_max_attempts": 1},
                                     s3={"addressing_style": "path"}))
    for round_number, size in enumerate((0, 100, 0, 0, 5 * MIB, 0)):
        body = os.urandom(size)
        one.put_object(Bucket="boto", Key="one-connection", Body=io.BytesIO(body))
        same(f"put {round_number} on one connection", shown("one-connection"), hashlib.sha256(body).hexdigest())


def presigned():
    import urllib.request
    body = s3.get_object(Bucket="boto", Key="ranged")["Body"].read()
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "boto", "Key": "ranged"}, ExpiresIn=60)
    same("presigned GET", urllib.request.urlopen(url, timeout=30).read() == body, True)


s3.create_bucket(Bucket="boto")
same("bucket at the mount", os.path.isdir(directory), True)
for byte_count in (0, 1, 5 * MIB, large):
    put_and_see(byte_count)
for step in (overwrite_and_see, mount_to_s3, ranges_and_conditions, listings, multipart_and_abort, errors, empty_bodies_on_one_connection, presigned):
    step()
objects = [{"Key": item["Key"]} for page in s3.get_paginator("list_objects_v2").paginate(Bucket="boto") for item in page.get("Contents", [])]
s3.delete_objects(Bucket="boto", Delete={"Objects": objects})
same("left after deleting all", s3.list_objects_v2(Bucket="boto")["KeyCount"], 0)
s3.delete_bucket(Bucket="boto")
same("the bucket's directory", os.path.exists(directory), False)
print(f"boto3 {boto3.__version__}: passed")
