/// mknod, mkdir, symlink, link, unlink, rmdir, rename, readlink.

#include <linux/fs.h>

#include <cerrno>

#include "fuse/lasting.h"
#include "fuse/new_node.h"
#include "fuse/operations.h"
#include "fuse/reply.h"

namespace coffer::fuse {

namespace {

void make(fuse_req_t req, fuse_ino_t parent, const char* name, const NewNode& node) {
  Context& context = context_of(req);
  const InodeId directory(parent);
  reply_entry(req, context,
              lasting(context, directory, context.tree.make_node(directory, name, node)));
}

void mknod(fuse_req_t req, fuse_ino_t parent, const char* name, mode_t mode, dev_t device) {
  const auto type = file_type_of(mode);
  if (!type || *type == FileType::Directory || *type == FileType::Symlink) {
    ::fuse_reply_err(req, EINVAL);
    return;
  }
  NewNode node = new_node(maker_of(req), *type, mode);
  node.rdev = static_cast<std::uint32_t>(device);
  make(req, parent, name, node);
}

void mkdir(fuse_req_t req, fuse_ino_t parent, const char* name, mode_t mode) {
  make(req, parent, name, new_node(maker_of(req), FileType::Directory, mode));
}

void symlink(fuse_req_t req, const char* target, fuse_ino_t parent, const char* name) {
  NewNode node = new_node(maker_of(req), FileType::Symlink, 0777);
  node.symlink_target = target;
  make(req, parent, name, node);
}

void link(fuse_req_t req, fuse_ino_t inode, fuse_ino_t parent, const char* name) {
  Context& context = context_of(req);
  const InodeId directory(parent);
  reply_entry(req, context,
              lasting(context, directory, context.tree.link(InodeId(inode), directory, name)));
}

void unlink(fuse_req_t req, fuse_ino_t parent, const char* name) {
  Context& context = context_of(req);
  const InodeId directory(parent);
  reply_result(req, lasting(context, directory, context.tree.unlink(directory, name)));
}

void rmdir(fuse_req_t req, fuse_ino_t parent, const char* name) {
  Context& context = context_of(req);
  const InodeId directory(parent);
  reply_result(req, lasting(context, directory, context.tree.remove_directory(directory, name)));
}

void rename(fuse_req_t req, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
            const char* new_name, unsigned flags) {
  RenameRequest request;
  request.from_parent = InodeId(parent);
  request.from_name = name;
  request.to_parent = InodeId(new_parent);
  request.to_name = new_name;
  const bool exchanges = (flags & RENAME_EXCHANGE) != 0;
  const bool known = (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) == 0;
  if (!known || (exchanges && flags != RENAME_EXCHANGE)) {
    ::fuse_reply_err(req, EINVAL);
    return;
  }
  if (exchanges) request.mode = RenameRequest::Mode::Exchange;
  if ((flags & RENAME_NOREPLACE) != 0) request.mode = RenameRequest::Mode::NoReplace;
  if ((flags & RENAME_WHITEOUT) != 0) request.whiteout = whiteout(maker_of(req));
  Context& context = context_of(req);
  reply_result(req, lasting(context, request.to_parent, context.tree.rename(request)));
}

void readlink(fuse_req_t req, fuse_ino_t inode) {
  const Result<std::string> target = context_of(req).tree.read_link(InodeId(inode));
  if (!target) return reply_error(req, target.error());
  ::fuse_reply_readlink(req, target->c_str());
}

}  // namespace

void add_namespace_operations(fuse_lowlevel_ops& operations) {
  operations.mknod = mknod;
  operations.mkdir = mkdir;
  operations.symlink = symlink;
  operations.link = link;
  operations.unlink = unlink;
  operations.rmdir = rmdir;
  operations.rename = rename;
  operations.readlink = readlink;
}

}  // namespace coffer::fuse
