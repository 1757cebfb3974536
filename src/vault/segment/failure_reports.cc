#include "vault/segment/failure_reports.h"

#include <algorithm>

namespace coffer {

void FailureReports::volume_failed(std::uint8_t member, const Error& why) {
  const std::uint64_t bit = std::uint64_t{1} << member;
  if (why.code == Errc::TimedOut) hung_.fetch_or(bit, std::memory_order_acq_rel);
  MutexLock lock(mutex_);
  if ((failed_.fetch_or(bit, std::memory_order_acq_rel) & bit) != 0) return;
  volumes_.emplace_back(member, why);
}

void FailureReports::shards_degraded(std::span<const ShardRef> shards) {
  MutexLock lock(mutex_);
  shards_.insert(shards_.end(), shards.begin(), shards.end());
}

void FailureReports::bytes_lost(const Error& why) {
  MutexLock lock(mutex_);
  if (!lost_) lost_ = why;
  has_lost_.store(true, std::memory_order_release);
}

Result<void> FailureReports::settle(SegmentJournal& journal) {
  std::vector<std::pair<std::uint8_t, Error>> volumes;
  std::vector<ShardRef> shards;
  {
    MutexLock lock(mutex_);
    volumes = volumes_;
    shards = shards_;
  }
  // Copied, not taken: a second caller must not return before the journal knows.
  for (const auto& [member, why] : volumes) {
    COFFER_TRY(journal.volume_failed(member, why));
    MutexLock lock(mutex_);
    std::erase_if(volumes_, [m = member](const auto& entry) { return entry.first == m; });
  }
  if (shards.empty()) return {};
  COFFER_TRY(journal.shards_degraded(shards));
  std::ranges::sort(shards);
  MutexLock lock(mutex_);
  std::erase_if(shards_,
                [&](const ShardRef& one) { return std::ranges::binary_search(shards, one); });
  return {};
}

std::optional<Error> FailureReports::lost() const {
  MutexLock lock(mutex_);
  return lost_;
}

}  // namespace coffer
