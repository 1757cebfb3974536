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

    def __init__(self, directory, options, tarball, files, drop, fsops_program):
        self.mib, self.operations, self.tree = options.mib, options.operations, options.tree
        self.tarball, self.files, self.drop, self.fsops = tarball, files, drop, fsops_program
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


def fsops(machine, column, work, count):
    """The rates that the helper prints, in its order."""
    lines = run(machine.fsops, work, column.tree, str(count), timeout=900).splitlines()
    return [float(line.split()[1]) for line in lines]


def small_writes(machine, column):
    return fsops(machine, column, "write4k", machine.mib * 64)  # a quarter of the sequential file


def random_read(machine, column):
    return fsops(machine, column, "randread", machine.operations)


def random_write(machine, column):
    return fsops(machine, column, "randwrite", machine.operations)


def synced_write(machine, column):
    return fsops(machine, column, "syncwrite", max(machine.operations // 10, 20))


def names(machine, column):
    return fsops(machine, column, "names", max(machine.operations // 2, 100))


def read_files(tree):
    for directory, _, files in os.walk(tree):
        for name in files:
            path = os.path.join(directory, name)
            if not os.path.islink(path):
                with open(path, "rb", buffering=0) as file:
                    while file.read(MIB):
                        pass


def timed(machine, *command):
    start = time.monotonic()
    run(*command, timeout=900)
    return machine.files / (time.monotonic() - start)


def copy_tree(machine, column):
    """cp -a of a tree on the plain disk, read once before. Files/s."""
    read_files(machine.tree)
    return timed(machine, "cp", "-a", machine.tree, os.path.join(column.tree, "copy"))


def list_tree(machine, column):
    """ls -lR, with all caches dropped before, and again."""
    tree = os.path.join(column.tree, "copy")
    return [timed(machine, "ls", "-lR", tree) for _ in range(2)]


def read_tree(machine, column):
    """Every file's bytes, caches dropped before. Files/s."""
    start = time.monotonic()
    read_files(os.path.join(column.tree, "copy"))
    return machine.files / (time.monotonic() - start)


def sync_tree(machine, column):
    """rsync -a of a tree that is there already: nothing to do. Files/s."""
    return timed(machine, "rsync", "-a", machine.tree + "/", os.path.join(column.tree, "copy"))


def remove_tree(machine, column):
    return timed(machine, "rm", "-rf", os.path.join(column.tree, "copy"))


class Row:
    """One measurement; where it prints several lines, its function returns as many rates."""

    def __init__(self, function, unit, *titles, needs=None):
        self.function, self.unit, self.titles, self.needs = function, unit, titles, needs

    def measure(self, machine, column):
        rates = self.function(machine, column)
        return rates if isinstance(rates, list) else [rates]


# By the key for --only, in an order in which every row finds the files that it needs.
ROWS = {
    "write": Row(sequential_write, "MiB/s", "sequential write, 1 MiB + fsync"),
    "write4k": Row(small_writes, "IOPS", "sequential write, 4 KiB + fsync"),
    "read": Row(sequential_read, "MiB/s", "sequential read, cold", needs="write"),
    "randread": Row(random_read, "IOPS", "random read, 4 KiB", needs="write"),
    "randwrite": Row(random_write, "IOPS", "random write, 4 KiB", needs="write"),
    "syncwrite": Row(synced_write, "IOPS", "random write, 4 KiB + fsync each", needs="write"),
    "untar": Row(untar, "files/s", "untar"),
    "cp": Row(copy_tree, "files/s", "cp -a tree"),
    "ls": Row(list_tree, "files/s", "ls -lR, cold", "ls -lR, warm", needs="cp"),
    "readtree": Row(read_tree, "files/s", "read the tree, cold", needs="cp"),
    "rsync": Row(sync_tree, "files/s", "rsync, nothing to do", needs="cp"),
    "rm": Row(remove_tree, "files/s", "rm -rf", needs="cp"),
    "names": Row(names, "ops/s", "create", "stat, missing", "stat, present", "rename", "unlink"),
}
SHORT = ("write", "read", "untar")  # what is measured unless more is asked for


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


def make_copy(tarball, directory):
    """The tarball's files on the plain disk: what cp and rsync read."""
    os.mkdir(directory)
    run("tar", "-C", directory, "-xf", tarball)
    return directory
