/// mknod, mkdir, symlink, link, unlink, rmdir, rename, readlink.

#include <linux/fs.h>

#include <cerrno>

#include "fuse/new_node.h"
#include "fuse/operations.h"
#include "fuse/reply.h"

namespace coffer::fuse {

namespace {

Result<Entry> make(Context& context, fuse_ino_t parent, const char* name,
                   const Result<NewNode>& node) {
  if (!node) return fail(node.error());
  return context.tree.make_node(InodeId(parent), name, *node);
}

void mknod(fuse_req_t req, fuse_ino_t parent, const char* name, mode_t mode, dev_t device) {
  Context& context = context_of(req);
  const auto type = file_type_of(mode);
  if (!type || *type == FileType::Directory || *type == FileType::Symlink) {
    ::fuse_reply_err(req, EINVAL);
    return;
  }
  Result<NewNode> node = new_node(context, maker_of(req), InodeId(parent), *type, mode);
  if (node) node->rdev = static_cast<std::uint32_t>(device);
  reply_entry(req, context, make(context, parent, name, node));
}

void mkdir(fuse_req_t req, fuse_ino_t parent, const char* name, mode_t mode) {
  Context& context = context_of(req);
  const auto node = new_node(context, maker_of(req), InodeId(parent), FileType::Directory, mode);
  reply_entry(req, context, make(context, parent, name, node));
}

void symlink(fuse_req_t req, const char* target, fuse_ino_t parent, const char* name) {
  Context& context = context_of(req);
  Result<NewNode> node = new_node(context, maker_of(req), InodeId(parent), FileType::Symlink, 0777);
  if (node) node->symlink_target = target;
  reply_entry(req, context, make(context, parent, name, node));
}

void link(fuse_req_t req, fuse_ino_t inode, fuse_ino_t parent, const char* name) {
  Context& context = context_of(req);
  reply_entry(req, context, context.tree.link(InodeId(inode), InodeId(parent), name));
}

void unlink(fuse_req_t req, fuse_ino_t parent, const char* name) {
  reply_result(req, context_of(req).tree.unlink(InodeId(parent), name));
}

void rmdir(fuse_req_t req, fuse_ino_t parent, const char* name) {
  reply_result(req, context_of(req).tree.remove_directory(InodeId(parent), name));
}

void rename(fuse_req_t req, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
            const char* new_name, unsigned flags) {
  RenameRequest request;
  request.from_parent = InodeId(parent);
  request.from_name = name;
  request.to_parent = InodeId(new_parent);
  request.to_name = new_name;
  if (flags == RENAME_NOREPLACE) {
    request.mode = RenameRequest::Mode::NoReplace;
  } else if (flags == RENAME_EXCHANGE) {
    request.mode = RenameRequest::Mode::Exchange;
  } else if (flags != 0) {
    ::fuse_reply_err(req, EINVAL);
    return;
  }
  reply_result(req, context_of(req).tree.rename(request));
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
