// TreeService: file bytes, commit and sync.

#include "vault/tree/tree_service.h"
#include "vault/tree/version_fork.h"

namespace coffer {

Result<std::size_t> TreeService::read(InodeId inode, std::uint64_t offset, MutableBytes out) {
  COFFER_ASSIGN(const InodeRef file, regular(inode));
  return parts().bytes->read(file, offset, out);
}

Result<void> TreeService::write(InodeId inode, std::uint64_t offset, Bytes data) {
  COFFER_ASSIGN(const InodeRef file, regular(inode));
  return parts().bytes->write(file, offset, data);
}

Result<void> TreeService::allocate(InodeId inode, AllocateMode mode, std::uint64_t offset,
                                   std::uint64_t length) {
  COFFER_ASSIGN(const InodeRef file, regular(inode));
  if (mode == AllocateMode::Extend || mode == AllocateMode::KeepSize) {
    // Nothing is reserved, but what can never fit is refused now rather than by a write much later.
    COFFER_ASSIGN(const SpaceInfo now, parts().space());
    COFFER_ASSIGN(const Attributes had, attributes(inode));
    if (length > now.bytes_available + had.allocated) return fail(Errc::NoSpace, "fallocate");
  }
  return parts().bytes->allocate(file, mode, offset, length);
}

Result<std::uint64_t> TreeService::seek(InodeId inode, std::uint64_t offset, SeekTarget target) {
  COFFER_ASSIGN(const InodeRef file, regular(inode));
  return parts().bytes->seek(file, offset, target);
}

Result<std::uint64_t> TreeService::copy_range(InodeId from, std::uint64_t from_offset, InodeId to,
                                              std::uint64_t to_offset, std::uint64_t length) {
  COFFER_ASSIGN(const InodeRef source, regular(from));
  COFFER_ASSIGN(const InodeRef target, regular(to));
  return parts().bytes->copy_range(source, from_offset, target, to_offset, length);
}

Result<void> TreeService::commit_file(InodeId inode) {
  COFFER_ASSIGN(const InodeRef file, live(inode));
  COFFER_TRY(seal_version(names_, file));
  return parts().bytes->deliver(file, FileBytes::Settle::Sealed);
}

Result<void> TreeService::sync_file(InodeId inode) {
  COFFER_ASSIGN(const InodeRef file, live(inode));
  COFFER_TRY(parts().bytes->deliver(file, FileBytes::Settle::InlineIfSmall));
  return names_.sync();
}

Result<void> TreeService::sync_all() {
  // A file without room must not keep the others from being synced.
  Result<void> committed = parts().bytes->commit_all();
  Result<void> synced = names_.sync();
  return committed ? synced : committed;
}

Result<SpaceInfo> TreeService::space() {
  COFFER_ASSIGN(SpaceInfo space, parts().space());
  space.inodes_used = parts().inodes->count();
  return space;
}

}  // namespace coffer
