"""What bench/table measures: one function per row, which returns a rate, larger is better.

A row gets a mounted column and does the same work on each. Before each measurement the machine's dirty pages are
written and its caches dropped, for every column alike.
"""

import os
import subprocess
import time

from columns import BenchError, run

MIB = 1 << 20


class Machine:
    """What the rows share: the input, and how the caches are dropped."""

    def __init__(self, directory, mib, tarball, files, drop):
        self.mib, self.tarball, self.files, self.drop = mib, tarball, files, drop
        self.block = os.urandom(MIB)
        self.directory = directory

    def settle(self):
        if self.drop:
            os.sync()
            run(*self.drop)


def can_drop_caches():
    """The command that drops the page cache, or None where we are neither root nor may become it."""
    echo = ["sh", "-c", "echo 3 >/proc/sys/vm/drop_caches"]
    if os.geteuid() == 0:
        return echo if os.access("/proc/sys/vm/drop_caches", os.W_OK) else None
    sudo = ["sudo", "-n"] + echo
    try:
        return sudo if subprocess.run(sudo, check=False, capture_output=True).returncode == 0 else None
    except FileNotFoundError:
        return None


def sequential_write(machine, column):
    """1 MiB writes into a new file, then fsync. MiB/s."""
    path = os.path.join(column.tree, "sequential")
    start = time.monotonic()
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        for _ in range(machine.mib):
            if os.write(fd, machine.block) != MIB:
                raise BenchError(f"{column.name}: a short write")
        os.fsync(fd)
    finally:
        os.close(fd)
    return machine.mib / (time.monotonic() - start)


def sequential_read(machine, column):
    """The file of sequential_write in 1 MiB reads. MiB/s. Every 64th block is compared."""
    path = os.path.join(column.tree, "sequential")
    into = bytearray(MIB)
    start = time.monotonic()
    with open(path, "rb", buffering=0) as file:
        for i in range(machine.mib):
            got = 0
            while got < MIB:
                n = file.readinto(memoryview(into)[got:])
                if not n:
                    raise BenchError(f"{column.name}: the file ends at {i} MiB")
                got += n
            if i % 64 == 0 and into != machine.block:
                raise BenchError(f"{column.name}: wrong bytes at {i} MiB")
    return machine.mib / (time.monotonic() - start)


def untar(machine, column):
    """tar xf of a tree, whose tarball is in the page cache. Files/s. Nothing is synced: what tar closed, it leaves."""
    target = os.path.join(column.tree, "untar")
    os.mkdir(target)
    with open(machine.tarball, "rb") as tarball:
        while tarball.read(MIB):
            pass
    start = time.monotonic()
    run("tar", "-C", target, "-xf", machine.tarball, timeout=900)
    return machine.files / (time.monotonic() - start)


# Key for --only: (title, unit, function, the row whose files it needs)
ROWS = {
    "write": ("sequential write, 1 MiB + fsync", "MiB/s", sequential_write, None),
    "read": ("sequential read, cold", "MiB/s", sequential_read, "write"),
    "untar": ("untar", "files/s", untar, None),
}


def make_tarball(tree, path, most_files):
    """A tarball of at most `most_files` files (0: all) of `tree`; returns how many it has."""
    files = []
    for directory, folders, names in os.walk(tree):
        folders.sort()
        files += [os.path.join(directory, name) for name in sorted(names)]
        if most_files and len(files) >= most_files:
            files = files[:most_files]
            break
    if not files:
        raise BenchError(f"{tree}: no files to make a tarball of")
    listing = "\0".join(os.path.relpath(file, tree) for file in files)
    made = subprocess.run(["tar", "-C", tree, "-cf", path, "--null", "--no-recursion", "--verbatim-files-from", "-T", "-"],
                          input=listing.encode(), check=False, capture_output=True)
    if made.returncode != 0:
        raise BenchError(f"tar of {tree}: {made.stderr.decode(errors='replace').strip()[-300:]}")
    return len(files)
