#pragma once
/// Replies: from the vault's words to the kernel's.
///
/// Threads   on the worker that has the request, with no lock held. Every request is answered once.

#include <sys/stat.h>

#include "coffer/core/error.h"
#include "coffer/vault/tree.h"
#include "fuse/context.h"
#include "fuse/libfuse.h"

namespace coffer::fuse {

/// A day: this daemon is the only authority and tells the kernel what changes behind its back.
inline constexpr double kCacheSeconds = 86400;

inline Context& context_of(fuse_req_t req) {
  return *static_cast<Context*>(::fuse_req_userdata(req));
}

struct stat to_stat(const Attributes& attributes);

/// 0 for suid and sgid files: a WRITE that clears the bits returns no mode, and exec would go on
/// with the cached one.
double attribute_seconds(const Attributes& attributes);

/// Counts the inode as known to the kernel and makes sure that it still exists: on success the
/// caller owns one lookup, which a reply hands to the kernel or take_back() returns. Stale: the other
/// door took it away meanwhile; the name may be there again, so whoever asked for that looks again, the
/// kernel too (ESTALE).
Result<Entry> hand_out(Context& context, Entry entry);
void take_back(Context& context, InodeId inode, std::uint64_t lookups = 1);

fuse_entry_param to_entry_param(const Entry& entry);

void reply_error(fuse_req_t req, const Error& error);
void reply_result(fuse_req_t req, const Result<void>& result);
void reply_attributes(fuse_req_t req, const Result<Attributes>& attributes);
/// Counts, answers, and takes the count back should the answer not arrive.
void reply_entry(fuse_req_t req, Context& context, const Result<Entry>& entry);
/// The same with what hand_out() counted.
void reply_counted(fuse_req_t req, Context& context, const Entry& entry);

}  // namespace coffer::fuse
