#pragma once
/// HiddenBytes: bytes on their way to become an object or a part: an inode without a name.
///
/// Owns      a reader of the inode: when it ends and nothing was made of the inode, the reaper takes it; after a crash the next open does.
/// Threads   one.

#include "coffer/vault/objects.h"
#include "vault/tree/namespace.h"

namespace coffer {

class HiddenBytes {
 public:
  /// `inode` comes from make_hidden().
  HiddenBytes(Namespace& names, InodeRef inode);
  ~HiddenBytes();
  HiddenBytes(const HiddenBytes&) = delete;
  HiddenBytes& operator=(const HiddenBytes&) = delete;

  Result<void> append(Bytes data);
  /// `length` bytes of another inode, by sharing extents.
  Result<void> append_copy(const InodeRef& from, std::uint64_t offset, std::uint64_t length);
  Result<std::size_t> read(std::uint64_t offset, MutableBytes out);
  /// Nothing is appended any more: everything becomes extents, written out to the volumes.
  Result<void> settle(Durability durability);

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] const InodeRef& inode() const { return inode_; }

 private:
  Namespace& names_;
  const InodeRef inode_;
  std::uint64_t size_ = 0;
};

}  // namespace coffer
