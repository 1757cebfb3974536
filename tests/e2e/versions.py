#!/usr/bin/env python3
"""A versioned bucket through boto3 and the mount.

    versions.py change|verify|expire ENDPOINT MOUNTPOINT STATE

`change` makes versions through both doors and writes down what they hold; `verify` reads them all back, after a crash; `expire` lets lifecycle rules
take objects, versions and uploads, where a day is a second.
"""
import errno
import json
import os
import subprocess
import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

step, endpoint, mountpoint, state = sys.argv[1:]
s3 = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1",
                  config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"max_attempts": 1}))
directory = os.path.join(mountpoint, "versioned")


def same(what, got, expected):
    if got != expected:
        sys.exit(f"{what}: {str(got)[:300]} instead of {str(expected)[:300]}")


def put(key, body):
    return s3.put_object(Bucket="versioned", Key=key, Body=body)["VersionId"]


def body_of(key, **version):
    return s3.get_object(Bucket="versioned", Key=key, **version)["Body"].read().decode()


def error_of(call, **arguments):
    try:
        call(Bucket="versioned", **arguments)
        return None
    except ClientError as error:
        return error.response["Error"]["Code"]


def versions():
    """{key: [(id, marker)]}, the newest first, page by page."""
    found = {}
    for page in s3.get_paginator("list_object_versions").paginate(Bucket="versioned", PaginationConfig={"PageSize": 3}):
        for kind in ("Versions", "DeleteMarkers"):
            for item in page.get(kind, []):
                found.setdefault(item["Key"], []).append((item["LastModified"], item["VersionId"], kind == "DeleteMarkers"))
    return found


def ids(key):
    page = s3.list_object_versions(Bucket="versioned", Prefix=key)
    return [item["VersionId"] for item in page.get("Versions", []) if item["Key"] == key]


def shown(name):
    with open(os.path.join(directory, name)) as file:
        return file.read()


def write(name, text, mode="w"):
    with open(os.path.join(directory, name), mode) as file:
        file.write(text)


def refused(what, call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
    sys.exit(f"{what} was allowed")


def change():
    os.mkdir(directory)
    os.mkdir(os.path.join(directory, "d"))
    write("d/old", "from before")
    with open(os.path.join(directory, "d/old")):  # the kernel knows it
        pass
    s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    write("d/old", " and after", "a")
    same("a file from before", body_of("d/old", VersionId="null"), "from before")
    same("and what was added", body_of("d/old"), "from before and after")

    # S3's changes show at the mount at once.
    one, two = put("k", "one"), None
    same("the mount", shown("k"), "one")
    two = put("k", "two is longer")
    same("the mount, after a PUT", shown("k"), "two is longer")
    marker = s3.delete_object(Bucket="versioned", Key="k")
    same("the marker", marker["DeleteMarker"], True)
    same("the mount, after a DELETE", os.path.exists(os.path.join(directory, "k")), False)
    same("GET", error_of(s3.get_object, Key="k"), "NoSuchKey")
    same("GET of the marker", error_of(s3.get_object, Key="k", VersionId=marker["VersionId"]), "MethodNotAllowed")
    s3.delete_object(Bucket="versioned", Key="k", VersionId=marker["VersionId"])
    same("the mount, without the marker", shown("k"), "two is longer")
    s3.delete_object(Bucket="versioned", Key="k", VersionId=two)
    same("the mount, without the second version", shown("k"), "one")

    # The mount's changes are versions.
    write("k", "three")
    same("S3, after a close", body_of("k"), "three")
    same("the version before", body_of("k", VersionId=one), "one")
    write("k", " and more", "a")
    same("S3, after another close", body_of("k"), "three and more")
    same("versions of k", len(ids("k")), 3)
    same("rename", refused("rename", os.rename, os.path.join(directory, "k"), os.path.join(directory, "moved")), "EXDEV")
    same("link", refused("link", os.link, os.path.join(directory, "k"), os.path.join(directory, "linked")), "EPERM")
    subprocess.run(["mv", os.path.join(directory, "k"), os.path.join(directory, "moved")], check=True)
    same("what mv made", body_of("moved"), "three and more")
    same("what mv left", error_of(s3.get_object, Key="k"), "NoSuchKey")
    same("its versions", body_of("k", VersionId=one), "one")

    # A large one, changed in the middle: the old bytes are shared, not written again.
    large = os.path.join(directory, "large")
    with open(large, "wb") as file:
        file.write(b"a" * (8 << 20))
    with open(large, "r+b") as file:
        file.seek(4 << 20)
        file.write(b"b" * 4096)
    newer, older = ids("large")
    same("the old bytes", body_of("large", VersionId=older), "a" * (8 << 20))
    changed = body_of("large", VersionId=newer)
    same("the new ones", (changed.count("b"), len(changed)), (4096, 8 << 20))

    # Many versions and markers, in pages.
    for i in range(7):
        put("many/x", f"version {i}")
        if i % 3 == 2:
            s3.delete_object(Bucket="versioned", Key="many/x")
    same("all of them", len(versions()["many/x"]), 9)
    same("a copy of one", s3.copy_object(Bucket="versioned", Key="copy", CopySource={
        "Bucket": "versioned", "Key": "many/x", "VersionId": ids("many/x")[-1]})["CopyObjectResult"]["ETag"] is not None, True)
    same("its bytes", body_of("copy"), "version 0")
    deleted = s3.delete_objects(Bucket="versioned", Delete={"Objects": [{"Key": "copy"}, {"Key": "many/x", "VersionId": ids("many/x")[0]}]})
    same("deleted", [item.get("DeleteMarker", False) for item in deleted["Deleted"]], [True, False])

    s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Suspended"})
    same("suspended", s3.put_object(Bucket="versioned", Key="moved", Body="null").get("VersionId"), None)
    same("the null version", body_of("moved", VersionId="null"), "null")
    same("the version before", body_of("moved", VersionId=ids("moved")[1]), "three and more")
    same("the bucket stays", error_of(s3.delete_bucket), "BucketNotEmpty")
    os.sync()
    contents = {key: {version: None if marker else body_of(key, VersionId=version) for _, version, marker in items}
                for key, items in versions().items()}
    with open(state, "w") as file:
        json.dump(contents, file)


def verify():
    with open(state) as file:
        contents = json.load(file)
    now = {key: [version for _, version, _ in items] for key, items in versions().items()}
    same("keys", sorted(now), sorted(contents))
    for key, items in contents.items():
        same(f"versions of {key}", sorted(now[key]), sorted(items))
        for version, body in items.items():
            if body is not None:
                same(f"{key} {version}", body_of(key, VersionId=version) == body, True)
    # Everything can go, and then the bucket.
    for key, items in contents.items():
        for version in items:
            s3.delete_object(Bucket="versioned", Key=key, VersionId=version)
    for root, names, files in os.walk(directory, topdown=False):
        same("files left", files, [])
        if root != directory:
            os.rmdir(root)
    s3.delete_bucket(Bucket="versioned")


def expire():
    """With a day of one second."""
    for bucket in ("expiring", "versions-expire"):
        s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket="versions-expire", VersioningConfiguration={"Status": "Enabled"})
    for key in ("old/a", "old/b", "keep/a"):
        s3.put_object(Bucket="expiring", Key=key, Body=b"x")
    with open(os.path.join(mountpoint, "expiring/old/by-mount"), "w") as file:
        file.write("x")
    upload = s3.create_multipart_upload(Bucket="expiring", Key="old/upload")["UploadId"]
    for body in (b"1", b"2", b"3", b"4"):
        s3.put_object(Bucket="versions-expire", Key="k", Body=body)
    s3.put_object(Bucket="versions-expire", Key="gone", Body=b"x")
    s3.delete_object(Bucket="versions-expire", Key="gone")
    rule = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "old/"}, "Expiration": {"Days": 1},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket="expiring", LifecycleConfiguration={"Rules": [rule]})
    s3.put_bucket_lifecycle_configuration(Bucket="versions-expire", LifecycleConfiguration={"Rules": [
        {"ID": "r", "Status": "Enabled", "Filter": {}, "Expiration": {"ExpiredObjectDeleteMarker": True},
         "NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 1}}]})

    def state():
        listed = s3.list_object_versions(Bucket="versions-expire")
        return ([item["Key"] for item in s3.list_objects_v2(Bucket="expiring").get("Contents", [])],
                "Uploads" in s3.list_multipart_uploads(Bucket="expiring"),
                [item["Key"] for item in listed.get("Versions", [])], [item["Key"] for item in listed.get("DeleteMarkers", [])])

    # Of "gone" the newest version that is not current stays, and so does the marker that hides it.
    expected = (["keep/a"], False, ["gone", "k", "k"], ["gone"])
    for _ in range(40):
        if state() == expected:
            break
        time.sleep(0.5)
    same("what is left", state(), expected)
    same("the mount", os.listdir(os.path.join(mountpoint, "expiring")), ["keep"])
    same("the upload", upload in str(s3.list_multipart_uploads(Bucket="expiring")), False)


{"change": change, "verify": verify, "expire": expire}[step]()
