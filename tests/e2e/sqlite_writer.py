"""Transactions on a database, each noted outside of it once its commit returned; and what must be there afterwards.

    sqlite_writer.py write DATABASE JOURNAL_MODE COMMITTED    until the disk is gone, then exits with 0
    sqlite_writer.py verify DATABASE JOURNAL_MODE COMMITTED

COMMITTED has one line per transaction: its number. A transaction inserts its number with a row of bytes and raises one
counter, so that half of one would show.
"""

import hashlib
import os
import sqlite3
import sys


def connect(path, mode):
    database = sqlite3.connect(path, isolation_level=None, timeout=5)
    if database.execute(f"pragma journal_mode={mode}").fetchone()[0] != mode:
        sys.exit(f"sqlite has no journal_mode {mode} here")
    database.execute("pragma synchronous=full")
    return database


def content(number):
    return hashlib.sha256(str(number).encode()).digest() * (1 + number % 60)


def write(path, mode, committed):
    database = connect(path, mode)
    database.execute("create table if not exists done(number integer primary key, bytes blob)")
    database.execute("create table if not exists total(count integer)")
    if not database.execute("select count from total").fetchall():
        database.execute("insert into total values (0)")
    number = database.execute("select coalesce(max(number), 0) from done").fetchone()[0]
    journal = os.open(committed, os.O_WRONLY | os.O_APPEND)
    while True:
        number += 1
        database.execute("begin immediate")
        database.execute("insert into done values (?, ?)", (number, content(number)))
        database.execute("update total set count = count + 1")
        database.execute("commit")
        os.write(journal, f"{number}\n".encode())


def verify(path, mode, committed):
    database = connect(path, mode)
    state = database.execute("pragma integrity_check").fetchone()[0]
    if state != "ok":
        sys.exit(f"integrity_check: {state}")
    rows = dict(database.execute("select number, bytes from done"))
    if any(content(number) != data for number, data in rows.items()):
        sys.exit("a row has wrong bytes")
    if database.execute("select count from total").fetchone()[0] != len(rows):
        sys.exit("half of a transaction is there")
    with open(committed, encoding="ascii") as file:
        missing = {int(line) for line in file} - rows.keys()
    if missing:
        sys.exit(f"{len(missing)} committed transactions are lost, the first is {min(missing)}")


def main():
    _, verb, path, mode, committed = sys.argv
    if verb == "verify":
        verify(path, mode, committed)
        return
    try:
        write(path, mode, committed)
    except (sqlite3.OperationalError, sqlite3.DatabaseError):
        # Only a dead daemon ends the writer well.
        try:
            os.statvfs(path)  # stat(2) is answered from the kernel's cache
        except OSError:
            return
        raise


main()
