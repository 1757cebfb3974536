"""The file systems that bench/table compares: each is made once per round, and mounted anew for every measurement.

Every daemon runs in the foreground as our child, so its process id is known: memory is read from it, and it alone is
ended. None is given options that a user would not start with, except cheap unlocking, which no row measures.
"""

import os
import shutil
import subprocess
import time


class BenchError(Exception):
    """What stops a run, in one line."""


def run(*command, **options):
    """Runs a command to its end; its output is kept for the error message."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, **{"timeout": 300, **options})
    if done.returncode != 0:
        raise BenchError(f"{os.path.basename(command[0])} {command[1]} gave {done.returncode}: {done.stdout.strip()[-500:]}")
    return done.stdout


def memory_kib(pid, field):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1])
    raise BenchError(f"process {pid} has no {field}")


def restart_peak(pid):
    """VmHWM starts anew. Without root, a daemon that forbids tracing refuses: its peak then includes unlocking."""
    try:
        with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as peak:
            peak.write("5")
    except PermissionError:
        pass


class Column:
    """A file system that a row is measured on. `tree` is where its files are seen while it is mounted."""

    name = ""
    mounted_by_daemon = True

    def __init__(self, name, directory, secrets):
        self.name = name
        self.directory = directory
        self.secrets = secrets
        self.store = os.path.join(directory, "store")
        self.tree = os.path.join(directory, "mnt")
        self.log = os.path.join(directory, "log")
        self.daemon = None
        self.unlocked_kib = self.unlock_peak_kib = 0
        self.peak_kib = 0  # over all mounts, without what unlocking took

    def make(self):
        """A new, empty file system."""
        os.makedirs(self.store)
        os.makedirs(self.tree, exist_ok=True)
        self.create()

    def create(self):
        raise NotImplementedError

    def daemon_command(self):
        raise NotImplementedError

    def mount(self):
        before = os.stat(self.tree).st_dev
        with open(self.log, "ab") as log:
            self.daemon = subprocess.Popen(self.daemon_command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while os.stat(self.tree).st_dev == before:
            if self.daemon.poll() is not None or time.monotonic() > deadline:
                raise BenchError(f"{self.name} does not mount: {self.log_tail()}")
            time.sleep(0.02)
        self.unlocked_kib = memory_kib(self.daemon.pid, "VmRSS")
        self.unlock_peak_kib = memory_kib(self.daemon.pid, "VmHWM")
        restart_peak(self.daemon.pid)  # unlocking takes its memory on purpose

    def note_peak(self):
        if self.daemon and self.daemon.poll() is None:
            self.peak_kib = max(self.peak_kib, memory_kib(self.daemon.pid, "VmHWM"))

    def unmount(self):
        if not self.daemon:
            return
        if self.daemon.poll() is not None:
            raise BenchError(f"{self.name}: the daemon died: {self.log_tail()}")
        self.note_peak()
        run("fusermount3", "-u", self.tree)
        try:
            self.daemon.wait(timeout=120)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{self.name}: the daemon lives on after unmount") from None
        self.daemon = None

    def end(self):
        """However the run ended: no mount and no daemon stays."""
        if not self.daemon:
            return
        subprocess.run(["fusermount3", "-u", "-z", self.tree], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for stop in (self.daemon.terminate, self.daemon.kill):
            try:
                self.daemon.wait(timeout=10)
                break
            except subprocess.TimeoutExpired:
                stop()
        self.daemon = None

    def destroy(self):
        shutil.rmtree(self.store)

    def log_tail(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read().strip()[-500:]


class Plain(Column):
    """A directory of the disk that all others keep their stores on."""

    mounted_by_daemon = False

    def make(self):
        self.tree = self.store
        os.makedirs(self.store)

    def mount(self):
        pass


class Gocryptfs(Column):
    def create(self):
        run("gocryptfs", "-init", "-q", "-scryptn", "10", "-passfile", self.secrets.passfile, self.store)

    def daemon_command(self):
        return ["gocryptfs", "-fg", "-q", "-passfile", self.secrets.passfile, self.store, self.tree]


class Securefs(Column):
    """Format 4 is 'lite', one file per file and what `securefs create` makes; format 2 also hides the shape of the tree."""

    def __init__(self, name, directory, secrets, file_format):
        super().__init__(name, directory, secrets)
        self.format = file_format

    def create(self):
        run("securefs", "create", "--format", str(self.format), "--keyfile", self.secrets.passfile,
            "--pbkdf", "pkcs5-pbkdf2-hmac-sha256", "--rounds", "1", self.store)

    def daemon_command(self):
        return ["securefs", "mount", "--keyfile", self.secrets.passfile, self.store, self.tree]


class Cryfs(Column):
    """Unlocking takes scrypt and a second or so, which no row measures."""

    def create(self):
        os.environ["CRYFS_FRONTEND"] = "noninteractive"
        os.environ["CRYFS_NO_UPDATE_CHECK"] = "true"
        # It remembers the file systems that it saw, and takes a new one at the same place for a forged one.
        os.environ["CRYFS_LOCAL_STATE_DIR"] = self.store + "/../state"
        shutil.rmtree(os.environ["CRYFS_LOCAL_STATE_DIR"], ignore_errors=True)

    def daemon_command(self):
        return ["sh", "-c", 'exec cryfs -f --create-missing-basedir --allow-integrity-violations "$1" "$2" <"$0"',
                self.secrets.passfile, self.store, self.tree]


class Encfs(Column):
    def create(self):
        pass

    def daemon_command(self):
        return ["sh", "-c", 'exec encfs -f --standard --stdinpass "$1" "$2" <"$0"',
                self.secrets.passfile, self.store, self.tree]


class Nullfs(Column):
    """Our session over a tree in memory: the bound that FUSE sets. One daemon for all rows, for it forgets all when it ends."""

    def __init__(self, name, directory, program):
        super().__init__(name, directory, None)
        self.program = program

    def create(self):
        super().mount()

    def daemon_command(self):
        return [self.program, self.tree]

    def mount(self):
        pass

    def unmount(self):
        self.note_peak()

    def destroy(self):
        super().unmount()
        super().destroy()


def build_passthrough(directory):
    """libfuse's example file system, from the sources that libfuse3-dev brings; None where they are not."""
    source = "/usr/share/doc/libfuse3-dev/examples/passthrough_ll.c"
    program = os.path.join(directory, "passthrough_ll")
    if not os.path.exists(source):
        return None
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "fuse3"], capture_output=True, text=True, check=False)
    built = subprocess.run(["gcc", "-O2", "-o", program, source] + flags.stdout.split(), capture_output=True, check=False)
    return program if built.returncode == 0 else None


class Passthrough(Column):
    def __init__(self, name, directory, program):
        super().__init__(name, directory, None)
        self.program = program

    def create(self):
        pass

    def daemon_command(self):
        return [self.program, "-f", "-o", f"source={self.store},cache=always,writeback", self.tree]


class Coffer(Column):
    def __init__(self, name, directory, secrets, binary, data, parity, kdf_cost="minimum", s3=False):
        super().__init__(name, directory, secrets)
        self.binary, self.data, self.parity, self.kdf_cost, self.s3 = binary, data, parity, kdf_cost, s3
        self.config = os.path.join(directory, "config.toml")

    def create(self):
        with open(self.config, "w", encoding="utf-8") as config:
            config.write(f'passfile = "{self.secrets.passfile}"\nstate-directory = "{self.directory}/state"\n')
        volumes = [os.path.join(self.store, str(i)) for i in range(self.data + self.parity)]
        run(self.binary, "init", "--config", self.config, "--kdf-cost", self.kdf_cost,
            "--data", str(self.data), "--parity", str(self.parity), *volumes)

    def daemon_command(self):
        command = [self.binary, "mount", "--foreground", "--config", self.config, os.path.join(self.store, "0"), self.tree]
        return command + (["--s3", "127.0.0.1:0"] if self.s3 else [])
