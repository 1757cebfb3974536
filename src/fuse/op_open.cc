/// open, create, release.

#include <cerrno>

#include "fuse/lasting.h"
#include "fuse/new_node.h"
#include "fuse/open_file.h"
#include "fuse/operations.h"
#include "fuse/privileges.h"
#include "fuse/reply.h"
#include "fuse/request_extras.h"

namespace coffer::fuse {

namespace {

Result<void> truncate_for_open(Context& context, InodeId inode) {
  const bool kill = current_request_extras().kill_suid_sgid;
  COFFER_TRY(drop_privileges(context, inode, kill ? SuidSgid::Kill : SuidSgid::Keep));
  SetAttributes change;
  change.size = 0;
  COFFER_TRY(context.tree.set_attributes(inode, change));
  return {};
}

/// The kernel does not know of protections (chattr(1)): what may_open() would refuse is refused here.
Result<void> check_protection(Protection protection, int flags) {
  const bool changes = access_of_flags(flags) == Access::Write || (flags & O_TRUNC) != 0;
  if (!changes || !protection.any()) return {};
  const bool appends = (flags & O_APPEND) != 0 && (flags & O_TRUNC) == 0;
  if (protection.immutable || !appends) return fail(Errc::Permission, "protected");
  return {};
}

/// The inode is counted as open on success.
Result<void> open_inode(Context& context, InodeId inode, int flags, Protection protection) {
  const Access access = access_of_flags(flags);
  if (access == Access::Write && context.vault.read_only()) return fail(Errc::ReadOnly);
  COFFER_TRY(check_protection(protection, flags));
  context.inodes.opened(inode, access);
  if ((flags & O_TRUNC) == 0) return {};
  Result<void> truncated = truncate_for_open(context, inode);
  if (!truncated) context.inodes.closed(inode, access);
  return truncated;
}

void close_inode(Context& context, InodeId inode, Access access) {
  if (context.inodes.closed(inode, access) == Remains::Unused) context.tree.forgotten(inode);
}

void open(fuse_req_t req, fuse_ino_t inode, fuse_file_info* file) {
  Context& context = context_of(req);
  const Access access = access_of_flags(file->flags);
  Protection protection;
  if (access == Access::Write || (file->flags & O_TRUNC) != 0) {
    const Result<Attributes> attributes = context.tree.attributes(InodeId(inode));
    if (!attributes) return reply_error(req, attributes.error());
    protection = attributes->protection;
  }
  const Result<void> opened = open_inode(context, InodeId(inode), file->flags, protection);
  if (!opened) return reply_error(req, opened.error());
  describe_open(*file, access, protection);
  // A failed reply means that the caller was interrupted: no release will come.
  if (::fuse_reply_open(req, file) != 0) close_inode(context, InodeId(inode), access);
}

/// Somebody else (the other door) may have made the name since the kernel saw none. The kernel has then checked the
/// permissions of the directory only: on ESTALE it walks the path again and checks what it finds.
Result<Entry> create_new(Context& context, const Maker& maker, InodeId parent, const char* name,
                         mode_t mode, int flags) {
  NewNode node = new_node(maker, FileType::Regular, mode);
  // A handle for writing ends in a FLUSH, which commits.
  if (access_of_flags(flags) == Access::Write && !context.sync_names)
    node.birth = NewNode::Birth::Opened;
  Result<Entry> made = lasting(context, parent, context.tree.make_node(parent, name, node));
  if (!made && made.error().code == Errc::Exists && (flags & O_EXCL) == 0) return fail(Errc::Stale);
  if (!made) return made;
  COFFER_ASSIGN(const Entry counted, hand_out(context, *made));
  context.inodes.note_capability_absent(counted.inode);
  return counted;
}

/// The handle never came to be, so no FLUSH will end what NewNode::Birth::Opened began.
void end_birth(Context& context, InodeId inode, Access access) {
  if (access == Access::Write) static_cast<void>(context.tree.commit_file(inode));
}

void create(fuse_req_t req, fuse_ino_t parent, const char* name, mode_t mode,
            fuse_file_info* file) {
  Context& context = context_of(req);
  const Result<Entry> entry =
      create_new(context, maker_of(req), InodeId(parent), name, mode, file->flags);
  if (!entry) return reply_error(req, entry.error());
  const Access access = access_of_flags(file->flags);
  const Protection protection = entry->attributes.protection;
  // A new file has nothing to truncate.
  const Result<void> opened = open_inode(context, entry->inode, file->flags & ~O_TRUNC, protection);
  if (!opened) {
    end_birth(context, entry->inode, access);
    take_back(context, entry->inode);
    return reply_error(req, opened.error());
  }
  describe_open(*file, access, protection);
  fuse_entry_param param = to_entry_param(*entry);
  if (::fuse_reply_create(req, &param, file) != 0) {
    end_birth(context, entry->inode, access);
    close_inode(context, entry->inode, access);
    take_back(context, entry->inode);
  }
}

// Pages that were dirty through a mapping when the descriptor was closed come between FLUSH and
// RELEASE; they are committed here. Nobody is left to tell of an error: commit_file keeps it for
// the next handle that asks.
void release(fuse_req_t req, fuse_ino_t inode, fuse_file_info* file) {
  Context& context = context_of(req);
  const Access access = access_of_handle(file->fh);
  if (access == Access::Write && context.inodes.take_written(InodeId(inode)))
    static_cast<void>(context.tree.commit_file(InodeId(inode)));
  close_inode(context, InodeId(inode), access);
  ::fuse_reply_err(req, 0);
}

}  // namespace

void add_open_operations(fuse_lowlevel_ops& operations) {
  operations.open = open;
  operations.create = create;
  operations.release = release;
}

}  // namespace coffer::fuse
