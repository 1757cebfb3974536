#pragma once
/// AttributeCache: what stat(2) shows of inodes, without the inodes: 88 bytes for each and the place that leads there.
///
/// Who changes an inode holds its mutex alone and has erased it here since he got it (InodeMutex does that); who fills in what
/// he read holds the mutex shared. So what is found was true when it was asked for, and stays away while it changes.
///
/// Owns      the entries; bounded, the least asked for go first.
/// Threads   everything from any thread; one shard's mutex for some nanoseconds.
/// Errors    none: what is not found is read elsewhere.

#include <array>
#include <cstddef>
#include <cstdint>

#include "coffer/vault/attributes.h"
#include "vault/tree/clock_shards.h"

namespace coffer {

class AttributeCache {
 public:
  explicit AttributeCache(std::size_t bytes_max);

  /// False, and `found` as it was, if it is not known. Into a place of the caller's: to hand them on costs as much as to find
  /// them.
  [[nodiscard]] bool find(InodeId inode, Attributes& found);
  /// @pre the caller holds the inode's mutex, in either way
  void put(const Attributes& attributes);
  void erase(InodeId inode);

  [[nodiscard]] std::size_t size() const { return shards_.size(); }
  [[nodiscard]] std::size_t memory_bytes() const { return shards_.memory_bytes(); }

 private:
  // Devices have a number and no size, all others a size and no number.
  struct Entry {
    std::uint64_t inode = 0;
    std::uint64_t size_or_device = 0;
    std::uint64_t allocated = 0;
    std::array<std::int64_t, 4> seconds{};
    std::array<std::uint32_t, 4> nanoseconds{};
    std::uint32_t uid = 0, gid = 0, nlink = 0;
    std::uint16_t permissions = 0;
    FileType type = FileType::Regular;
    bool immutable : 1 = false;
    bool append_only : 1 = false;
    bool used : 1 = false;
    bool referenced : 1 = false;

    [[nodiscard]] std::uint32_t hash() const { return hash_of(InodeId(inode)); }
    [[nodiscard]] static constexpr std::size_t beside() { return 0; }
  };
  static_assert(sizeof(Entry) == 88);

  // Numbers count up: the product's high bits spread them evenly. The top ones choose the shard.
  static std::uint64_t spread(InodeId inode) { return inode.value() * 0x9e3779b97f4a7c15U; }
  static std::uint32_t hash_of(InodeId inode) {
    return static_cast<std::uint32_t>((spread(inode) << ClockShards<Entry>::kBits) >> 32U);
  }
  static void fill(Entry& entry, const Attributes& attributes);
  static void read(const Entry& entry, Attributes& attributes);

  ClockShards<Entry> shards_;
};

}  // namespace coffer
