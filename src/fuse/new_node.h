#pragma once
/// What a new inode gets from its maker; the tree adds what it gets from its directory.

#include <sys/types.h>

#include "coffer/vault/tree.h"
#include "fuse/libfuse.h"

namespace coffer::fuse {

struct Maker {
  uid_t uid;
  gid_t gid;
  mode_t umask;  // not yet applied: a directory's default ACL would take its place
};

/// The caller of a request.
Maker maker_of(fuse_req_t req);

NewNode new_node(const Maker& maker, FileType type, mode_t mode);

/// What RENAME_WHITEOUT leaves behind: overlayfs takes it for "nothing here, nor below".
NewNode whiteout(const Maker& maker);

}  // namespace coffer::fuse
