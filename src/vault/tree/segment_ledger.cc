#include "vault/tree/segment_ledger.h"

#include <algorithm>
#include <thread>
#include <vector>

#include "coffer/core/log.h"
#include "vault/tree/keys.h"

namespace coffer {

std::string encode_shared_run(const SharedRun& run) {
  std::string value;
  ByteWriter out(value);
  out.varint(run.chunks);
  out.varint(run.bytes);
  return value;
}

Result<SharedRun> decode_shared_run(std::string_view value) {
  ByteReader in(value);
  SharedRun run;
  run.chunks = static_cast<std::uint32_t>(in.varint());
  run.bytes = in.varint();
  if (!in.ok() || !in.at_end()) return fail(Errc::Corrupt, "shared run row");
  return run;
}

SegmentLedger::SegmentLedger(MetaStore& meta, SegmentStore& segments)
    : meta_(meta), segments_(segments) {}
SegmentLedger::~SegmentLedger() = default;

Result<void> SegmentLedger::load() {
  {
    MutexLock lock(mutex_);
    // Every segment has a row; one without live bytes at open is dead as of what is durable next.
    const std::string from = std::string(1, keys::kSegment);
    auto segments = meta_.cursor(from, keys::prefix_end(from));
    for (segments->seek(from); segments->valid(); segments->next()) {
      live_[SegmentId{keys::inode_of(segments->key()).value()}] = 0;
    }
    COFFER_TRY(segments->status());
    const std::string live = std::string(1, keys::kLiveBytes);
    auto rows = meta_.cursor(live, keys::prefix_end(live));
    for (rows->seek(live); rows->valid(); rows->next()) {
      ByteReader in(rows->value());
      live_[SegmentId{keys::inode_of(rows->key()).value()}] = in.i64();
    }
    COFFER_TRY(rows->status());
    for (const auto& [segment, bytes] : live_) {
      if (bytes <= 0) dead_[segment] = meta_.committed();
    }
  }
  ExtentMap::SharedChanges runs;
  const std::string from = std::string(1, keys::kSharedRun);
  auto rows = meta_.cursor(from, keys::prefix_end(from));
  for (rows->seek(from); rows->valid(); rows->next()) {
    ByteReader in(rows->key());
    in.u8();
    const SegmentId segment{in.u64_big_endian()};
    runs[{segment, in.u32_big_endian(), 0}] = false;
  }
  COFFER_TRY(rows->status());
  check_runs(runs);
  return {};
}

void SegmentLedger::pin(const LiveBytes& added) {
  MutexLock lock(mutex_);
  for (const auto& [segment, bytes] : added) {
    if ((live_[segment] += bytes) > 0) dead_.erase(segment);
  }
}

void SegmentLedger::stage(MetaBatch& batch, const LiveBytes& added, const LiveBytes& removed) {
  LiveBytes deltas = added;
  for (const auto& [segment, bytes] : removed) deltas[segment] -= bytes;
  for (const auto& [segment, bytes] : deltas) {
    if (bytes != 0) batch.add(keys::live_bytes(segment), bytes);
  }
}

void SegmentLedger::released(const LiveBytes& removed, CommitPosition position) {
  MutexLock lock(mutex_);
  for (const auto& [segment, bytes] : removed) {
    if ((live_[segment] -= bytes) <= 0) dead_[segment] = position;
    change_mark_ += static_cast<std::uint64_t>(std::max<std::int64_t>(bytes, 0));
  }
}

void SegmentLedger::check_runs(const ExtentMap::SharedChanges& changes) {
  for (const auto& [key, present] : changes) {
    if (present) continue;
    if (auto freed = free_run_if_unreferenced(key.segment, key.run); !freed) {
      // The run stays counted as live: space lost until the next open looks again, no data.
      log_warning("shared run in segment {} not freed: {}", key.segment, freed.error().context);
    }
  }
}

Result<void> SegmentLedger::free_run_if_unreferenced(SegmentId segment, std::uint32_t run) {
  MutexLock lock(runs_mutex_);
  {
    MutexLock held(mutex_);
    if (held_runs_.contains({segment, run})) return {};
  }
  const std::string row_key = keys::shared_run(segment, run);
  COFFER_ASSIGN(const auto row, meta_.get(row_key));
  if (!row) return {};
  const std::string prefix = keys::shared_reference_prefix(segment, run);
  auto references = meta_.cursor(prefix, keys::prefix_end(prefix));
  references->seek(prefix);
  if (references->valid()) return {};
  COFFER_TRY(references->status());
  COFFER_ASSIGN(const SharedRun freed, decode_shared_run(*row));
  const LiveBytes removed{{segment, static_cast<std::int64_t>(freed.bytes)}};
  MetaBatch batch;
  batch.remove(row_key);
  stage(batch, {}, removed);
  COFFER_ASSIGN(const CommitPosition position, meta_.commit(std::move(batch)));
  released(removed, position);
  return {};
}

SegmentLedger::Appending::Appending(SegmentLedger& ledger) : ledger_(ledger) {
  MutexLock lock(ledger.mutex_);
  ticket_ = ledger.next_ticket_++;
  ledger.appending_.insert(ticket_);
}

SegmentLedger::Appending::~Appending() {
  MutexLock lock(ledger_.mutex_);
  ledger_.appending_.erase(ticket_);
}

Result<void> SegmentLedger::wait_for_appends(std::chrono::milliseconds deadline) const {
  constexpr std::chrono::milliseconds kNap{2};
  const auto end = std::chrono::steady_clock::now() + deadline;
  MutexLock lock(mutex_);
  const std::uint64_t mine = next_ticket_;
  while (!appending_.empty() && *appending_.begin() < mine) {
    if (std::chrono::steady_clock::now() >= end)
      return fail(Errc::TimedOut, "a write that is under way does not end");
    lock.unlock();
    std::this_thread::sleep_for(kNap);
    lock.lock();
  }
  return {};
}

void SegmentLedger::RunHold::add(SegmentId segment, std::uint32_t run) {
  MutexLock lock(ledger_.mutex_);
  ledger_.held_runs_.emplace(segment, run);
  runs_.emplace(segment, run);
}

SegmentLedger::RunHold::~RunHold() {
  ExtentMap::SharedChanges to_judge;
  {
    MutexLock lock(ledger_.mutex_);
    for (const auto& run : runs_) {
      ledger_.held_runs_.erase(run);
      to_judge[{run.first, run.second, 0}] = false;
    }
  }
  ledger_.check_runs(to_judge);
}

void SegmentLedger::opened(SegmentId segment) {
  MutexLock lock(mutex_);
  open_.insert(segment);
  live_.try_emplace(segment, 0);
}

void SegmentLedger::sealed(SegmentId segment) {
  MutexLock lock(mutex_);
  open_.erase(segment);
  sealed_at_[segment] = next_ticket_;
  ++change_mark_;
  // Nothing that was appended may ever have been referenced by a row.
  if (live_[segment] <= 0) dead_.try_emplace(segment, meta_.committed());
}

bool SegmentLedger::removable(SegmentId segment, CommitPosition synced) const {
  const auto dead = dead_.find(segment);
  const auto live = live_.find(segment);
  if (dead == dead_.end() || dead->second > synced || open_.contains(segment)) return false;
  if (live == live_.end() || live->second > 0) return false;
  const auto sealed = sealed_at_.find(segment);
  return sealed == sealed_at_.end() || appending_.empty() || *appending_.begin() >= sealed->second;
}

void SegmentLedger::reap() {
  const CommitPosition synced = meta_.synced();
  std::vector<SegmentId> rows_going;
  std::vector<SegmentId> files_going;
  {
    MutexLock lock(mutex_);
    // Taken out of the lists at once: two reapers never work on one segment.
    for (const auto& [segment, since] : dead_) {
      if (removable(segment, synced)) rows_going.push_back(segment);
    }
    for (const SegmentId segment : rows_going) {
      dead_.erase(segment);
      live_.erase(segment);
      sealed_at_.erase(segment);
    }
    for (const auto& [segment, since] : rowless_) {
      if (since <= synced) files_going.push_back(segment);
    }
    for (const SegmentId segment : files_going) rowless_.erase(segment);
  }
  for (const SegmentId segment : rows_going) remove_rows(segment);
  for (const SegmentId segment : files_going) {
    const auto removed = segments_.remove(segment);
    if (removed || removed.error().code == Errc::NotFound) continue;
    log_warning("files of dead segment {} stay until the next open: {}", segment,
                removed.error().context);
  }
}

bool SegmentLedger::reaping() const {
  MutexLock lock(mutex_);
  if (!rowless_.empty()) return true;
  return std::any_of(dead_.begin(), dead_.end(), [&](const auto& dead) {
    return removable(dead.first, CommitPosition{UINT64_MAX});
  });
}

bool SegmentLedger::dead_while_open() const {
  MutexLock lock(mutex_);
  return std::any_of(dead_.begin(), dead_.end(),
                     [&](const auto& dead) { return open_.contains(dead.first); });
}

void SegmentLedger::remove_rows(SegmentId segment) {
  MetaBatch batch;
  batch.remove(keys::segment(segment));
  batch.remove(keys::live_bytes(segment));
  const std::string degraded = keys::degraded(segment, 0, 0);
  const std::string of_segment = degraded.substr(0, 1 + sizeof(std::uint64_t));
  batch.remove_range(of_segment, keys::prefix_end(of_segment));
  const auto committed = meta_.commit(std::move(batch));
  if (!committed) {
    log_warning("row of dead segment {} stays: {}", segment, committed.error().context);
    return;
  }
  MutexLock lock(mutex_);
  rowless_[segment] = *committed;
}

std::uint64_t SegmentLedger::live_bytes() const {
  MutexLock lock(mutex_);
  std::uint64_t total = 0;
  for (const auto& [segment, bytes] : live_)
    total += static_cast<std::uint64_t>(std::max<std::int64_t>(bytes, 0));
  return total;
}

std::map<SegmentId, std::uint64_t> SegmentLedger::live_in_sealed() const {
  MutexLock lock(mutex_);
  std::map<SegmentId, std::uint64_t> found;
  for (const auto& [segment, bytes] : live_) {
    if (bytes > 0 && !open_.contains(segment))
      found.emplace(segment, static_cast<std::uint64_t>(bytes));
  }
  return found;
}

std::uint64_t SegmentLedger::change_mark() const {
  MutexLock lock(mutex_);
  return change_mark_;
}

std::map<SegmentId, std::int64_t> SegmentLedger::live_by_segment() const {
  MutexLock lock(mutex_);
  return live_;
}

}  // namespace coffer
