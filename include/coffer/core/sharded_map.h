#pragma once
/// ShardedMap: a hash map for many threads, split into shards that each have their own lock.
///
/// Owns      its keys and values.
/// Threads   every function from any thread. Callbacks run under one shard's lock: they must be
/// short,
///           must not block, and must not call the same map. for_each and size see each shard at a
///           moment of its own, not the whole map at one moment.
/// Errors    none.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "coffer/core/mutex.h"

namespace coffer {

/// Spreads a hash over all 64 bits (the finaliser of SplitMix64,
/// https://prng.di.unimi.it/splitmix64.c): libstdc++ hashes integers to themselves, which would put
/// runs of ids into one shard.
constexpr std::uint64_t mix_hash(std::uint64_t hash) {
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9U;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebU;
  return hash ^ (hash >> 31);
}

template <typename Key, typename Value, typename Hash = std::hash<Key>, std::size_t kShards = 64>
class ShardedMap {
  static_assert(std::has_single_bit(kShards) && kShards > 1);

 public:
  ShardedMap() = default;
  ShardedMap(const ShardedMap&) = delete;
  ShardedMap& operator=(const ShardedMap&) = delete;

  /// fn(Value&) under the lock, if the key is there. False if it is not.
  template <typename Fn>
  bool with(const Key& key, Fn&& fn) {
    Shard& shard = shard_of(key);
    MutexLock lock(shard.mutex);
    const auto found = shard.map.find(key);
    if (found == shard.map.end()) return false;
    std::forward<Fn>(fn)(found->second);
    return true;
  }

  /// fn(Value&) under the lock; a missing value is default-constructed first. Returns fn's result.
  template <typename Fn>
  decltype(auto) with_or_create(const Key& key, Fn&& fn) {
    Shard& shard = shard_of(key);
    MutexLock lock(shard.mutex);
    return std::forward<Fn>(fn)(shard.map[key]);
  }

  /// A copy of the value.
  [[nodiscard]] std::optional<Value> find(const Key& key) const {
    const Shard& shard = shard_of(key);
    MutexLock lock(shard.mutex);
    const auto found = shard.map.find(key);
    if (found == shard.map.end()) return std::nullopt;
    return found->second;
  }

  [[nodiscard]] bool contains(const Key& key) const {
    const Shard& shard = shard_of(key);
    MutexLock lock(shard.mutex);
    return shard.map.contains(key);
  }

  /// True if the key was not there before.
  bool insert_or_assign(const Key& key, Value value) {
    Shard& shard = shard_of(key);
    MutexLock lock(shard.mutex);
    return shard.map.insert_or_assign(key, std::move(value)).second;
  }

  /// Inserts unless the key is there. True if it was inserted.
  bool insert(const Key& key, Value value) {
    Shard& shard = shard_of(key);
    MutexLock lock(shard.mutex);
    return shard.map.try_emplace(key, std::move(value)).second;
  }

  bool erase(const Key& key) { return take(key).has_value(); }

  /// Erases the key if pred(Value&) says so, under the lock. True if it was erased.
  template <typename Pred>
  bool erase_if(const Key& key, Pred&& pred) {
    Shard& shard = shard_of(key);
    MutexLock lock(shard.mutex);
    const auto found = shard.map.find(key);
    if (found == shard.map.end() || !std::forward<Pred>(pred)(found->second)) return false;
    shard.map.erase(found);
    return true;
  }

  /// Removes the key and hands its value over; its destructor runs outside of the lock.
  std::optional<Value> take(const Key& key) {
    Shard& shard = shard_of(key);
    MutexLock lock(shard.mutex);
    auto node = shard.map.extract(key);
    lock.unlock();
    if (node.empty()) return std::nullopt;
    return std::move(node.mapped());
  }

  /// fn(const Key&, Value&) for every entry, one shard's lock at a time.
  template <typename Fn>
  void for_each(Fn&& fn) {
    for (Shard& shard : shards_) {
      MutexLock lock(shard.mutex);
      for (auto& [key, value] : shard.map) fn(key, value);
    }
  }

  /// Erases every entry for which pred(const Key&, Value&) holds; returns how many.
  template <typename Pred>
  std::size_t erase_all_if(Pred&& pred) {
    std::size_t erased = 0;
    for (Shard& shard : shards_) {
      MutexLock lock(shard.mutex);
      for (auto entry = shard.map.begin(); entry != shard.map.end();) {
        if (!pred(entry->first, entry->second)) {
          ++entry;
          continue;
        }
        entry = shard.map.erase(entry);
        ++erased;
      }
    }
    return erased;
  }

  void clear() {
    erase_all_if([](const Key&, Value&) { return true; });
  }

  [[nodiscard]] std::size_t size() const {
    std::size_t total = 0;
    for (const Shard& shard : shards_) {
      MutexLock lock(shard.mutex);
      total += shard.map.size();
    }
    return total;
  }

 private:
  struct alignas(64) Shard {
    mutable Mutex mutex;
    std::unordered_map<Key, Value, Hash> map GUARDED_BY(mutex);
  };

  // The top bits choose the shard, since unordered_map uses the low ones of the unmixed hash.
  static std::size_t index_of(const Key& key) {
    return static_cast<std::size_t>(mix_hash(Hash{}(key)) >> (64 - std::countr_zero(kShards)));
  }
  Shard& shard_of(const Key& key) { return shards_[index_of(key)]; }
  const Shard& shard_of(const Key& key) const { return shards_[index_of(key)]; }

  std::array<Shard, kShards> shards_;
};

}  // namespace coffer
