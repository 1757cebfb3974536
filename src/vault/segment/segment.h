#pragma once
/// Segment: what the store remembers of one segment, open or old, while it is known.
///
/// Owns      the map of its stripes that are not yet wholly in the shard files.
/// Threads   any.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>

#include "coffer/core/mutex.h"
#include "vault/segment/segment_store.h"
#include "vault/segment/stripe_layout.h"

namespace coffer {

class OpenStripe;

class Segment {
 public:
  explicit Segment(SegmentInfo info) : info_(std::move(info)) {
    for (auto& from : lost_from_) from.store(UINT32_MAX, std::memory_order_relaxed);
  }

  [[nodiscard]] const SegmentInfo& info() const { return info_; }
  [[nodiscard]] std::uint32_t shards() const { return std::uint32_t{info_.k} + info_.m; }
  [[nodiscard]] std::uint32_t slot(std::uint32_t stripe, std::uint32_t shard) const {
    return slot_of(stripe, shard, shards());
  }
  [[nodiscard]] std::uint8_t member(std::uint32_t slot) const { return info_.members[slot]; }

  /// The file in `slot` failed a write or sync: from block `stripe` on its content is unknown.
  void lose(std::uint32_t slot, std::uint32_t stripe) {
    std::uint32_t now = lost_from_[slot].load(std::memory_order_relaxed);
    while (stripe < now && !lost_from_[slot].compare_exchange_weak(now, stripe)) {
    }
  }
  [[nodiscard]] bool is_lost(std::uint32_t slot, std::uint32_t stripe) const {
    return stripe >= lost_from_[slot].load(std::memory_order_acquire);
  }

  /// The file in `slot` was made anew, whole.
  void restore(std::uint32_t slot) {
    lost_from_[slot].store(UINT32_MAX, std::memory_order_release);
  }

  /// Plaintext bytes that were appended since it was made; 0 of one that was made before the vault was opened.
  void add_appended(std::uint64_t bytes) { appended_.fetch_add(bytes, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t appended() const { return appended_.load(std::memory_order_relaxed); }

  void add_live(std::uint32_t stripe, std::shared_ptr<OpenStripe> open) EXCLUDES(mutex_) {
    ExclusiveLock lock(mutex_);
    live_.emplace(stripe, std::move(open));
    any_live_.store(true, std::memory_order_release);
  }
  void remove_live(std::uint32_t stripe) EXCLUDES(mutex_) {
    ExclusiveLock lock(mutex_);
    live_.erase(stripe);
    any_live_.store(!live_.empty(), std::memory_order_release);
  }
  /// Null when the stripe's bytes are in the shard files.
  [[nodiscard]] std::shared_ptr<OpenStripe> live(std::uint32_t stripe) const EXCLUDES(mutex_) {
    if (!any_live_.load(std::memory_order_acquire)) return nullptr;
    SharedLock lock(mutex_);
    const auto found = live_.find(stripe);
    return found == live_.end() ? nullptr : found->second;
  }

  void set_removed() { removed_.store(true, std::memory_order_release); }
  [[nodiscard]] bool removed() const { return removed_.load(std::memory_order_acquire); }

 private:
  const SegmentInfo info_;
  std::atomic<bool> removed_{false};
  std::atomic<bool> any_live_{false};
  std::atomic<std::uint64_t> appended_{0};
  std::array<std::atomic<std::uint32_t>, kStripeShardsMax> lost_from_;
  mutable SharedMutex mutex_;
  std::unordered_map<std::uint32_t, std::shared_ptr<OpenStripe>> live_ GUARDED_BY(mutex_);
};

}  // namespace coffer
