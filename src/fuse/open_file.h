#pragma once
/// Open files. The kernel's handle needs no memory here: it says only how the file was opened; the
/// node id that comes with every request names the inode.

#include <fcntl.h>

#include <cstdint>

#include "fuse/inode_table.h"
#include "fuse/libfuse.h"

namespace coffer::fuse {

inline Access access_of_flags(int flags) {
  return (flags & O_ACCMODE) == O_RDONLY ? Access::Read : Access::Write;
}
inline std::uint64_t handle_of(Access access) { return access == Access::Write ? 1 : 0; }
inline Access access_of_handle(std::uint64_t handle) {
  return handle == 1 ? Access::Write : Access::Read;
}

/// Fills in what open and create answer.
inline void describe_open(fuse_file_info& file, Access access) {
  file.fh = handle_of(access);
  file.keep_cache = 1;  // we say when pages are stale
}

}  // namespace coffer::fuse
