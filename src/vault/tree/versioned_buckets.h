#pragma once
/// VersionedBuckets: which buckets keep versions of their objects, in memory, and the numbers of versions.
///
/// Owns      the states of all such buckets, and the names of directories in them that a path was made of.
/// Threads   everything from any thread. A state changes with the gate held alone: who holds it in either way finds it unchanged.
/// Errors    those of the metadata store.

#include <atomic>
#include <map>
#include <optional>
#include <string>

#include "coffer/core/lru_cache.h"
#include "coffer/core/mutex.h"
#include "vault/tree/inode_store.h"
#include "vault/tree/numbers.h"

namespace coffer {

enum class Versioning : std::uint8_t { Off, Enabled, Suspended };

/// Nothing: no value of the setting.
std::optional<Versioning> versioning_of(std::string_view setting);

/// Where a directory stands in a versioned bucket.
struct VersionedPlace {
  InodeId bucket;
  Versioning state = Versioning::Off;
  std::string prefix;  // of the keys in it: empty or ending in '/'
};

class VersionedBuckets {
 public:
  VersionedBuckets(MetaStore& meta, InodeStore& inodes)
      : meta_(meta), inodes_(inodes), numbers_(meta, "next-version") {}

  /// Reads the states of all buckets. Once, before anything else.
  Result<void> load();
  [[nodiscard]] bool any() const { return any_.load(std::memory_order_acquire); }
  [[nodiscard]] Versioning state(InodeId bucket) const;
  /// @pre the gate is held alone, or the bucket is gone
  void set(InodeId bucket, Versioning state);
  /// The number of a new version: greater than all before.
  Result<std::uint64_t> next() { return numbers_.next(1); }

  /// Nothing: no versioned bucket, or nothing below it can be a key. @pre the gate is held
  Result<std::optional<VersionedPlace>> place_of(InodeId directory);
  /// The bucket that the directory is in, itself included. @pre the gate is held
  Result<std::optional<InodeId>> bucket_of(InodeId directory);
  /// `directory` was found under this stored name in a versioned bucket, where names stay.
  void remember_name(InodeId directory, std::string_view stored);

 private:
  Result<std::string> name_of(InodeId parent, InodeId directory);
  Result<InodeId> parent_of(InodeId directory);

  MetaStore& meta_;
  InodeStore& inodes_;
  Numbers numbers_;
  std::atomic<bool> any_{false};
  mutable SharedMutex mutex_;
  std::map<InodeId, Versioning> states_ GUARDED_BY(mutex_);
  LruCache<InodeId, std::string> directory_names_{kNameBytesMax, 4};
  static constexpr std::size_t kNameBytesMax = std::size_t{4} << 20;
};

}  // namespace coffer
