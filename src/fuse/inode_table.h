#pragma once
/// InodeTable: which inodes the kernel knows and has open, exactly.
///
/// nlookup counts what the kernel will forget (docs of libfuse: lookup, create, mknod, mkdir,
/// symlink, link and tmpfile +1 each; readdirplus +1 for each entry sent except `.` and `..`;
/// readdir 0). Count before the reply is sent and take back what a failed reply did not deliver:
/// else a FORGET that overtakes us would free an inode that the kernel still names.
///
/// Owns      its slots only; the vault is told by the caller when an inode is no longer used.
/// Threads   everything from any thread. One shard mutex guards increment, decrement and erase.
/// Bounds    24 bytes a slot, at least 3/8 full beyond the smallest size: up to 64 bytes an inode.
/// Invariant an inode has a slot exactly while lookups + opens > 0.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "coffer/core/mutex.h"
#include "coffer/vault/ids.h"

namespace coffer::fuse {

/// How a file was opened, as far as the page cache cares.
enum class Access { Read, Write };

/// What a decrement left of the kernel's use of an inode.
enum class Remains { InUse, Unused };

class InodeTable {
 public:
  InodeTable();

  /// True when the inode was not in use before: it may have been reclaimed between being found and
  /// being counted, so the caller asks the tree once more.
  bool add_lookups(InodeId id, std::uint64_t count = 1);
  /// Taking more than there are is the kernel's mistake or ours; the count stops at zero.
  Remains drop_lookups(InodeId id, std::uint64_t count);

  void opened(InodeId id, Access access);
  Remains closed(InodeId id, Access access);

  /// The kernel holds this inode (nlookup > 0).
  [[nodiscard]] bool known(InodeId id) const;
  /// Some descriptor that may hold dirty pages is open.
  [[nodiscard]] bool open_for_writing(InodeId id) const;
  [[nodiscard]] std::uint64_t lookups(InodeId id) const;
  [[nodiscard]] std::uint64_t opens(InodeId id) const;

  [[nodiscard]] bool in_use(InodeId id) const;

  /// A write came in: the next flush or release has something to commit. Returns capability_absent.
  bool note_write(InodeId id);
  /// True when writes came in since the last call.
  bool take_written(InodeId id);

  /// security.capability: a write must remove it. Whoever has looked and found none says so here,
  /// and until `note_capability_set` no further write needs to look. Remembered while the inode has
  /// a slot.
  void note_capability_absent(InodeId id);
  void note_capability_set(InodeId id);

  /// The inodes for which open_for_writing() is true.
  [[nodiscard]] std::vector<InodeId> all_open_for_writing() const;

  /// Inodes with a slot, the root included once the kernel looked at it.
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::size_t memory_bytes() const;

  /// Empties the table when the kernel is gone, telling of every inode that was in it.
  void drain(const std::function<void(InodeId)>& dropped);

 private:
  struct Slot {
    std::uint64_t id = 0;  // 0: free
    std::uint64_t lookups = 0;
    std::uint32_t opens = 0;  // of either kind
    std::uint32_t writers : 30 = 0;
    std::uint32_t written : 1 = 0;
    std::uint32_t capability_absent : 1 = 0;
  };
  static_assert(sizeof(Slot) == 24);

  struct alignas(64) Shard {
    mutable Mutex mutex;
    std::vector<Slot> slots GUARDED_BY(mutex);
    std::size_t used GUARDED_BY(mutex) = 0;
  };

  static constexpr unsigned kShardBits = 6;
  static constexpr std::size_t kSlotsMin = 16;

  static constexpr std::size_t kAbsent = ~std::size_t{0};

  static std::uint64_t hash(InodeId id);
  static std::size_t find_at(const std::vector<Slot>& slots, InodeId id);
  Shard& shard_of(InodeId id);
  const Shard& shard_of(InodeId id) const;

  static Slot* find(Shard& shard, InodeId id) REQUIRES(shard.mutex);
  static const Slot* find(const Shard& shard, InodeId id) REQUIRES(shard.mutex);
  static Slot& find_or_insert(Shard& shard, InodeId id) REQUIRES(shard.mutex);
  static void resize(Shard& shard, std::size_t slots) REQUIRES(shard.mutex);
  static Remains erase_if_unused(Shard& shard, Slot* slot) REQUIRES(shard.mutex);

  std::array<Shard, 1U << kShardBits> shards_;
};

}  // namespace coffer::fuse
