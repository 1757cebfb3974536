#pragma once
/// RequestExtras: what the request on this thread said that libfuse 3.14 does not hand on.
///
/// Threads   one per worker thread, set before libfuse dispatches, read by the operation it calls.

#include <cstddef>
#include <span>

namespace coffer::fuse {

struct RequestExtras {
  /// The caller lacks CAP_FSETID: the change must also clear suid and sgid
  /// (FUSE_HANDLE_KILLPRIV_V2).
  bool kill_suid_sgid = false;
  /// SETXATTR of an access ACL by a caller outside of the file's group: clear sgid.
  bool kill_sgid_with_acl = false;
};

/// Reads the extras from a whole request as the kernel wrote it.
RequestExtras parse_request_extras(std::span<const std::byte> request);

/// FUSE_SETXATTR_EXT made a SETXATTR eight bytes longer than libfuse 3.14 takes it to be: reads what
/// they say, and takes them out. Gives the request as libfuse is to see it.
std::span<std::byte> shorten_setxattr(std::span<std::byte> request, RequestExtras& extras);

/// The extras of the request that this thread works on.
RequestExtras& current_request_extras();

}  // namespace coffer::fuse
