#!/usr/bin/env python3
"""Write load for the crash tests, with a journal of what was done, and the check against it.

    load.py write DIRECTORY JOURNAL SEED     until killed, or until the file system goes away
    load.py verify DIRECTORY JOURNAL [--absent]

The journal has one line per finished step, written after the call returned: what it says must be there after a crash of
the daemon. The step that was under way may have happened or not. With --absent (volumes were taken away at the
restart) files that were closed but not synced may give EIO, but never wrong bytes.
"""
import errno
import hashlib
import os
import random
import sys


def content(seed, size):
    return random.Random(seed).randbytes(size)


def write(directory, journal_path, seed):
    rng = random.Random(seed)
    journal = open(journal_path, "a", buffering=1, encoding="utf-8")
    alive = []
    for number in range(10**9):
        step = rng.random()
        name = f"{seed}-{number}"
        size = rng.choice([0, 1, 100, 4096, 5000, 20000, 131072, 300000, 1200000])
        synced = rng.random() < 0.2
        if step < 0.1 and len(alive) > 5:
            victim = alive.pop(rng.randrange(len(alive)))
            journal.write(f"maybe-gone {victim}\n")
            os.unlink(os.path.join(directory, victim))
            journal.write(f"gone {victim}\n")
            continue
        target = os.path.join(directory, name)
        part = target + ".part" if step < 0.4 else target
        data = content(name, size)
        with open(part, "wb") as file:
            file.write(data)
            if synced:
                file.flush()
                os.fsync(file.fileno())
        if part != target:
            os.rename(part, target)
            synced = False  # the rename was not
        journal.write(f"there {name} {size} {'synced' if synced else 'closed'}\n")
        alive.append(name)


def expected(journal_path):
    files = {}
    with open(journal_path, encoding="utf-8") as journal:
        for line in journal:
            words = line.split()
            if not line.endswith("\n") or not words:
                continue
            if words[0] == "there":
                files[words[1]] = (int(words[2]), words[3], True)
            elif words[0] == "maybe-gone":
                size, how, _ = files[words[1]]
                files[words[1]] = (size, how, False)
            elif words[0] == "gone":
                files[words[1]] = None
    return files


def problem_of(path, name, size, lenient):
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        if lenient and error.errno == errno.EIO:
            return None
        return f"{name}: {error.strerror}"
    if data != content(name, size):
        return f"{name}: wrong content, {len(data)} of {size} bytes, sha256 {hashlib.sha256(data).hexdigest()[:12]}"
    return None


def verify(directory, journal_path, any_absent):
    problems, count = [], 0
    for name, entry in expected(journal_path).items():
        path = os.path.join(directory, name)
        if entry is None:
            if os.path.exists(path):
                problems.append(f"{name}: was removed and is back")
            continue
        size, how, surely = entry
        if not surely and not os.path.lexists(path):
            continue
        count += 1
        problem = problem_of(path, name, size, any_absent and how == "closed")
        if problem:
            problems.append(f"{problem} ({how})")
    print("\n".join(problems[:20]))
    print(f"{count} files checked, {len(problems)} wrong")
    return 1 if problems else 0


def main(arguments):
    if arguments[0] == "write":
        try:
            write(arguments[1], arguments[2], arguments[3])
        except OSError as error:
            return 0 if error.errno in (errno.ENOTCONN, errno.ECONNABORTED, errno.EIO, errno.ENODEV) else 2
    return verify(arguments[1], arguments[2], "--absent" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
