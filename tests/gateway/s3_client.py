#!/usr/bin/python3
"""Everyday S3 with boto3 against one endpoint: s3_client.py ENDPOINT ACCESS_KEY SECRET_KEY.

Works with the boto3 of Debian 12 and with newer ones (which send other checksums and framings). The first
thing that is not as it should be ends it with a traceback.
"""
import hashlib
import io
import random
import sys
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT, ACCESS_KEY, SECRET_KEY = sys.argv[1:4]
BUCKET = "boto3-" + boto3.__version__.replace(".", "-")
SIZES = (0, 1, 5, 1000, 70000, 300000, 1 << 20, (1 << 20) + 1, 9000001)
# Every class of key that S3 allows; the mount shows what POSIX cannot hold under an escaped name.
KEYS = ["a", "a/b", "//", "/lead", "trail/", ".", "..", "a/../b", "x" * 1024, "y" * 300 + "/z", "ü/ñ €",
        "sp ace+plus%25&=?#", "a\tb", "quo\"te<>'", "\U0001f600", "%41", "a-b", "a0"]


def client(access_key=ACCESS_KEY, secret_key=SECRET_KEY):
    return boto3.client("s3", endpoint_url=ENDPOINT, aws_access_key_id=access_key, aws_secret_access_key=secret_key,
                        region_name="us-east-1",
                        config=Config(signature_version="s3v4", retries={"max_attempts": 0},
                                      s3={"addressing_style": "path"}))


s3 = client()


def fails(call, code, status, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        got = (error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"])
        assert got == (code, status), (got, code, status)
    else:
        raise AssertionError((code, arguments))


def read(key, **arguments):
    return s3.get_object(Bucket=BUCKET, Key=key, **arguments)["Body"].read()


def listed(operation, size):
    pages = s3.get_paginator(operation).paginate(Bucket=BUCKET, PaginationConfig={"PageSize": size})
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


def objects():
    for size in SIZES:
        data, key = random.Random(size).randbytes(size), f"o/{size}"
        put = s3.put_object(Bucket=BUCKET, Key=key, Body=data, Metadata={"a": "b", "x-y": "z"},
                            ContentType="text/x-n", CacheControl="no-cache")
        assert put["ETag"].strip('"') == hashlib.md5(data).hexdigest()
        got = s3.get_object(Bucket=BUCKET, Key=key)
        assert got["Body"].read() == data
        assert (got["ContentType"], got["Metadata"], got["CacheControl"]) == \
            ("text/x-n", {"a": "b", "x-y": "z"}, "no-cache")
        assert s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"] == size
        if size > 10:
            assert read(key, Range="bytes=3-9") == data[3:10]
            assert read(key, Range="bytes=-5") == data[-5:]
            assert read(key, Range="bytes=2-") == data[2:]
    fails(s3.get_object, "InvalidRange", 416, Bucket=BUCKET, Key="o/1", Range="bytes=10-")


def keys():
    for key in KEYS:
        s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
    for key in KEYS:
        assert read(key) == key.encode(), key
    expected = sorted(KEYS + [f"o/{size}" for size in SIZES], key=str.encode)
    assert listed("list_objects_v2", 3) == expected, (listed("list_objects_v2", 3), expected)
    assert listed("list_objects", 4) == expected
    prefixes = s3.list_objects_v2(Bucket=BUCKET, Delimiter="/")["CommonPrefixes"]
    assert [p["Prefix"] for p in prefixes] == ["/", "a/", "o/", "trail/", "y" * 300 + "/", "ü/"], prefixes
    under = s3.list_objects_v2(Bucket=BUCKET, Prefix="a/", Delimiter="/")
    assert [o["Key"] for o in under["Contents"]] == ["a/b"]
    assert [p["Prefix"] for p in under["CommonPrefixes"]] == ["a/../"]


def errors_and_conditions():
    fails(s3.get_object, "NoSuchKey", 404, Bucket=BUCKET, Key="nope")
    fails(s3.get_object, "NoSuchBucket", 404, Bucket="nope-bucket", Key="nope")
    fails(s3.put_object, "NoSuchBucket", 404, Bucket="nope-bucket", Key="nope", Body=b"x" * 100000)
    fails(s3.head_object, "404", 404, Bucket=BUCKET, Key="nope")
    fails(s3.delete_bucket, "BucketNotEmpty", 409, Bucket=BUCKET)
    etag = s3.head_object(Bucket=BUCKET, Key="a")["ETag"]
    fails(s3.get_object, "304", 304, Bucket=BUCKET, Key="a", IfNoneMatch=etag)
    fails(s3.get_object, "PreconditionFailed", 412, Bucket=BUCKET, Key="a", IfMatch='"x"')
    assert read("a", IfMatch=etag) == b"a"
    fails(s3.get_object_legal_hold, "InvalidRequest", 400, Bucket=BUCKET, Key="a")
    fails(s3.get_bucket_policy, "NoSuchBucketPolicy", 404, Bucket=BUCKET)
    fails(s3.put_object, "BadDigest", 400, Bucket=BUCKET, Key="bad", Body=b"abc", ContentMD5="XrY7u+Ae7tCTyyK7j1rNww==")
    fails(s3.head_object, "404", 404, Bucket=BUCKET, Key="bad")
    assert "Status" not in s3.get_bucket_versioning(Bucket=BUCKET)
    s3.create_bucket(Bucket="locked-bucket", ObjectLockEnabledForBucket=True)  # which boto3 writes as `True`
    assert s3.get_object_lock_configuration(Bucket="locked-bucket")["ObjectLockConfiguration"]["ObjectLockEnabled"] == "Enabled"
    s3.delete_bucket(Bucket="locked-bucket")
    assert s3.get_bucket_acl(Bucket=BUCKET)["Grants"][0]["Permission"] == "FULL_CONTROL"
    assert s3.get_bucket_location(Bucket=BUCKET)["LocationConstraint"] is None
    fails(client(secret_key="x" * 40).list_buckets, "SignatureDoesNotMatch", 403)
    fails(client(access_key="x" * 20).list_buckets, "InvalidAccessKeyId", 403)
    fails(client(secret_key="x" * 40).put_object, "SignatureDoesNotMatch", 403, Bucket=BUCKET, Key="x",
          Body=b"x" * (3 << 20))


def checksums():
    data = b"hello" * 1000
    for algorithm in ("CRC32", "SHA1", "SHA256"):
        s3.put_object(Bucket=BUCKET, Key="c" + algorithm, Body=data, ChecksumAlgorithm=algorithm)
        head = s3.head_object(Bucket=BUCKET, Key="c" + algorithm, ChecksumMode="ENABLED")
        assert "Checksum" + algorithm in head, head
        assert read("c" + algorithm, ChecksumMode="ENABLED") == data


def multipart():
    data = random.Random(7).randbytes(17 << 20)
    s3.upload_fileobj(io.BytesIO(data), BUCKET, "mp",
                      Config=TransferConfig(multipart_threshold=8 << 20, multipart_chunksize=5 << 20))
    got = io.BytesIO()
    s3.download_fileobj(BUCKET, "mp", got)
    assert got.getvalue() == data
    parts = [data[i:i + (5 << 20)] for i in range(0, len(data), 5 << 20)]
    etag = hashlib.md5(b"".join(hashlib.md5(p).digest() for p in parts)).hexdigest() + f"-{len(parts)}"
    assert s3.head_object(Bucket=BUCKET, Key="mp")["ETag"].strip('"') == etag

    upload = {"Bucket": BUCKET, "Key": "mp2", "UploadId": s3.create_multipart_upload(Bucket=BUCKET, Key="mp2")["UploadId"]}
    first = s3.upload_part(PartNumber=1, Body=data[:5 << 20], **upload)["ETag"]
    second = s3.upload_part_copy(PartNumber=2, CopySource={"Bucket": BUCKET, "Key": "mp"},
                                 CopySourceRange="bytes=100-199", **upload)["CopyPartResult"]["ETag"]
    assert [p["PartNumber"] for p in s3.list_parts(**upload)["Parts"]] == [1, 2]
    assert s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"][0]["UploadId"] == upload["UploadId"]
    one, two = {"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": second}
    fails(s3.complete_multipart_upload, "InvalidPart", 400, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": "0" * 32}]}, **upload)
    fails(s3.complete_multipart_upload, "InvalidPartOrder", 400, MultipartUpload={"Parts": [two, one]}, **upload)
    s3.complete_multipart_upload(MultipartUpload={"Parts": [one, two]}, **upload)
    assert read("mp2") == data[:5 << 20] + data[100:200]
    aborted = {"Bucket": BUCKET, "Key": "mp3", "UploadId": s3.create_multipart_upload(Bucket=BUCKET, Key="mp3")["UploadId"]}
    s3.upload_part(PartNumber=1, Body=b"x", **aborted)
    s3.abort_multipart_upload(**aborted)
    fails(s3.list_parts, "NoSuchUpload", 404, **aborted)


def copies_and_presigned():
    s3.copy_object(Bucket=BUCKET, Key="cp", CopySource={"Bucket": BUCKET, "Key": "ü/ñ €"})
    assert read("cp") == "ü/ñ €".encode()
    s3.copy_object(Bucket=BUCKET, Key="cp", CopySource={"Bucket": BUCKET, "Key": "cp"},
                   MetadataDirective="REPLACE", Metadata={"n": "v"})
    assert s3.head_object(Bucket=BUCKET, Key="cp")["Metadata"] == {"n": "v"}
    fails(s3.copy_object, "InvalidRequest", 400, Bucket=BUCKET, Key="cp", CopySource={"Bucket": BUCKET, "Key": "cp"})
    url = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "sp ace+plus%25&=?#",
                                                          "ResponseContentType": "x/y\r\nEvil: 1"})
    with urllib.request.urlopen(url) as reply:
        assert reply.read() == b"sp ace+plus%25&=?#" and "Evil" not in reply.headers
    url = s3.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": "pre"})
    urllib.request.urlopen(urllib.request.Request(url, data=b"presigned", method="PUT")).close()
    assert read("pre") == b"presigned"


def removal():
    assert s3.list_object_versions(Bucket=BUCKET, MaxKeys=5)["Versions"][0]["VersionId"] == "null"
    everything = listed("list_objects_v2", 1000)
    gone = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": key} for key in everything]})
    assert len(gone["Deleted"]) == len(everything), gone
    assert listed("list_objects_v2", 1000) == []
    s3.delete_object(Bucket=BUCKET, Key="gone")
    s3.delete_bucket(Bucket=BUCKET)
    fails(s3.head_bucket, "404", 404, Bucket=BUCKET)


s3.create_bucket(Bucket=BUCKET)
assert BUCKET in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
for step in (objects, keys, errors_and_conditions, checksums, multipart, copies_and_presigned, removal):
    step()
print("ok, boto3", boto3.__version__)
