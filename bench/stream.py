"""bench/table --stream: the daemon's memory while files far larger than it stream through both doors.

Prints, for each transfer, its rate, the daemon's peak resident memory during it, and how far that is above what was
resident right after mounting. Everything read is compared with what was written.
"""

import json
import os
import subprocess
import time

from columns import BenchError, memory_kib, restart_peak, run

MIB = 1 << 20
MOST_S3_MIB = 5 * 1024  # S3's limit of a single PUT
LIMIT_MIB = 400  # what a transfer may take beyond unlocking


class Streams:
    def __init__(self, machine, column, mib):
        self.machine, self.column, self.mib = machine, column, mib
        self.worst_mib = 0.0

    def measured(self, title, mib, work):
        pid = self.column.daemon.pid
        restart_peak(pid)
        start = time.monotonic()
        work()
        seconds = time.monotonic() - start
        peak_mib = memory_kib(pid, "VmHWM") / 1024
        above = peak_mib - self.column.unlocked_kib / 1024
        self.worst_mib = max(self.worst_mib, above)
        self.column.note_peak()
        print(f"  {title:<34} {mib:>6} MiB {mib / seconds:>6.0f} MiB/s   peak {peak_mib:>5.0f} MiB, "
              f"{above:>5.0f} above mounted", flush=True)

    def remount(self):
        self.column.unmount()
        self.machine.settle()
        self.column.mount()

    def run(self):
        source = make_source(self.machine, self.mib)
        s3_mib = min(self.mib, MOST_S3_MIB)
        s3_source = source if s3_mib == self.mib else make_source(self.machine, s3_mib)
        column = self.column
        column.make()
        key = json.loads(run(column.binary, "s3-key", "add", os.path.join(column.store, "0"), "--config", column.config,
                             "--name", "bench", "--json"))
        self.machine.settle()
        column.mount()
        print(f"{column.name}, streams: unlocking took {column.unlock_peak_kib / 1024:.0f} MiB, "
              f"mounted {column.unlocked_kib / 1024:.0f} MiB", flush=True)
        inside = os.path.join(column.tree, "stream")
        self.measured("cp in + fsync", self.mib, lambda: run("dd", f"if={source}", f"of={inside}", "bs=1M", "conv=fsync",
                                                             timeout=7200))
        self.remount()
        self.measured("cp out (cmp)", self.mib, lambda: run("cmp", source, inside, timeout=7200))
        os.unlink(inside)
        self.remount()
        self.over_s3(key, s3_source, s3_mib)
        column.unmount()
        column.destroy()
        verdict = "within" if self.worst_mib < LIMIT_MIB else "OVER"
        print(f"  at most {self.worst_mib:.0f} MiB above mounted: {verdict} the {LIMIT_MIB} MiB that a stream may take")
        for path in {source, s3_source}:
            os.unlink(path)

    def over_s3(self, key, source, mib):
        status = json.loads(run(self.column.binary, "status", self.column.tree, "--json"))
        client = Client(self.machine.directory, status["s3_endpoint"], key)
        client.aws("s3", "mb", "s3://bench")
        for title, put, get in (("multipart (awscli)", client.put_multipart, client.get_multipart),
                                ("single request (curl)", client.put_single, client.get_single)):
            name = title.split(maxsplit=1)[0]
            self.measured(f"S3 PUT, {title}", mib, lambda put=put, name=name: put(source, name))
            self.machine.settle()
            self.measured(f"S3 GET, {title}", mib, lambda get=get, name=name: get(source, name))
            client.aws("s3", "rm", f"s3://bench/{name}")


class Client:
    """S3 clients; the secret is in their environment or on standard input, never in an argument."""

    def __init__(self, directory, endpoint, key):
        self.directory, self.endpoint, self.key = directory, endpoint, key
        self.binary = "/usr/bin/aws" if os.access("/usr/bin/aws", os.X_OK) else "aws"
        keep = {name: value for name, value in os.environ.items() if "proxy" not in name.lower() and not name.startswith("AWS_")}
        self.environment = {**keep, "AWS_ACCESS_KEY_ID": key["access_key"], "AWS_SECRET_ACCESS_KEY": key["secret_key"],
                            "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1",
                            "AWS_CONFIG_FILE": os.path.join(directory, "no-such-config"),
                            "AWS_SHARED_CREDENTIALS_FILE": os.path.join(directory, "no-such-credentials")}

    def aws(self, *arguments):
        run(self.binary, "--endpoint-url", self.endpoint, *arguments, env=self.environment, timeout=7200)

    def curl(self, *arguments):
        secret = f'user = "{self.key["access_key"]}:{self.key["secret_key"]}"\n'
        command = ["curl", "--silent", "--show-error", "--fail", "--max-time", "7200", "--config", "-",
                   "--aws-sigv4", "aws:amz:us-east-1:s3", "--header", "x-amz-content-sha256: UNSIGNED-PAYLOAD", *arguments]
        done = subprocess.run(command, input=secret, text=True, check=False, env=self.environment, capture_output=True)
        if done.returncode != 0:
            raise BenchError(f"curl gave {done.returncode}: {done.stderr.strip()[-300:]}")

    def received(self, source, get):
        path = os.path.join(self.directory, "received")
        get(path)
        run("cmp", source, path, timeout=3600)
        os.unlink(path)

    def put_multipart(self, source, name):
        self.aws("s3", "cp", "--only-show-errors", source, f"s3://bench/{name}")

    def get_multipart(self, source, name):
        self.received(source, lambda path: self.aws("s3", "cp", "--only-show-errors", f"s3://bench/{name}", path))

    def put_single(self, source, name):
        self.curl("--upload-file", source, "--output", "/dev/null", f"{self.endpoint}/bench/{name}")

    def get_single(self, source, name):
        self.received(source, lambda path: self.curl("--output", path, f"{self.endpoint}/bench/{name}"))


def make_source(machine, mib):
    """A file whose every MiB is different, so that a block in the wrong place is noticed."""
    path = os.path.join(machine.directory, f"source-{mib}")
    with open(path, "wb") as file:
        for i in range(mib):
            file.write(i.to_bytes(8, "big"))
            file.write(machine.block[8:])
    return path
