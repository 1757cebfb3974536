#pragma once
/// Open files. The kernel's handle needs no memory here: it says only how the file was opened; the
/// node id that comes with every request names the inode.
///
/// A file that is append-only when it is opened for writing bypasses the page cache: only then does
/// every write come here with the offset that its writer meant, and shared mappings are refused.

#include <fcntl.h>

#include <cstdint>

#include "coffer/vault/attributes.h"
#include "fuse/inode_table.h"
#include "fuse/libfuse.h"

namespace coffer::fuse {

inline Access access_of_flags(int flags) {
  return (flags & O_ACCMODE) == O_RDONLY ? Access::Read : Access::Write;
}
inline constexpr std::uint64_t kHandleWrites = 1;
inline constexpr std::uint64_t kHandleAppends = 2;

inline std::uint64_t handle_of(Access access) {
  return access == Access::Write ? kHandleWrites : 0;
}
inline Access access_of_handle(std::uint64_t handle) {
  return (handle & kHandleWrites) != 0 ? Access::Write : Access::Read;
}
inline bool only_appends(std::uint64_t handle) { return (handle & kHandleAppends) != 0; }

/// Fills in what open and create answer.
inline void describe_open(fuse_file_info& file, Access access, Protection protection) {
  file.fh = handle_of(access);
  if (protection.append_only && access == Access::Write) {
    file.fh |= kHandleAppends;
    file.direct_io = 1;
  }
  file.keep_cache = 1;  // we say when pages are stale
}

}  // namespace coffer::fuse
