#pragma once
/// InodeMutex: the mutex of one inode, which keeps the cache of attributes true.
///
/// Whoever holds it alone may change the inode, so its attributes leave the cache before he can; they come back from one who
/// holds it shared.

#include <atomic>

#include "coffer/core/mutex.h"
#include "coffer/vault/ids.h"
#include "vault/tree/attribute_cache.h"

namespace coffer {

class CAPABILITY("shared_mutex") InodeMutex {
 public:
  InodeMutex(AttributeCache& cache, InodeId inode) : cache_(cache), inode_(inode) {}

  void lock() ACQUIRE() {
    mutex_.lock();
    if (cached_.load(std::memory_order_relaxed)) {
      cached_.store(false, std::memory_order_relaxed);
      cache_.erase(inode_);
    }
  }
  void unlock() RELEASE() { mutex_.unlock(); }
  void lock_shared() ACQUIRE_SHARED() { mutex_.lock_shared(); }
  void unlock_shared() RELEASE_SHARED() { mutex_.unlock_shared(); }

  /// It was loaded: what an earlier object of this inode left in the cache is as true as its row.
  void may_be_cached() REQUIRES(this) { cached_.store(true, std::memory_order_relaxed); }
  /// What the inode's holder has just read of it. @pre attributes.inode is this one's
  void remember(const Attributes& attributes) REQUIRES_SHARED(this) {
    cached_.store(true, std::memory_order_relaxed);
    cache_.put(attributes);
  }

 private:
  SharedMutex mutex_;
  AttributeCache& cache_;
  const InodeId inode_;
  std::atomic<bool> cached_{false};  // may be set while the mutex is held shared
};

}  // namespace coffer
