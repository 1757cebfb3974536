#pragma once
/// Mounted with `dirsync` or `sync`: a change of names survives power loss before it is answered. The kernel leaves that to us; writes
/// under `sync` it follows with an FSYNC itself.

#include "coffer/core/error.h"
#include "fuse/context.h"

namespace coffer::fuse {

/// What a change in `directory` gave, once it is as lasting as the mount wants it.
template <typename T>
Result<T> lasting(Context& context, InodeId directory, Result<T> done) {
  if (!done || !context.sync_names) return done;
  COFFER_TRY(context.tree.sync_file(directory));
  return done;
}

}  // namespace coffer::fuse
