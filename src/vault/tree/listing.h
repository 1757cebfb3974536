#pragma once
/// Listing: all entries of a small directory as the mount shows them, in the order of their cookies. Immutable.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "coffer/vault/attributes.h"

namespace coffer {

class Listing {
 public:
  /// A directory with more entries is listed from its rows.
  static constexpr std::size_t kEntriesMax = 256;

  struct Item {
    InodeId inode;
    std::uint64_t cookie = 0;
    std::uint32_t name_at = 0;
    std::uint16_t name_bytes = 0;
    FileType type = FileType::Regular;
  };

  void add(std::string_view name, InodeId inode, FileType type, std::uint64_t cookie) {
    items_.push_back({inode, cookie, static_cast<std::uint32_t>(names_.size()),
                      static_cast<std::uint16_t>(name.size()), type});
    names_ += name;
  }

  /// Those behind `cookie`.
  [[nodiscard]] auto begin_behind(std::uint64_t cookie) const {
    return std::upper_bound(items_.begin(), items_.end(), cookie,
                            [](std::uint64_t at, const Item& item) { return at < item.cookie; });
  }
  [[nodiscard]] auto end() const { return items_.end(); }
  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] std::string_view name_of(const Item& item) const {
    return std::string_view(names_).substr(item.name_at, item.name_bytes);
  }
  [[nodiscard]] std::size_t memory_bytes() const {
    return sizeof(*this) + items_.capacity() * sizeof(Item) + names_.capacity();
  }

 private:
  std::vector<Item> items_;
  std::string names_;  // one behind the other
};

}  // namespace coffer
