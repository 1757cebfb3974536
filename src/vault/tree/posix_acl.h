#pragma once
/// PosixAcl: what the attributes system.posix_acl_access and system.posix_acl_default hold (acl(5)).
///
/// Format    docs/format.md §5.2: the kernel's own (linux/posix_acl_xattr.h).
/// Invariant an entry for the owner, the owning group and others each; a mask where anybody is named;
///           entries in the order of their tags.
/// The permissions of an inode say what its owner, its mask (or owning group, without a mask) and
/// others may: set_mode() puts them in whenever an access ACL is read, so that chmod changes no row.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "coffer/core/error.h"

namespace coffer {

inline constexpr std::string_view kAccessAcl = "system.posix_acl_access";
inline constexpr std::string_view kDefaultAcl = "system.posix_acl_default";

class PosixAcl {
 public:
  /// InvalidArgument: not an ACL, or one that the invariant excludes.
  static Result<PosixAcl> parse(std::string_view value);
  [[nodiscard]] std::string encode() const;

  /// Says more than nine permission bits can.
  [[nodiscard]] bool is_extended() const { return entries_.size() > 3; }
  /// The nine bits that it stands for.
  [[nodiscard]] std::uint16_t mode() const;
  void set_mode(std::uint16_t permissions);

 private:
  enum class Tag : std::uint16_t {
    Owner = 0x01,
    User = 0x02,
    OwningGroup = 0x04,
    Group = 0x08,
    Mask = 0x10,
    Others = 0x20,
  };
  struct Entry {
    Tag tag;
    std::uint16_t permissions;
    std::uint32_t id;
  };
  [[nodiscard]] bool is_valid() const;
  [[nodiscard]] std::uint16_t permissions_of(Tag tag) const;
  [[nodiscard]] bool has(Tag tag) const;
  /// The tag whose entry the group bits of a mode are.
  [[nodiscard]] Tag group_class() const { return has(Tag::Mask) ? Tag::Mask : Tag::OwningGroup; }

  std::vector<Entry> entries_;
};

}  // namespace coffer
