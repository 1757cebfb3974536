#pragma once
/// The inside of InodeStore, shared by its source files: cache (inode_store.cc), rows (inode_rows.cc), reaper (inode_reaper.cc).

#include <array>
#include <atomic>
#include <deque>
#include <list>
#include <set>
#include <thread>
#include <unordered_map>

#include "coffer/core/sharded_map.h"
#include "vault/tree/inode_store.h"
#include "vault/tree/keys.h"
#include "vault/tree/numbers.h"
#include "vault/tree/segment_ledger.h"

namespace coffer {

struct InodeStore::Impl {
  static constexpr std::size_t kShards = 64;

  explicit Impl(const Deps& d)
      : deps(d),
        attributes(d.attribute_cache_bytes),
        inode_numbers(*d.meta, "next-inode"),
        cookies(*d.meta, "next-cookie") {}

  struct Slot {
    InodeRef inode;
    std::list<InodeId>::iterator age;
  };
  struct alignas(64) Shard {
    Mutex mutex;
    std::unordered_map<InodeId, Slot> map GUARDED_BY(mutex);
    std::list<InodeId> ages GUARDED_BY(mutex);  // front: used last
  };

  Shard& shard_of(InodeId id) { return shards[mix_hash(id.value()) % kShards]; }
  void trim(Shard& shard) REQUIRES(shard.mutex);
  Result<void> load(Inode& inode);
  /// Whether it is the one object of its inode that the map has.
  bool holds(const Inode& inode);
  void forget(const Inode& inode);
  void stage_extents(MetaBatch& batch, Inode& inode);
  void stage_removal(MetaBatch& batch, Inode& inode);
  [[nodiscard]] bool used(const Inode& inode) const;
  [[nodiscard]] std::vector<InodeId> next_to_reap() REQUIRES(reaper_mutex);
  Result<bool> take_apart(MetaBatch& batch, Inode& inode, const ExtentMap::Loader& loader);

  const Deps deps;
  AttributeCache attributes;  // before the inodes, whose mutexes refer to it
  Numbers inode_numbers;
  Numbers cookies;
  std::array<Shard, kShards> shards;
  std::atomic<InodeUsers*> users{nullptr};
  std::atomic<std::int64_t> count{0};

  Mutex dirty_mutex;
  std::unordered_map<InodeId, InodeRef> dirty GUARDED_BY(dirty_mutex);

  Mutex reaper_mutex;
  CondVar reaper_wakes;
  std::deque<InodeId> reap_queue GUARDED_BY(reaper_mutex);
  std::set<InodeId> awaiting_users GUARDED_BY(reaper_mutex);  // without links, but still used
  unsigned drains GUARDED_BY(reaper_mutex) = 0;               // somebody waits for it to have done
  bool reaper_busy GUARDED_BY(reaper_mutex) = false;
  bool stopping GUARDED_BY(reaper_mutex) = false;
  std::thread reaper;
};

}  // namespace coffer
