#!/usr/bin/env bash
# Databases on the mount, while the daemon dies by kill -9: after a remount they recover by themselves, and every
# transaction whose commit returned is there.
#   databases.sh K+M [CIPHER]     COFFER_E2E_FULL=1: both ciphers, more cycles, and PostgreSQL (pgbench) where installed
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need sqlite3
matrix "$@"
mnt=$work/mnt
cycles=3
! full || cycles=10

wait_for_lines() { # FILE COUNT: until the writer got so far, for at most 20 seconds
  local i
  for ((i = 0; i < 400; i++)); do
    if [ "$(wc -l <"$1")" -ge "$2" ]; then return 0; fi
    sleep 0.05
  done
  fail "the writer came no further than $(wc -l <"$1") transactions"
}

sqlite_cycle() { # JOURNAL_MODE CYCLE
  local writer status=0 before
  before=$(wc -l <"$work/committed")
  python3 "$here/sqlite_writer.py" write "$mnt/$1.db" "$1" "$work/committed" &
  writer=$!
  wait_for_lines "$work/committed" $((before + 5 + RANDOM % 40))
  kill_daemon "$mnt"
  wait "$writer" || status=$?
  [ "$status" -eq 0 ] || fail "the writer failed before the daemon died (exit $status)"
  mount_vault "${volumes[0]}" "$mnt" --allow-other
  python3 "$here/sqlite_writer.py" verify "$mnt/$1.db" "$1" "$work/committed" || fail "sqlite, journal $1, cycle $2"
}

try_sqlite() {
  local mode cycle
  for mode in delete wal; do
    : >"$work/committed"
    for ((cycle = 1; cycle <= cycles; cycle++)); do sqlite_cycle "$mode" "$cycle"; done
    say "sqlite, journal $mode: $(wc -l <"$work/committed") transactions, $cycles kills, nothing lost"
  done
}

postgres_bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
as_postgres() { (cd / && setpriv --reuid=postgres --regid=postgres --clear-groups "$@"); }
query() { as_postgres "$postgres_bin/psql" -h "$work/socket" -At -d postgres -c "$1"; }

start_postgres() {
  as_postgres "$postgres_bin/pg_ctl" -D "$mnt/pg/data" -l "$work/pg.log" -w -t 60 -s \
    -o "-c listen_addresses='' -c unix_socket_directories=$work/socket" start || fail "postgres: $(tail -n 5 "$work/pg.log")"
  postgres=$(head -n 1 "$mnt/pg/data/postmaster.pid")
}

stop_dead_postgres() { # its disk has gone: the postmaster and its backends, by process id
  local processes pid
  mapfile -t processes < <(echo "$postgres" && pgrep -P "$postgres")
  kill -9 "${processes[@]}" 2>/dev/null || true
  for pid in "${processes[@]}"; do wait_gone "$pid" || fail "process $pid of postgres survived kill -9"; done
}

# pgbench's four sums agree when each transaction is there whole or not at all, and the history has each acknowledged one.
check_pgbench() { # ACKNOWLEDGED
  local sums count
  sums=$(query "select (select sum(abalance) from pgbench_accounts)=(select sum(delta) from pgbench_history)
    and (select sum(bbalance) from pgbench_branches)=(select sum(delta) from pgbench_history)
    and (select sum(tbalance) from pgbench_tellers)=(select sum(delta) from pgbench_history)")
  [ "$sums" = t ] || fail "pgbench's sums differ after recovery"
  count=$(query "select count(*) from pgbench_history")
  [ "$count" -ge "$1" ] || fail "postgres lost acknowledged transactions: $count of $1 are there"
  say "postgres: $count transactions in the history, $1 acknowledged"
}

try_postgres() {
  if [ -z "$postgres_bin" ] || ! id postgres >/dev/null 2>&1; then
    say "PostgreSQL is not installed: NOT TRIED"
    return 0
  fi
  local acknowledged=0 cycle bench
  rm -rf "$work/socket"
  mkdir -p "$mnt/pg" "$work/socket"
  chmod 755 "$work"
  chown postgres: "$mnt/pg" "$work/socket"
  : >"$work/pg.log" && chown postgres: "$work/pg.log"
  as_postgres "$postgres_bin/initdb" -D "$mnt/pg/data" -A trust >/dev/null || fail "initdb"
  start_postgres
  as_postgres "$postgres_bin/pgbench" -h "$work/socket" -i -s 5 -q postgres >/dev/null 2>&1 || fail "pgbench -i"
  for ((cycle = 1; cycle <= 3; cycle++)); do
    # A line of the log is a transaction whose COMMIT was answered.
    as_postgres "$postgres_bin/pgbench" -h "$work/socket" -c 4 -T 60 -n -l --log-prefix="$work/socket/txn$cycle" postgres >/dev/null 2>&1 &
    bench=$!
    sleep 4
    kill_daemon "$mnt"
    wait "$bench" || true
    acknowledged=$((acknowledged + $(cat "$work/socket/txn$cycle".* | wc -l)))
    stop_dead_postgres
    mount_vault "${volumes[0]}" "$mnt" --allow-other
    rm -f "$mnt/pg/data/postmaster.pid"
    start_postgres
    check_pgbench "$acknowledged"
  done
  as_postgres "$postgres_bin/pg_ctl" -D "$mnt/pg/data" -m fast -s -w stop || fail "postgres does not stop"
}

for cipher in "${ciphers[@]}"; do
  say "$geometry, $cipher"
  init_vault databases "$geometry" --cipher "$cipher"
  mount_vault "${volumes[0]}" "$mnt" --allow-other
  try_sqlite
  ! full || try_postgres
  unmount_vault "$mnt"
  fsck_clean "${volumes[0]}" --verify-data
  rm -rf "$work/databases" "$work/state"
done
say "passed"
