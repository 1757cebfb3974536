#pragma once
/// ClockShards: ClockTables side by side, each with its own mutex, chosen by the top bits of a hash.
///
/// Threads   any, through each shard's mutex.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "coffer/core/mutex.h"
#include "vault/tree/clock_table.h"

namespace coffer {

template <typename Entry>
class ClockShards {
 public:
  static constexpr unsigned kBits = 6;
  static constexpr std::size_t kCount = std::size_t{1} << kBits;

  struct alignas(64) Shard {
    explicit Shard(std::size_t entries_max) : table(entries_max) {}
    mutable Mutex mutex;
    ClockTable<Entry> table GUARDED_BY(mutex);
  };

  explicit ClockShards(std::size_t entries_max_of_each) {
    for (auto& shard : shards_) shard = std::make_unique<Shard>(entries_max_of_each);
  }

  /// How many entries each may have so that all of them, with their places in the index, take `bytes`.
  static constexpr std::size_t entries_of_each(std::size_t bytes) {
    return std::max<std::size_t>(bytes / (sizeof(Entry) + 2 * sizeof(std::uint32_t)) / kCount, 16);
  }

  [[nodiscard]] Shard& of(std::uint64_t hash) { return *shards_[hash >> (64 - kBits)]; }

  [[nodiscard]] std::size_t size() const {
    std::size_t total = 0;
    for (const auto& shard : shards_) {
      MutexLock lock(shard->mutex);
      total += shard->table.size();
    }
    return total;
  }
  [[nodiscard]] std::size_t memory_bytes() const {
    std::size_t total = sizeof(*this);
    for (const auto& shard : shards_) {
      MutexLock lock(shard->mutex);
      total += sizeof(Shard) + shard->table.memory_bytes();
    }
    return total;
  }

 private:
  std::array<std::unique_ptr<Shard>, kCount> shards_;
};

}  // namespace coffer
