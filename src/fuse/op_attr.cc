/// getattr, setattr.

#include "coffer/core/clock.h"
#include "fuse/operations.h"
#include "fuse/privileges.h"
#include "fuse/reply.h"
#include "fuse/request_extras.h"

namespace coffer::fuse {

namespace {

void getattr(fuse_req_t req, fuse_ino_t inode, fuse_file_info* /*file*/) {
  reply_attributes(req, context_of(req).tree.attributes(InodeId(inode)));
}

Timespec from_timespec(const timespec& at) {
  return {at.tv_sec, static_cast<std::uint32_t>(at.tv_nsec)};
}

/// Under writeback the kernel owns mtime and ctime of files and sends them with its other changes.
SetAttributes change_of(const struct stat& wanted, int valid) {
  SetAttributes change;
  if ((valid & FUSE_SET_ATTR_MODE) != 0)
    change.permissions = static_cast<std::uint16_t>(wanted.st_mode & 07777);
  if ((valid & FUSE_SET_ATTR_UID) != 0) change.uid = wanted.st_uid;
  if ((valid & FUSE_SET_ATTR_GID) != 0) change.gid = wanted.st_gid;
  if ((valid & FUSE_SET_ATTR_SIZE) != 0) change.size = static_cast<std::uint64_t>(wanted.st_size);
  if ((valid & FUSE_SET_ATTR_ATIME_NOW) != 0)
    change.atime = wall_now();
  else if ((valid & FUSE_SET_ATTR_ATIME) != 0)
    change.atime = from_timespec(wanted.st_atim);
  if ((valid & FUSE_SET_ATTR_MTIME_NOW) != 0)
    change.mtime = wall_now();
  else if ((valid & FUSE_SET_ATTR_MTIME) != 0)
    change.mtime = from_timespec(wanted.st_mtim);
  if ((valid & FUSE_SET_ATTR_CTIME) != 0) change.ctime = from_timespec(wanted.st_ctim);
  return change;
}

/// chown of anything but a directory and truncate take privileges away; a mode given in the same
/// call says what stays.
Result<void> add_privilege_drop(Context& context, InodeId inode, SetAttributes& change) {
  const bool owner = change.uid || change.gid;
  if (!owner && !change.size) return {};
  COFFER_ASSIGN(const Attributes now, context.tree.attributes(inode));
  if (now.type == FileType::Directory) return {};  // keeps its bits, as everywhere on Linux
  COFFER_TRY(drop_privileges(context, inode, SuidSgid::Keep));
  const bool kill = owner || current_request_extras().kill_suid_sgid;
  if (kill && !change.permissions) {
    const std::uint16_t kept = without_privileges(now.permissions);
    if (kept != now.permissions) change.permissions = kept;
  }
  return {};
}

/// The kernel flushes times that its page cache noted as a SETATTR of these two alone, while a
/// writer still has the file open.
SetAttributes::Times times_of(Context& context, InodeId inode, int valid) {
  constexpr int kFlushed = FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_CTIME;
  if (valid == kFlushed && context.inodes.open_for_writing(inode))
    return SetAttributes::Times::PageCache;
  const bool touched = (valid & FUSE_SET_ATTR_ATIME_NOW) != 0;
  return touched ? SetAttributes::Times::Touch : SetAttributes::Times::Caller;
}

void setattr(fuse_req_t req, fuse_ino_t inode, struct stat* wanted, int valid,
             fuse_file_info* /*file*/) {
  Context& context = context_of(req);
  SetAttributes change = change_of(*wanted, valid);
  change.times = times_of(context, InodeId(inode), valid);
  if (const Result<void> dropped = add_privilege_drop(context, InodeId(inode), change); !dropped)
    return reply_error(req, dropped.error());
  reply_attributes(req, context.tree.set_attributes(InodeId(inode), change));
}

}  // namespace

void add_attribute_operations(fuse_lowlevel_ops& operations) {
  operations.getattr = getattr;
  operations.setattr = setattr;
}

}  // namespace coffer::fuse
