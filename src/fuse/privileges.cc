#include "fuse/privileges.h"

#include <sys/stat.h>

namespace coffer::fuse {

std::uint16_t without_privileges(std::uint16_t permissions) {
  unsigned kept = permissions & ~static_cast<unsigned>(S_ISUID);
  if ((kept & S_IXGRP) != 0) kept &= ~static_cast<unsigned>(S_ISGID);
  return static_cast<std::uint16_t>(kept);
}

Result<void> drop_privileges(Context& context, InodeId inode, SuidSgid suid_sgid) {
  if (!context.inodes.note_write(inode)) {
    // Noted before removing: a capability set meanwhile is noted after it was set, so it is found.
    context.inodes.note_capability_absent(inode);
    const Result<void> removed = context.tree.remove_xattr(inode, kCapabilityXattr);
    if (!removed && removed.error().code != Errc::NoAttribute) {
      context.inodes.note_capability_set(inode);
      return removed;
    }
  }
  if (suid_sgid == SuidSgid::Keep) return {};
  COFFER_ASSIGN(const Attributes attributes, context.tree.attributes(inode));
  const std::uint16_t kept = without_privileges(attributes.permissions);
  if (kept == attributes.permissions) return {};
  SetAttributes change;
  change.permissions = kept;
  COFFER_TRY(context.tree.set_attributes(inode, change));
  return {};
}

}  // namespace coffer::fuse
