#!/usr/bin/env python3
"""A storm of random operations on the same few names, by several processes at once: some at the mount, some by S3.

    storm.py DIRECTORY SEED SECONDS [ENDPOINT]     DIRECTORY is a bucket; with ENDPOINT two of five processes are S3 clients

What they do may fail, as they are in each other's way, but only with an error that two programs on one disk give each other.
When it returns, every process has ended and every file is closed.
"""
import ctypes
import errno
import mmap
import os
import random
import sys
import time

ALLOWED = {errno.ENOENT, errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENOTEMPTY, errno.EINVAL, errno.ELOOP, errno.EPERM,
           errno.EXDEV, errno.EMLINK, errno.EBUSY, errno.ENODATA, errno.ESTALE, errno.ENXIO, errno.ESPIPE, errno.EAGAIN, errno.ENODEV}
LIBC = ctypes.CDLL(None, use_errno=True)
NOREPLACE, EXCHANGE = 1, 2


class AtTheMount:
    def __init__(self, root, seed):
        self.rng = random.Random(seed)
        self.root = root
        self.open = []  # files that stay open for a while, also when they were unlinked
        self.listings = []

    def __str__(self):
        return "process at the mount"

    def path(self):
        depth = self.rng.choice([1, 1, 2, 3])
        return os.path.join(self.root, *(f"n{self.rng.randrange(8)}" for _ in range(depth)))

    def create(self):
        fd = os.open(self.path(), os.O_RDWR | os.O_CREAT | self.rng.choice([0, os.O_TRUNC, os.O_EXCL]) | os.O_NONBLOCK, 0o644)
        self.open.append(fd)
        os.write(fd, self.rng.randbytes(self.rng.choice([0, 1, 5000, 200000])))

    def unlink_open(self):
        path = self.path()
        fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self.open.append(fd)
        os.unlink(path)
        os.pwrite(fd, b"unlinked", 4096)
        os.pread(fd, 8, 4096)

    def seek(self):
        if self.open:
            os.lseek(self.rng.choice(self.open), self.rng.choice([0, 4096, 100000]), self.rng.choice([os.SEEK_DATA, os.SEEK_HOLE]))

    def without_name(self):
        fd = os.open(self.root, os.O_TMPFILE | os.O_RDWR, 0o600)
        self.open.append(fd)
        os.ftruncate(fd, 10000)
        with mmap.mmap(fd, 10000) as memory:  # nobody else can cut it off under the mapping yet
            memory[5000:5006] = b"mapped"
        if self.rng.random() < 0.5:
            os.link(f"/proc/self/fd/{fd}", self.path(), follow_symlinks=True)

    def rename(self):
        flags = self.rng.choice([0, 0, NOREPLACE, EXCHANGE])
        if LIBC.renameat2(-100, self.path().encode(), -100, self.path().encode(), flags) != 0:
            raise OSError(ctypes.get_errno(), "renameat2")

    def list(self):
        listing = os.scandir(os.path.dirname(self.path()))
        if self.rng.random() < 0.3:  # is left in the middle
            next(listing, None)
            self.listings.append(listing)
        else:
            for entry in listing:
                entry.stat(follow_symlinks=False)

    def close_some(self):
        self.rng.shuffle(self.open)
        while len(self.open) > 10:
            os.close(self.open.pop())
        while len(self.listings) > 3:
            self.listings.pop().close()

    def step(self):
        path = self.path()
        action = self.rng.choice([
            self.create, self.create, self.unlink_open, self.seek, self.seek, self.without_name, self.rename, self.rename, self.list, self.list,
            lambda: os.unlink(path),
            lambda: os.mkdir(path),
            lambda: os.mkdir(path),
            lambda: os.rmdir(path),
            lambda: os.link(path, self.path(), follow_symlinks=False),
            lambda: os.symlink(self.path(), path),
            lambda: os.mkfifo(path),
            lambda: os.stat(path),
            lambda: os.lstat(path),
            lambda: os.truncate(path, self.rng.randrange(300000)),
            lambda: os.setxattr(path, "user.storm", b"x", follow_symlinks=False),
            lambda: os.chmod(path, 0o700),
        ])
        try:
            action()
        except OSError as error:
            if error.errno not in ALLOWED:
                raise
        self.close_some()


class ByS3:
    def __init__(self, bucket, endpoint, seed):
        import boto3
        from botocore.config import Config
        self.rng = random.Random(seed)
        self.bucket = bucket
        self.s3 = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", config=Config(
            signature_version="s3v4", s3={"addressing_style": "path"}, retries={"max_attempts": 0}, read_timeout=20))
        self.last = None
        self.s3.meta.events.register("before-call", lambda model, params, **_: setattr(self, "last", f"{model.name} {params['url_path']}"))

    def __str__(self):
        return f"S3 client, last {self.last}"

    def key(self):
        depth = self.rng.choice([1, 1, 2, 3])
        return "/".join(f"n{self.rng.randrange(8)}" for _ in range(depth)) + self.rng.choice(["", "", "", "/"])

    def parts(self):
        place = {"Bucket": self.bucket, "Key": self.key()}
        upload = self.s3.create_multipart_upload(**place)["UploadId"]
        tag = self.s3.upload_part(**place, UploadId=upload, PartNumber=1, Body=b"part")["ETag"]
        if self.rng.random() < 0.5:
            self.s3.abort_multipart_upload(**place, UploadId=upload)
        else:
            self.s3.complete_multipart_upload(**place, UploadId=upload, MultipartUpload={"Parts": [{"ETag": tag, "PartNumber": 1}]})

    def step(self):
        from botocore.exceptions import ClientError
        place = {"Bucket": self.bucket, "Key": self.key()}
        action = self.rng.choice([
            lambda: self.s3.put_object(**place, Body=self.rng.randbytes(self.rng.choice([0, 1, 5000, 200000]))),
            lambda: self.s3.put_object(**place, Body=b"put"),
            lambda: self.s3.delete_object(**place),
            lambda: self.s3.delete_object(**place),
            lambda: self.s3.get_object(**place)["Body"].read(),
            lambda: self.s3.head_object(**place),
            lambda: self.s3.copy_object(**place, CopySource={"Bucket": self.bucket, "Key": self.key()}),
            lambda: self.s3.list_objects_v2(Bucket=self.bucket, Delimiter=self.rng.choice(["", "/"])),
            lambda: self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": self.key()}, {"Key": self.key()}]}),
            self.parts,
        ])
        try:
            action()
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                raise


def run(client, seconds):
    """Steps until the time is up; returns the process's exit status."""
    steps = 0
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            client.step()
            steps += 1
    except Exception as error:  # the parent is told, whatever it is
        print(f"{client} after {steps} steps: {error!r}", file=sys.stderr, flush=True)
        return 1
    print(f"{client}: {steps} steps", flush=True)
    return 0 if steps > 10 else 1


def main(directory, seed, seconds, endpoint=None):
    children = []
    for number in range(5):
        child = os.fork()
        if child == 0:
            own_seed = f"{seed}-{number}"
            client = ByS3(os.path.basename(directory), endpoint, own_seed) if endpoint and number >= 3 else AtTheMount(directory, own_seed)
            os._exit(run(client, float(seconds)))
        children.append(child)
    return max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0 for child in children)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
