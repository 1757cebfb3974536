#pragma once
/// NameCache: what stands under stored names of directories, nothing included.
///
/// A name costs 64 bytes and the place that leads there; one that is longer than kInlineBytes lies beside. Names under which a
/// file stands beside a directory are not kept: they are rare.
///
/// Owns      the entries; bounded, the least asked for go first.
/// Threads   everything from any thread; one shard's mutex for some nanoseconds. How it is kept true: namespace.h.
/// Errors    none: what is not found is read elsewhere.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "vault/tree/clock_shards.h"
#include "vault/tree/name_slots.h"

namespace coffer {

class NameCache {
 public:
  explicit NameCache(std::size_t bytes_max);

  [[nodiscard]] std::optional<NameSlots> find(InodeId parent, std::string_view stored);
  void put(InodeId parent, std::string_view stored, const NameSlots& slots);
  void erase(InodeId parent, std::string_view stored);

  [[nodiscard]] std::size_t size() const { return shards_.size(); }
  [[nodiscard]] std::size_t memory_bytes() const { return shards_.memory_bytes(); }

 private:
  static constexpr std::size_t kInlineBytes = 24;

  struct Entry {
    InodeId parent;
    InodeId inode;  // 0: nothing stands there
    std::uint64_t cookie = 0;
    std::unique_ptr<char[]> long_name;  // what does not fit below
    std::uint32_t name_hash = 0;
    std::uint16_t name_bytes = 0;
    FileType type = FileType::Regular;
    bool used : 1 = false;
    bool referenced : 1 = false;
    std::array<char, kInlineBytes> short_name{};

    [[nodiscard]] std::uint32_t hash() const { return name_hash; }
    [[nodiscard]] std::size_t beside() const { return long_name ? block_bytes(name_bytes) : 0; }
    [[nodiscard]] std::string_view name() const {
      return {long_name ? long_name.get() : short_name.data(), name_bytes};
    }
  };
  static_assert(sizeof(Entry) == 64);

  static std::uint64_t spread(InodeId parent, std::string_view stored);
  /// What a name of its own block costs: malloc(3) rounds up and keeps its size.
  static std::size_t block_bytes(std::size_t name_bytes) { return (name_bytes + 8 + 15) / 16 * 16; }

  const std::size_t long_bytes_max_;  // of one shard
  ClockShards<Entry> shards_;
};

}  // namespace coffer
