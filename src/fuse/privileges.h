#pragma once
/// What FUSE_HANDLE_KILLPRIV_V2 makes our duty: a changed file loses the privileges that its old
/// content was given.

#include <sys/types.h>

#include "coffer/core/error.h"
#include "coffer/vault/tree.h"
#include "fuse/context.h"

namespace coffer::fuse {

enum class SuidSgid { Keep, Kill };

/// The permissions without suid, and without sgid where the group may execute.
std::uint16_t without_privileges(std::uint16_t permissions);

/// Before content changes: removes security.capability always, suid and sgid when told. Costs two
/// table lookups once an inode is known to have no capability.
Result<void> drop_privileges(Context& context, InodeId inode, SuidSgid suid_sgid);

}  // namespace coffer::fuse
