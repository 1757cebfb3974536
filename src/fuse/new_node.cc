#include "fuse/new_node.h"

namespace coffer::fuse {

Maker maker_of(fuse_req_t req) {
  const fuse_ctx* caller = ::fuse_req_ctx(req);
  return {caller->uid, caller->gid, caller->umask};
}

NewNode new_node(const Maker& maker, FileType type, mode_t mode) {
  NewNode node;
  node.type = type;
  node.permissions = static_cast<std::uint16_t>(mode & 07777);
  node.umask = static_cast<std::uint16_t>(maker.umask & 0777);
  node.uid = maker.uid;
  node.gid = maker.gid;
  return node;
}

NewNode whiteout(const Maker& maker) { return new_node(maker, FileType::CharDevice, 0); }

}  // namespace coffer::fuse
