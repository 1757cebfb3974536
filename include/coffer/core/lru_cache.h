#pragma once
/// LruCache: a bounded cache for many threads: sharded, exact least-recently-used order in each
/// shard.
///
/// get() returns a copy, so Value is a shared_ptr or a small plain value. Each shard holds its
/// entries in one array, linked by index: an insert or a hit allocates nothing once the array has
/// grown.
///
/// Owns      its entries; evicted values are destroyed outside of the lock.
/// Threads   every function from any thread. erase_if's predicate runs under one shard's lock.
/// Errors    none. An entry that costs more than one shard may hold is not kept. Invariant cost()
///           <= cost_max(): every shard stays below its equal part.

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "coffer/core/mutex.h"
#include "coffer/core/sharded_map.h"

namespace coffer {

/// What a cache has done so far and what it holds now.
struct CacheStats {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t evictions = 0;
  std::size_t entries = 0;
  std::size_t cost = 0;
};

template <typename Key, typename Value, typename Hash = std::hash<Key>>
class LruCache {
 public:
  /// `shards` is rounded up to a power of two; few shards suit few costly entries.
  explicit LruCache(std::size_t cost_max, std::size_t shards = 16)
      : shard_bits_(static_cast<unsigned>(
            std::countr_zero(std::bit_ceil(std::max<std::size_t>(shards, 1))))),
        shard_cost_max_(cost_max >> shard_bits_),
        shards_(std::make_unique<Shard[]>(std::size_t{1} << shard_bits_)) {}
  LruCache(const LruCache&) = delete;
  LruCache& operator=(const LruCache&) = delete;

  /// A copy of the value, which becomes the most recently used one.
  std::optional<Value> get(const Key& key) {
    const std::uint64_t hash = mix_hash(Hash{}(key));
    Shard& shard = shard_of(hash);
    MutexLock lock(shard.mutex);
    const std::uint32_t slot = shard.find(key, hash);
    if (slot == kNone) {
      ++shard.misses;
      return std::nullopt;
    }
    ++shard.hits;
    shard.unlink(slot);
    shard.push_front(slot);
    return shard.slots[slot].value;
  }

  /// Inserts or replaces; evicts the least recently used entries of the shard that no longer fit.
  void put(const Key& key, Value value, std::size_t cost) {
    const std::uint64_t hash = mix_hash(Hash{}(key));
    Shard& shard = shard_of(hash);
    std::vector<Value> dropped;  // declared before the lock: destroyed after its release
    MutexLock lock(shard.mutex);
    if (const std::uint32_t old = shard.find(key, hash); old != kNone) {
      dropped.push_back(shard.remove(old));
    }
    if (cost > shard_cost_max_) return;
    while (shard.cost > shard_cost_max_ - cost) {
      dropped.push_back(shard.remove(shard.tail));
      ++shard.evictions;
    }
    shard.insert(key, hash, std::move(value), cost);
  }

  bool erase(const Key& key) {
    const std::uint64_t hash = mix_hash(Hash{}(key));
    Shard& shard = shard_of(hash);
    std::optional<Value> dropped;
    MutexLock lock(shard.mutex);
    const std::uint32_t slot = shard.find(key, hash);
    if (slot == kNone) return false;
    dropped = shard.remove(slot);
    return true;
  }

  /// Erases every entry for which pred(const Key&, const Value&) holds; returns how many. Looks at
  /// all entries.
  template <typename Pred>
  std::size_t erase_if(Pred&& pred) {
    std::size_t erased = 0;
    for (std::size_t index = 0; index < shard_count(); ++index) {
      Shard& shard = shards_[index];
      std::vector<Value> dropped;
      MutexLock lock(shard.mutex);
      for (std::uint32_t slot = shard.head; slot != kNone;) {
        const std::uint32_t next = shard.slots[slot].next;
        if (pred(std::as_const(shard.slots[slot].key), std::as_const(shard.slots[slot].value))) {
          dropped.push_back(shard.remove(slot));
          ++erased;
        }
        slot = next;
      }
    }
    return erased;
  }

  void clear() {
    erase_if([](const Key&, const Value&) { return true; });
  }

  [[nodiscard]] CacheStats stats() const {
    CacheStats total;
    for (std::size_t index = 0; index < shard_count(); ++index) {
      const Shard& shard = shards_[index];
      MutexLock lock(shard.mutex);
      total.hits += shard.hits;
      total.misses += shard.misses;
      total.evictions += shard.evictions;
      total.entries += shard.entries;
      total.cost += shard.cost;
    }
    return total;
  }
  [[nodiscard]] std::size_t cost() const { return stats().cost; }
  [[nodiscard]] std::size_t cost_max() const { return shard_cost_max_ << shard_bits_; }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  struct Slot {
    Key key{};
    Value value{};
    std::size_t cost = 0;
    std::uint64_t hash = 0;
    std::uint32_t chain = kNone;  // next in the hash bucket; next free slot when unused
    std::uint32_t previous = kNone;
    std::uint32_t next = kNone;
  };

  // Everything in it is guarded by its mutex; the functions are called with it held.
  struct alignas(64) Shard {
    mutable Mutex mutex;
    std::vector<Slot> slots;
    std::vector<std::uint32_t> buckets;  // a power of two; heads of chains
    std::uint32_t head = kNone;          // most recently used
    std::uint32_t tail = kNone;
    std::uint32_t free = kNone;
    std::size_t entries = 0;
    std::size_t cost = 0;
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t evictions = 0;

    std::uint32_t& bucket_of(std::uint64_t hash) { return buckets[hash & (buckets.size() - 1)]; }

    std::uint32_t find(const Key& key, std::uint64_t hash) {
      if (buckets.empty()) return kNone;
      std::uint32_t slot = bucket_of(hash);
      while (slot != kNone && !(slots[slot].hash == hash && slots[slot].key == key)) {
        slot = slots[slot].chain;
      }
      return slot;
    }

    void unlink(std::uint32_t slot) {
      const Slot& entry = slots[slot];
      (entry.previous == kNone ? head : slots[entry.previous].next) = entry.next;
      (entry.next == kNone ? tail : slots[entry.next].previous) = entry.previous;
    }

    void push_front(std::uint32_t slot) {
      slots[slot].previous = kNone;
      slots[slot].next = head;
      (head == kNone ? tail : slots[head].previous) = slot;
      head = slot;
    }

    void insert(const Key& key, std::uint64_t hash, Value value, std::size_t entry_cost) {
      if (entries >= buckets.size()) grow();
      std::uint32_t slot = free;
      if (slot == kNone) {
        slot = static_cast<std::uint32_t>(slots.size());
        slots.emplace_back();
      } else {
        free = slots[slot].chain;
      }
      Slot& entry = slots[slot];
      entry.key = key;
      entry.value = std::move(value);
      entry.cost = entry_cost;
      entry.hash = hash;
      entry.chain = std::exchange(bucket_of(hash), slot);
      push_front(slot);
      cost += entry_cost;
      ++entries;
    }

    Value remove(std::uint32_t slot) {
      Slot& entry = slots[slot];
      std::uint32_t* link = &bucket_of(entry.hash);
      while (*link != slot) link = &slots[*link].chain;
      *link = entry.chain;
      unlink(slot);
      cost -= entry.cost;
      --entries;
      entry.key = Key{};
      entry.chain = std::exchange(free, slot);
      return std::exchange(entry.value, Value{});
    }

    void grow() {
      buckets.assign(std::max<std::size_t>(16, buckets.size() * 2), kNone);
      for (std::uint32_t slot = head; slot != kNone; slot = slots[slot].next) {
        slots[slot].chain = std::exchange(bucket_of(slots[slot].hash), slot);
      }
    }
  };

  // The top bits choose the shard, the low ones the bucket in it.
  Shard& shard_of(std::uint64_t hash) {
    return shards_[shard_bits_ == 0 ? 0 : static_cast<std::size_t>(hash >> (64 - shard_bits_))];
  }
  [[nodiscard]] std::size_t shard_count() const { return std::size_t{1} << shard_bits_; }

  const unsigned shard_bits_;
  const std::size_t shard_cost_max_;
  const std::unique_ptr<Shard[]> shards_;
};

}  // namespace coffer
