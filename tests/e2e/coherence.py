#!/usr/bin/env python3
"""Several processes at the mount and several S3 clients on the same names, compared with a model.

    coherence.py DIRECTORY SEED SECONDS ENDPOINT     DIRECTORY is a bucket

Every name is a register: an operation has a beginning and an end on one clock, writes have contents of their own, and what a
read gave, at whichever door, must be what some write left that no other one had overwritten before the read began. After each
phase all stand still: then both doors, and the mount again with the kernel's caches empty, must give one and the same
contents and listing, and the model must allow it.
"""
import errno
import hashlib
import multiprocessing
import os
import random
import sys
import time
import traceback
from bisect import bisect_left
from collections import defaultdict, namedtuple

NAMES = [f"n{i}" for i in range(10)] + [f"d{i}/n{j}" for i in range(2) for j in range(3)]
AT_MOUNT, BY_S3 = 3, 3
PHASE_SECONDS = 2.5
# Two programs that are in each other's way may meet these; the operation then did nothing.
HARMLESS = {errno.ENOENT, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ESTALE}

Write = namedtuple("Write", "name begin end token maybe by")  # token: None for a deletion; maybe: it failed half-way
Read = namedtuple("Read", "name begin end seen by")  # seen: ("is", content), ("exists", bool), ("size", bytes or None)


def content_of(token):
    """What a write leaves: its size and every part of it tell which one it was."""
    unit = hashlib.sha256(token.encode()).hexdigest().encode()
    return token.encode() + b"\n" + unit * (int(unit[:4], 16) % (3000 if unit[4:5] < b"4" else 20))


def size_of(write):
    return 0 if write.token is None else len(content_of(write.token))


class Client:
    def __init__(self, number, seed):
        self.number = number
        self.rng = random.Random(f"{seed}-{number}")
        self.made = 0
        self.log = []

    def new_token(self):
        self.made += 1
        return f"{self.number}.{self.made}.{self.rng.randrange(1 << 30)}"

    def wrote(self, name, begin, token, maybe=False):
        self.log.append(Write(name, begin, time.monotonic(), token, maybe, f"{self} {sys._getframe(1).f_code.co_name}"))

    def saw(self, name, begin, what, value):
        self.log.append(Read(name, begin, time.monotonic(), (what, value), str(self)))

    def saw_listing(self, begin, found):
        for name in NAMES:
            self.saw(name, begin, "exists", name in found)

    def phase(self, seconds):
        self.log = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.rng.choice(self.actions)(self.rng.choice(NAMES))
        return self.log


class AtTheMount(Client):
    def __init__(self, number, seed, root):
        super().__init__(number, seed)
        self.root = root
        self.actions = [self.replace, self.replace, self.rewrite, self.link, self.unlink, self.read, self.read, self.read, self.stat, self.list]

    def __str__(self):
        return f"process {self.number} at the mount"

    def path(self, name):
        return os.path.join(self.root, name)

    def temporary(self, token):
        path = os.path.join(self.root, f"t{self.number}")
        with open(path, "wb") as file:
            file.write(content_of(token))
        return path

    def named_from(self, name, give_name):
        token, begin = self.new_token(), time.monotonic()
        path = self.temporary(token)
        try:
            os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
            give_name(path, self.path(name))
        except OSError as error:
            if error.errno not in HARMLESS:
                raise
            return
        self.wrote(name, begin, token)

    def replace(self, name):
        self.named_from(name, os.rename)

    def link(self, name):
        self.named_from(name, os.link)
        os.unlink(self.path(f"t{self.number}"))

    def rewrite(self, name):
        """In place, by one process alone for each name: two at once would rightly leave a mixture."""
        if NAMES.index(name) % AT_MOUNT != self.number:
            return
        token, begin = self.new_token(), time.monotonic()
        try:
            fd = os.open(self.path(name), os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        except OSError as error:
            if error.errno not in HARMLESS:
                raise
            if error.errno == errno.ESTALE:  # replaced by the other door as soon as it was made, again and again
                self.wrote(name, begin, token, maybe=True)
            return
        failed = False
        try:
            content = content_of(token)
            half = self.rng.randrange(len(content))
            os.pwrite(fd, content[half:], half)
            for _ in range(20):  # LSEEK holds the lock of the inode in the kernel until the dirty pages are here
                os.pwrite(fd, content[half:], half)
                os.lseek(fd, 0, os.SEEK_DATA)
            os.pwrite(fd, content[:half], 0)
        except OSError:
            failed = True
        os.close(fd)
        self.wrote(name, begin, token, failed)

    def unlink(self, name):
        begin = time.monotonic()
        try:
            os.unlink(self.path(name))
        except OSError as error:
            if error.errno not in HARMLESS:
                raise
            return
        self.wrote(name, begin, None)

    def read(self, name):
        begin = time.monotonic()
        try:
            with open(self.path(name), "rb") as file:
                self.saw(name, begin, "is", file.read())
        except OSError as error:
            if error.errno not in HARMLESS:
                raise
            if error.errno != errno.ESTALE:
                self.saw(name, begin, "exists", False)

    def stat(self, name):
        begin = time.monotonic()
        try:
            self.saw(name, begin, "size", os.stat(self.path(name)).st_size)
        except (FileNotFoundError, NotADirectoryError):
            self.saw(name, begin, "size", None)

    def list(self, _name):
        for directory in ("", "d0/", "d1/"):
            begin = time.monotonic()
            try:
                found = os.listdir(self.path(directory))
            except (FileNotFoundError, NotADirectoryError):
                found = []
            for name in NAMES:
                if os.path.dirname(name) == directory.rstrip("/"):
                    self.saw(name, begin, "exists", os.path.basename(name) in found)


class ByS3(Client):
    def __init__(self, number, seed, bucket, endpoint):
        super().__init__(number, seed)
        import boto3  # pylint: disable=import-outside-toplevel
        from botocore.config import Config  # pylint: disable=import-outside-toplevel
        self.bucket = bucket
        self.s3 = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", config=Config(
            signature_version="s3v4", s3={"addressing_style": "path"}, retries={"max_attempts": 0}, read_timeout=30))
        self.actions = [self.put, self.put, self.parts, self.delete, self.get, self.get, self.head, self.list]

    def __str__(self):
        return f"S3 client {self.number}"

    def put(self, name):
        token, begin = self.new_token(), time.monotonic()
        self.s3.put_object(Bucket=self.bucket, Key=name, Body=content_of(token))
        self.wrote(name, begin, token)

    def parts(self, name):
        token, begin = self.new_token(), time.monotonic()
        place = {"Bucket": self.bucket, "Key": name}
        upload = self.s3.create_multipart_upload(**place)["UploadId"]
        tag = self.s3.upload_part(**place, UploadId=upload, PartNumber=1, Body=content_of(token))["ETag"]
        self.s3.complete_multipart_upload(**place, UploadId=upload, MultipartUpload={"Parts": [{"ETag": tag, "PartNumber": 1}]})
        self.wrote(name, begin, token)

    def delete(self, name):
        begin = time.monotonic()
        self.s3.delete_object(Bucket=self.bucket, Key=name)
        self.wrote(name, begin, None)

    def looked(self, name, what, look):
        begin = time.monotonic()
        try:
            self.saw(name, begin, what, look())
        except self.s3.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            self.saw(name, begin, "exists", False)

    def get(self, name):
        self.looked(name, "is", lambda: self.s3.get_object(Bucket=self.bucket, Key=name)["Body"].read())

    def head(self, name):
        self.looked(name, "size", lambda: self.s3.head_object(Bucket=self.bucket, Key=name)["ContentLength"])

    def list(self, _name=None):
        begin = time.monotonic()
        found = {entry["Key"] for entry in self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])}
        self.saw_listing(begin, found)


class Register:
    """One name's writes, and whether what a read gave is one of them that the read could meet."""

    def __init__(self, writes):
        self.writes = writes
        done = sorted((write for write in writes if not write.maybe), key=lambda write: write.end)
        self.ends = [write.end for write in done]
        self.latest_begin = []  # of the writes up to here: what ended before it was overwritten
        for write in done:
            self.latest_begin.append(max(write.begin, self.latest_begin[-1] if self.latest_begin else write.begin))

    def candidates(self, read):
        before = bisect_left(self.ends, read.begin)
        overwritten_until = self.latest_begin[before - 1] if before else float("-inf")
        return [write for write in self.writes if write.begin < read.end and (write.end >= overwritten_until or write.maybe)]

    def allows(self, read):
        what, value = read.seen
        candidates = self.candidates(read)
        for write in candidates:
            content = None if write.token is None else content_of(write.token)
            under_way = content is not None and write.end > read.begin
            if what == "exists" and value == (content is not None):
                return True
            if what == "size" and (value == (None if content is None else len(content)) or
                                   under_way and value is not None and value <= max(map(size_of, candidates))):
                return True
            if what == "is" and content is not None and (value == content or under_way and is_mixture(value, candidates)):
                return True
        return False


def is_mixture(seen, writes):
    """Of a file that is being written in place: each byte is one of these contents', or a zero of a hole, or behind a new end."""
    places = zip(*(content_of(write.token)[:len(seen)].ljust(len(seen), b"\0") for write in writes if write.token is not None))
    return all(byte == 0 or byte in place for byte, place in zip(seen, places))


def judge(start, state, logs):
    """`state`: what each name held when the phase began at `start`. @return the registers"""
    writes = {name: [Write(name, start, start, state[name], False, "the phase before")] for name in NAMES}
    reads = []
    for entry in (entry for log in logs for entry in log):
        if isinstance(entry, Write):
            writes[entry.name].append(entry)
        else:
            reads.append(entry)
    registers = {name: Register(writes[name]) for name in NAMES}
    for read in reads:
        check(registers[read.name], read)
    return registers, len(reads)


def check(register, read):
    if register.allows(read):
        return
    what, value = read.seen
    shown = f"{len(value)} bytes that begin with {value[:40]!r}" if what == "is" else value
    print(f"{read.by}: {read.name} {what} {shown}, from {read.begin:.6f} to {read.end:.6f}; of its writes these could be seen:", file=sys.stderr)
    for write in register.candidates(read):
        print(f"  {write}", file=sys.stderr)
    raise AssertionError("a read that no order of the operations explains")


def read_all(mount):
    found = {}
    for name in NAMES:
        try:
            with open(os.path.join(mount.root, name), "rb") as file:
                found[name] = file.read()
        except (FileNotFoundError, NotADirectoryError):
            pass
    listed = {os.path.relpath(os.path.join(at, file), mount.root) for at, _, files in os.walk(mount.root) for file in files}
    assert listed & set(NAMES) == set(found), f"listed {sorted(listed)}, found {sorted(found)}"
    return found


def stand_still(mount, client, registers):
    """Both doors agree, and so does the mount when the kernel has forgotten everything. @return what each name holds"""
    begin = time.monotonic()
    at_mount = read_all(mount)
    sizes = {entry["Key"]: entry["Size"] for entry in client.s3.list_objects_v2(Bucket=client.bucket).get("Contents", []) if entry["Key"] in NAMES}
    assert sizes == {name: len(content) for name, content in at_mount.items()}, f"S3 lists {sizes}"
    for name, content in at_mount.items():
        body = client.s3.get_object(Bucket=client.bucket, Key=name)["Body"].read()
        assert body == content, f"{name}: {len(body)} bytes by S3, {len(content)} at the mount"
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as drop:
        drop.write("3")
    assert read_all(mount) == at_mount, "the kernel's caches told something else"
    state = {}
    for name in NAMES:
        content = at_mount.get(name)
        state[name] = None if content is None else content.split(b"\n")[0].decode()
        seen = ("exists", False) if content is None else ("is", content)
        check(registers[name], Read(name, begin, time.monotonic(), seen, "at rest"))
    return state


def show(mount, client):
    """What is there when something was wrong: a wrong cache of the kernel's or a wrong vault?"""
    by_s3 = sorted(entry["Key"] for entry in client.s3.list_objects_v2(Bucket=client.bucket).get("Contents", []))
    print(f"at the mount {sorted(os.listdir(mount.root))}\nby S3 {by_s3}", file=sys.stderr)
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as drop:
        drop.write("3")
    print(f"at the mount, without caches {sorted(os.listdir(mount.root))}", file=sys.stderr)


def serve(client, pipe):
    while (seconds := pipe.recv()) is not None:
        try:
            pipe.send(client.phase(seconds))
        except Exception as error:  # pylint: disable=broad-except  # the parent is told, whatever it is
            pipe.send(f"{client}: {error!r}")
            return


def main(directory, seed, seconds, endpoint):
    bucket = os.path.basename(directory)
    clients = [AtTheMount(n, seed, directory) for n in range(AT_MOUNT)]
    clients += [ByS3(AT_MOUNT + n, seed, bucket, endpoint) for n in range(BY_S3)]
    pipes, children = [], []
    for client in clients:
        ours, theirs = multiprocessing.Pipe()
        child = multiprocessing.Process(target=serve, args=(client, theirs), daemon=True)
        child.start()
        pipes.append(ours)
        children.append(child)
    state = {name: None for name in NAMES}
    totals = defaultdict(int)
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        start = time.monotonic()
        for pipe in pipes:
            pipe.send(PHASE_SECONDS)
        logs = []
        for pipe, client in zip(pipes, clients):
            if not pipe.poll(60):
                raise AssertionError(f"{client} hangs")
            logs.append(pipe.recv())
            if isinstance(logs[-1], str):
                raise AssertionError(logs[-1])
        try:
            registers, reads = judge(start, state, logs)
        except AssertionError:
            show(clients[0], clients[-1])
            raise
        state = stand_still(clients[0], clients[-1], registers)
        totals["phases"] += 1
        totals["reads"] += reads
        totals["writes"] += sum(len(register.writes) - 1 for register in registers.values())
    for pipe, child in zip(pipes, children):
        pipe.send(None)
        child.join(10)
    print(f"{totals['phases']} phases, {totals['writes']} writes, {totals['reads']} reads, each one explained", flush=True)
    assert totals["writes"] > 100 and totals["reads"] > 100


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Exception:  # pylint: disable=broad-except
        traceback.print_exc()
        for left in multiprocessing.active_children():
            left.kill()
        sys.stderr.flush()
        os._exit(1)  # without waiting for them: who hangs in the mount is let go when that ends
