#pragma once
/// What a new inode gets from its maker and from its directory.

#include <sys/types.h>

#include "coffer/core/error.h"
#include "coffer/vault/tree.h"
#include "fuse/context.h"
#include "fuse/libfuse.h"

namespace coffer::fuse {

struct Maker {
  uid_t uid;
  gid_t gid;
};

/// The caller of a request.
Maker maker_of(fuse_req_t req);

/// A sgid directory hands its group on, and its sgid bit to directories (inode(7)): the kernel
/// leaves this to us. The umask was applied by the kernel.
Result<NewNode> new_node(Context& context, Maker maker, InodeId parent, FileType type, mode_t mode);

}  // namespace coffer::fuse
