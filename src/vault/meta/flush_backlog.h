#pragma once
/// FlushBacklog: keeps commits from filling up RocksDB's memtables.
///
/// A flush passes the data barrier, and the barrier may have to commit rows (a degraded stripe's). Were those stalled
/// by RocksDB until a flush ends, both would wait for ever. So ordinary commits wait here, before they are in the
/// queue, while few memtables are unflushed; commits from inside a barrier do not, and find the rest of them free.
///
/// Threads   any.

#include <rocksdb/db.h>
#include <rocksdb/listener.h>

#include <atomic>

namespace coffer::meta {

class FlushBacklog final : public rocksdb::EventListener {
 public:
  static constexpr int kMemtablesMax = 6;            // RocksDB stalls at this many
  static constexpr std::uint64_t kUnflushedMax = 2;  // commits wait beyond this many

  const char* Name() const override { return "coffer.FlushBacklog"; }
  void OnMemTableSealed(const rocksdb::MemTableInfo& /*info*/) override { sealed_.store(true); }
  void OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/,
                         rocksdb::Status* /*error*/) override {
    failed_.store(true);
  }

  /// True while an ordinary commit should wait. Costs nothing while no memtable was filled.
  [[nodiscard]] bool full(rocksdb::DB& database) {
    if (!sealed_.load(std::memory_order_relaxed)) return false;
    if (failed_.load()) return false;  // no flush will come; the database answers with the error
    std::uint64_t unflushed = 0;
    database.GetIntProperty(rocksdb::DB::Properties::kNumImmutableMemTable, &unflushed);
    if (unflushed > kUnflushedMax) return true;
    if (unflushed == 0) sealed_.store(false);
    return false;
  }

 private:
  std::atomic<bool> sealed_{false};
  std::atomic<bool> failed_{false};
};

/// Marks that this thread is passing a data barrier.
class InBarrier {
 public:
  InBarrier() { ++depth(); }
  ~InBarrier() { --depth(); }
  InBarrier(const InBarrier&) = delete;
  InBarrier& operator=(const InBarrier&) = delete;
  [[nodiscard]] static bool here() { return depth() > 0; }

 private:
  static int& depth() {
    thread_local int depth = 0;
    return depth;
  }
};

}  // namespace coffer::meta
