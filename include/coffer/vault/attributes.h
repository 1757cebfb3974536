#pragma once
/// Attributes: what stat(2) shows of an inode, and what setattr may change.

#include <cstdint>
#include <optional>

#include "coffer/core/clock.h"
#include "coffer/vault/ids.h"

namespace coffer {

enum class FileType : std::uint8_t {
  Regular = 1,
  Directory = 2,
  Symlink = 3,
  Fifo = 4,
  Socket = 5,
  CharDevice = 6,
  BlockDevice = 7,
};

/// S_IFMT bits of the type (inode(7)), and back.
std::uint32_t mode_bits(FileType type) noexcept;
std::optional<FileType> file_type_of(std::uint32_t mode) noexcept;

/// What chattr(1) sets of an inode: kept against everybody, at both doors, until it is taken off.
struct Protection {
  bool immutable : 1 =
      false;  // no change of bytes, attributes, or names; nothing made or removed in it
  bool append_only : 1 = false;  // bytes are only added; in a directory, names only made
  bool operator==(const Protection&) const = default;
  [[nodiscard]] bool any() const { return immutable || append_only; }
};

struct Attributes {
  InodeId inode;
  FileType type = FileType::Regular;
  Protection protection;
  std::uint16_t permissions = 0;  // 07777
  std::uint32_t uid = 0, gid = 0;
  std::uint32_t nlink = 0;
  std::uint32_t rdev = 0;       // makedev(3) encoding of Linux
  std::uint64_t size = 0;       // bytes
  std::uint64_t allocated = 0;  // bytes that data occupies (st_blocks × 512)
  Timespec atime, mtime, ctime, btime;
};

/// Only what is set changes. ctime becomes now unless given.
struct SetAttributes {
  /// Whose wish the times are. An append-only file may be touched; what the kernel's page cache noted of
  /// writes that were allowed is always kept.
  enum class Times : std::uint8_t { Caller, Touch, PageCache };
  std::optional<std::uint16_t> permissions;
  std::optional<std::uint32_t> uid, gid;
  std::optional<std::uint64_t> size;
  std::optional<Timespec> atime, mtime, ctime;
  Times times = Times::Caller;
  std::optional<Protection> protection;
};

}  // namespace coffer
