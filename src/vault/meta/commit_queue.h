#pragma once
/// CommitQueue: the order of commits, and what of it is durable.
///
/// Callers that come while a commit is being written wait and are then written together, by one of them, as one RocksDB
/// record in one frame. Syncs likewise: one covers all who came before it began.
///
/// Borrows   database, ledger, barrier.
/// Threads   any.
/// Errors    after the first failed write or sync everything fails with Io: what became durable is unknown.
/// Locks     none is held while RocksDB, the barrier or a disk works.

#include <rocksdb/db.h>

#include <atomic>
#include <deque>

#include "coffer/core/mutex.h"
#include "vault/meta/flush_backlog.h"
#include "vault/meta/frame_ledger.h"
#include "vault/meta/meta_batch_impl.h"

namespace coffer::meta {

/// The row that says how far the database is. Written with every group; keys that begin with 0x00 are ours.
inline constexpr std::string_view kPositionKey{"\0position", 9};
inline constexpr std::string_view kFirstKey{"\1", 1};

class CommitQueue {
 public:
  static constexpr std::size_t kGroupBytes = std::size_t{4} << 20;
  static constexpr std::size_t kBatchBytesMax = std::size_t{256} << 20;

  CommitQueue(rocksdb::DB& database, FrameLedger& ledger, FlushBacklog& backlog,
              DataBarrier* barrier, CommitPosition start);

  Result<CommitPosition> commit(const rocksdb::WriteBatch& rows, std::string_view needs)
      EXCLUDES(mutex_);
  Result<void> sync() EXCLUDES(mutex_, sync_mutex_);
  [[nodiscard]] CommitPosition committed() const { return CommitPosition(committed_.load()); }
  [[nodiscard]] CommitPosition synced() const { return CommitPosition(synced_.load()); }
  /// From now on everything fails.
  void fail_all() { broken_.store(true); }
  [[nodiscard]] bool failed() const { return broken_.load(); }

 private:
  struct Waiter {
    const rocksdb::WriteBatch* rows;
    std::string_view needs;
    std::uint64_t position = 0;
    bool done = false;
    Error error{};
    bool failed = false;
  };
  using Group = std::deque<Waiter*>;

  Group take_group() REQUIRES(mutex_);
  void wait_for_flush();
  Result<void> write(const Group& group, std::uint64_t last);
  Result<void> sync_once();

  rocksdb::DB& database_;
  FrameLedger& ledger_;
  FlushBacklog& backlog_;
  DataBarrier* const barrier_;
  std::atomic<std::uint64_t> committed_;
  std::atomic<std::uint64_t> synced_;
  std::atomic<bool> broken_{false};

  Mutex mutex_;
  CondVar written_;
  Group queue_ GUARDED_BY(mutex_);
  bool writing_ GUARDED_BY(mutex_) = false;

  Mutex sync_mutex_;
  CondVar sync_ended_;
  bool syncing_ GUARDED_BY(sync_mutex_) = false;
};

}  // namespace coffer::meta
