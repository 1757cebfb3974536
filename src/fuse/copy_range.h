#pragma once
/// copy_file_range(2), which comes as two requests: one of libfuse's with 32 bits for the count, and
/// one since protocol 7.45 with 64.

#include <sys/types.h>

#include <cstdint>

#include "coffer/core/error.h"
#include "fuse/context.h"
#include "fuse/privileges.h"

namespace coffer::fuse {

struct CopyRange {
  InodeId from;
  std::uint64_t from_offset;
  InodeId to;
  std::uint64_t to_offset;
  std::uint64_t length;
};

/// Bytes copied; fewer at the end of the source.
Result<std::uint64_t> copy_range(Context& context, uid_t caller, const CopyRange& range);

/// Requests that move bytes without a WRITE carry no kill flag: only root, who may keep the bits, is
/// trusted to.
inline SuidSgid suid_sgid_of(uid_t caller) { return caller == 0 ? SuidSgid::Keep : SuidSgid::Kill; }

}  // namespace coffer::fuse
