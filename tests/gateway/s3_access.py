#!/usr/bin/python3
"""Two owners and nobody, with boto3 against one endpoint: s3_access.py ENDPOINT KEY SECRET OTHER_KEY OTHER_SECRET OTHER_OWNER.

ACLs, policies, ownership, tags, CORS, form uploads, clients' keys. The first thing that is not as it should be ends it with a
traceback.
"""
import base64
import datetime
import hashlib
import hmac
import json
import sys
import time
import urllib.error
import urllib.request

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT, KEY, SECRET, OTHER_KEY, OTHER_SECRET, OTHER = sys.argv[1:7]


def client(key=None, secret=None):
    return boto3.client("s3", endpoint_url=ENDPOINT, aws_access_key_id=key, aws_secret_access_key=secret,
                        region_name="us-east-1",
                        config=Config(signature_version="s3v4" if key else UNSIGNED, retries={"max_attempts": 0},
                                      s3={"addressing_style": "path"}))


mine, others, nobody = client(KEY, SECRET), client(OTHER_KEY, OTHER_SECRET), client()
B = "access-bucket"


def code(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "200"


def all_denied(who, key="k"):
    for call, arguments in ((who.list_objects_v2, {}), (who.get_object, {"Key": key}), (who.get_object, {"Key": "no"}),
                            (who.put_object, {"Key": "n", "Body": b"x"}), (who.delete_object, {"Key": key}),
                            (who.get_bucket_acl, {}), (who.get_object_acl, {"Key": key}),
                            (who.get_object_tagging, {"Key": key}), (who.delete_bucket, {}),
                            (who.put_bucket_acl, {"ACL": "public-read"}), (who.get_bucket_policy, {}),
                            (who.put_object_acl, {"Key": key, "ACL": "public-read"}),
                            (who.create_multipart_upload, {"Key": key}), (who.get_bucket_versioning, {}),
                            (who.copy_object, {"Key": "n", "CopySource": B + "/k"})):
        assert code(call, Bucket=B, **arguments) == "AccessDenied", (call, arguments)


def ownership():
    mine.create_bucket(Bucket=B)
    mine.put_object(Bucket=B, Key="k", Body=b"content")
    assert [b["Name"] for b in mine.list_buckets()["Buckets"]] == [B]
    assert others.list_buckets()["Buckets"] == []
    assert nobody.list_buckets()["Buckets"] == []
    assert code(others.create_bucket, Bucket=B) == "BucketAlreadyExists"
    all_denied(others)
    all_denied(nobody)
    # Nobody learns what exists; who has a key does.
    assert code(nobody.get_object, Bucket="no-such-bucket", Key="k") == "AccessDenied"
    assert code(others.get_object, Bucket="no-such-bucket", Key="k") == "NoSuchBucket"


def acls():
    mine.put_object_acl(Bucket=B, Key="k", ACL="public-read")
    assert nobody.get_object(Bucket=B, Key="k")["Body"].read() == b"content"
    assert code(nobody.list_objects_v2, Bucket=B) == "AccessDenied"
    mine.put_object_acl(Bucket=B, Key="k", ACL="private")
    all_denied(nobody)
    mine.put_bucket_acl(Bucket=B, ACL="public-read-write")
    others.put_object(Bucket=B, Key="o", Body=b"other's")
    assert code(mine.get_object, Bucket=B, Key="o") == "AccessDenied"
    assert others.get_object(Bucket=B, Key="o")["Body"].read() == b"other's"
    assert {o["Key"]: o["Owner"]["ID"] == OTHER for o in mine.list_objects(Bucket=B)["Contents"]} == {"k": False, "o": True}
    others.put_object_acl(Bucket=B, Key="o", ACL="bucket-owner-full-control")
    assert mine.get_object(Bucket=B, Key="o")["Body"].read() == b"other's"
    mine.put_bucket_acl(Bucket=B, GrantRead="id=" + OTHER)
    assert [o["Key"] for o in others.list_objects_v2(Bucket=B)["Contents"]] == ["k", "o"]
    assert code(mine.put_bucket_acl, Bucket=B, GrantRead="id=stranger") == "InvalidArgument"
    block = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
    mine.put_public_access_block(Bucket=B, PublicAccessBlockConfiguration=block)
    assert mine.get_public_access_block(Bucket=B)["PublicAccessBlockConfiguration"] == block
    assert code(mine.put_bucket_acl, Bucket=B, ACL="public-read") == "AccessDenied"
    assert code(mine.put_object, Bucket=B, Key="k", Body=b"", ACL="public-read") == "AccessDenied"
    mine.delete_public_access_block(Bucket=B)
    mine.put_bucket_acl(Bucket=B, ACL="private")
    mine.delete_object(Bucket=B, Key="o")
    all_denied(others)


def policies():
    def statement(effect, who, action, resource, condition=None):
        return {"Effect": effect, "Principal": who, "Action": action, "Resource": "arn:aws:s3:::" + resource,
                **({"Condition": condition} if condition else {})}
    policy = {"Version": "2012-10-17", "Statement": [
        statement("Allow", {"AWS": f"arn:aws:iam::{OTHER}:root"}, ["s3:GetObject", "s3:PutObject"], B + "/*"),
        statement("Deny", "*", "s3:PutObject", B + "/*", {"Null": {"s3:x-amz-server-side-encryption": "true"}}),
        statement("Allow", "*", "s3:GetObject", B + "/*", {"StringEquals": {"s3:ExistingObjectTag/public": "yes"}})]}
    mine.put_bucket_policy(Bucket=B, Policy=json.dumps(policy))
    assert json.loads(mine.get_bucket_policy(Bucket=B)["Policy"]) == policy
    assert mine.get_bucket_policy_status(Bucket=B)["PolicyStatus"]["IsPublic"]
    assert others.get_object(Bucket=B, Key="k")["Body"].read() == b"content"
    assert code(others.list_objects_v2, Bucket=B) == "AccessDenied"
    assert code(mine.put_object, Bucket=B, Key="n", Body=b"x") == "AccessDenied"
    mine.put_object(Bucket=B, Key="n", Body=b"x", ServerSideEncryption="AES256")
    assert code(nobody.get_object, Bucket=B, Key="k") == "AccessDenied"
    mine.put_object_tagging(Bucket=B, Key="k", Tagging={"TagSet": [{"Key": "public", "Value": "yes"}]})
    assert nobody.get_object(Bucket=B, Key="k")["TagCount"] == 1
    assert code(mine.put_bucket_policy, Bucket=B, Policy="{}") == "MalformedPolicy"
    mine.delete_bucket_policy(Bucket=B)
    all_denied(nobody)


def bypass_is_asked_for_each_key():
    bucket = "held-bucket"
    mine.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    version = mine.put_object(Bucket=bucket, Key="k", Body=b"x", ObjectLockMode="GOVERNANCE",
                              ObjectLockRetainUntilDate=until)["VersionId"]
    mine.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": [{
        "Effect": "Deny", "Principal": "*", "Action": "s3:BypassGovernanceRetention", "Resource": f"arn:aws:s3:::{bucket}/*"}]}))
    def remove():
        answer = mine.delete_objects(Bucket=bucket, BypassGovernanceRetention=True,
                                     Delete={"Objects": [{"Key": "k", "VersionId": version}]})
        return [error["Code"] for error in answer.get("Errors", [])]
    assert remove() == ["AccessDenied"]
    mine.delete_bucket_policy(Bucket=bucket)
    assert remove() == []
    mine.delete_bucket(Bucket=bucket)


def settings():
    mine.put_bucket_tagging(Bucket=B, Tagging={"TagSet": [{"Key": "a&b", "Value": "ü="}]})
    assert mine.get_bucket_tagging(Bucket=B)["TagSet"] == [{"Key": "a&b", "Value": "ü="}]
    mine.delete_bucket_tagging(Bucket=B)
    assert code(mine.get_bucket_tagging, Bucket=B) == "NoSuchTagSet"
    assert code(mine.put_object, Bucket=B, Key="x", ServerSideEncryption="aws:kms") == "NotImplemented"
    mine.put_bucket_cors(Bucket=B, CORSConfiguration={"CORSRules": [
        {"AllowedOrigins": ["https://*.example"], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["x-*"],
         "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 60}]})
    def preflight(origin, method, headers=""):
        request = urllib.request.Request(f"{ENDPOINT}/{B}/k", method="OPTIONS", headers={
            "Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers})
        try:
            with urllib.request.urlopen(request) as reply:
                return reply.status, reply.headers["Access-Control-Allow-Origin"]
        except urllib.error.HTTPError as error:
            return error.code, error.headers["Access-Control-Allow-Origin"]
    assert preflight("https://a.example", "PUT", "x-amz-date") == (200, "https://a.example")
    assert preflight("https://a.example", "DELETE") == (403, None)
    assert preflight("https://a.example", "PUT", "y-z") == (403, None)
    assert preflight("https://example", "GET") == (403, None)
    mine.delete_bucket_cors(Bucket=B)


def form(fields, data):
    body = b"".join(f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
                    for name, value in fields.items())
    body += b'--b\r\nContent-Disposition: form-data; name="file"; filename="f.bin"\r\n\r\n' + data + b"\r\n--b--\r\n"
    request = urllib.request.Request(f"{ENDPOINT}/{B}", data=body, method="POST",
                                     headers={"Content-Type": "multipart/form-data; boundary=b"})
    try:
        with urllib.request.urlopen(request) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code


def forms():
    data = bytes(range(256)) * 9000
    now = time.gmtime()
    day, stamp = time.strftime("%Y%m%d", now), time.strftime("%Y%m%dT%H%M%SZ", now)
    scope = f"{day}/us-east-1/s3/aws4_request"

    def signed(size_max, **more):
        fields = {"key": "up/${filename}", "x-amz-algorithm": "AWS4-HMAC-SHA256", "x-amz-credential": f"{KEY}/{scope}",
                  "x-amz-date": stamp, "x-amz-meta-a": "1", "Content-Type": "text/x"}
        policy = {"expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 600)),
                  "conditions": [{"bucket": B}, ["starts-with", "$key", "up/"], ["content-length-range", 1, size_max]] +
                  [{name: value} for name, value in fields.items() if name != "key"]}
        fields["policy"] = base64.b64encode(json.dumps(policy).encode()).decode()
        key = ("AWS4" + SECRET).encode()
        for part in scope.split("/") + [fields["policy"]]:
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        fields["x-amz-signature"] = key.hex()
        return {**fields, **more}
    assert form(signed(10 << 20), data) == 204
    got = mine.get_object(Bucket=B, Key="up/f.bin")
    assert got["Body"].read() == data and got["Metadata"] == {"a": "1"} and got["ContentType"] == "text/x"
    assert form(signed(10), data) == 400
    assert form(signed(10 << 20, key="down"), data) == 403
    assert form(signed(10 << 20, **{"x-amz-signature": "0" * 64}), data) == 403
    assert form(signed(10 << 20, **{"x-amz-checksum-crc32": "AAAAAA=="}), data) == 400
    assert form({"key": "anonymous"}, data) == 403
    assert [o["Key"] for o in mine.list_objects_v2(Bucket=B)["Contents"]] == ["k", "n", "up/f.bin"]


def customer_keys():
    def key(letter, prefix=""):
        return {prefix + "SSECustomerAlgorithm": "AES256", prefix + "SSECustomerKey": letter * 32}
    data = bytes(range(256)) * 30000
    mine.put_object(Bucket=B, Key="c", Body=data, **key("1"))
    assert mine.get_object(Bucket=B, Key="c", **key("1"))["Body"].read() == data
    ranged = mine.get_object(Bucket=B, Key="c", Range="bytes=1000007-3000000", **key("1"))
    assert ranged["Body"].read() == data[1000007:3000001]
    assert code(mine.get_object, Bucket=B, Key="c") == "InvalidRequest"
    assert code(mine.get_object, Bucket=B, Key="c", **key("2")) == "InvalidRequest"
    assert code(mine.get_object, Bucket=B, Key="k", **key("1")) == "InvalidRequest"
    assert code(mine.copy_object, Bucket=B, Key="c2", CopySource=B + "/c") == "InvalidRequest"
    mine.copy_object(Bucket=B, Key="c2", CopySource=B + "/c", **key("1", "CopySource"), **key("2"))
    assert mine.get_object(Bucket=B, Key="c2", **key("2"))["Body"].read() == data
    upload = {"Bucket": B, "Key": "cm", "UploadId": mine.create_multipart_upload(Bucket=B, Key="cm", **key("3"))["UploadId"]}
    assert code(mine.upload_part, PartNumber=1, Body=b"x", **upload) == "InvalidRequest"
    one = mine.upload_part(PartNumber=1, Body=data, **upload, **key("3"))["ETag"]
    two = mine.upload_part_copy(PartNumber=7, CopySource=B + "/c2", CopySourceRange="bytes=11-99", **upload, **key("3"),
                                **key("2", "CopySource"))["CopyPartResult"]["ETag"]
    # Here a client need not say the key again, and this boto3 cannot.
    mine.complete_multipart_upload(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": one}, {"PartNumber": 7, "ETag": two}]},
                                   **upload)
    assert mine.get_object(Bucket=B, Key="cm", **key("3"))["Body"].read() == data + data[11:100]
    across = f"bytes={len(data) - 5}-{len(data) + 5}"
    assert mine.get_object(Bucket=B, Key="cm", Range=across, **key("3"))["Body"].read() == data[-5:] + data[11:17]
    assert mine.get_object(Bucket=B, Key="cm", PartNumber=7, **key("3"))["Body"].read() == data[11:100]


def parts_and_attributes():
    data = b"p" * (5 << 20)
    upload = {"Bucket": B, "Key": "mp", "UploadId": mine.create_multipart_upload(Bucket=B, Key="mp")["UploadId"]}
    mine.put_object(Bucket=B, Key="src", Body=data)
    one = mine.upload_part_copy(PartNumber=1, CopySource=B + "/src", **upload)["CopyPartResult"]["ETag"]
    assert one.strip('"') == hashlib.md5(data).hexdigest()
    two = mine.upload_part(PartNumber=2, Body=b"end", **upload)["ETag"]
    mine.complete_multipart_upload(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": one}, {"PartNumber": 2, "ETag": two}]},
                                   **upload)
    part = mine.get_object(Bucket=B, Key="mp", PartNumber=2)
    assert part["Body"].read() == b"end" and part["PartsCount"] == 2
    assert mine.head_object(Bucket=B, Key="mp", PartNumber=1)["ContentLength"] == len(data)
    got = mine.get_object_attributes(Bucket=B, Key="mp", ObjectAttributes=["ETag", "ObjectSize", "ObjectParts", "StorageClass"])
    assert got["ObjectSize"] == len(data) + 3 and got["ObjectParts"]["TotalPartsCount"] == 2, got


ownership()
acls()
policies()
settings()
bypass_is_asked_for_each_key()
forms()
customer_keys()
parts_and_attributes()
