#pragma once
/// FailureReports: what went wrong on volumes, kept until the journal has recorded it.
///
/// Writers and the sync note failures here and go on; nobody is answered success that skipped a
/// volume before settle() handed the failure to the journal. Appends never call settle(): it may
/// block on the database, which may wait for sync(), which waits for them.
///
/// Threads   any. Two settle() may report the same thing twice; the journal's calls are idempotent.

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "coffer/core/error.h"
#include "coffer/core/mutex.h"
#include "vault/segment/segment_store.h"

namespace coffer {

class FailureReports {
 public:
  void volume_failed(std::uint8_t member, const Error& why) EXCLUDES(mutex_);
  void shards_degraded(std::span<const ShardRef> shards) EXCLUDES(mutex_);
  /// Bytes that were handed out exist on too few shards: every sync() says so from then on, for it cannot tell whose they were.
  void bytes_lost(const Error& why) EXCLUDES(mutex_);
  /// The same of copies that nothing names yet: only who made them needs to know.
  void copies_lost() { copies_lost_.fetch_add(1, std::memory_order_acq_rel); }
  [[nodiscard]] std::uint64_t copies_lost_count() const {
    return copies_lost_.load(std::memory_order_acquire);
  }

  /// Members that take no further writes of this store (until volumes_changed()).
  [[nodiscard]] bool is_failed(std::uint8_t member) const {
    return (failed_.load(std::memory_order_acquire) >> member & 1U) != 0;
  }
  [[nodiscard]] bool any_failed(std::uint64_t members) const {
    return (failed_.load(std::memory_order_acquire) & members) != 0;
  }
  /// Did not answer in time: nobody waits for it again, readers neither.
  [[nodiscard]] bool is_hung(std::uint8_t member) const {
    return (hung_.load(std::memory_order_acquire) >> member & 1U) != 0;
  }
  void forget_failed() {
    failed_.store(0, std::memory_order_release);
    hung_.store(0, std::memory_order_release);
  }

  void forget_failed(std::uint8_t member) {
    const std::uint64_t others = ~(std::uint64_t{1} << member);
    failed_.fetch_and(others, std::memory_order_acq_rel);
    hung_.fetch_and(others, std::memory_order_acq_rel);
  }

  /// Tells the journal all that it does not know yet.
  Result<void> settle(SegmentJournal& journal) EXCLUDES(mutex_);
  [[nodiscard]] std::optional<Error> lost() const EXCLUDES(mutex_);
  [[nodiscard]] bool has_lost() const { return has_lost_.load(std::memory_order_acquire); }

 private:
  std::atomic<std::uint64_t> failed_{0};  // bit per member
  std::atomic<std::uint64_t> hung_{0};
  std::atomic<bool> has_lost_{false};
  std::atomic<std::uint64_t> copies_lost_{0};
  mutable Mutex mutex_;
  std::vector<std::pair<std::uint8_t, Error>> volumes_ GUARDED_BY(mutex_);
  std::vector<ShardRef> shards_ GUARDED_BY(mutex_);
  std::optional<Error> lost_ GUARDED_BY(mutex_);
};

}  // namespace coffer
