#include "fuse/new_node.h"

#include <sys/stat.h>

namespace coffer::fuse {

Maker maker_of(fuse_req_t req) {
  const fuse_ctx* caller = ::fuse_req_ctx(req);
  return {caller->uid, caller->gid};
}

Result<NewNode> new_node(Context& context, Maker maker, InodeId parent, FileType type,
                         mode_t mode) {
  COFFER_ASSIGN(const Attributes directory, context.tree.attributes(parent));
  NewNode node;
  node.type = type;
  node.permissions = static_cast<std::uint16_t>(mode & 07777);
  node.uid = maker.uid;
  node.gid = maker.gid;
  if ((directory.permissions & S_ISGID) != 0) {
    node.gid = directory.gid;
    if (type == FileType::Directory)
      node.permissions = static_cast<std::uint16_t>(node.permissions | S_ISGID);
  }
  return node;
}

}  // namespace coffer::fuse
