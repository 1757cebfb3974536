/// lookup, forget, forget_multi.

#include <algorithm>
#include <string_view>
#include <vector>

#include "fuse/operations.h"
#include "fuse/reply.h"

namespace coffer::fuse {

namespace {

constexpr int kLookupTries = 100;

/// `.` and `..` come from NFS and open_by_handle_at, which know a node id and no path.
Result<Entry> look_up(Context& context, InodeId parent, std::string_view name) {
  if (name != "." && name != "..") return context.tree.lookup(parent, name);
  InodeId inode = parent;
  if (name == "..") {
    COFFER_ASSIGN(inode, context.tree.parent_of(parent));
  }
  COFFER_ASSIGN(const Attributes attributes, context.tree.attributes(inode));
  // The kernel asks only for an inode that it does not have, and one without links that nobody has is gone, whether or not
  // its rows are already.
  if (attributes.nlink == 0) return fail(Errc::Stale);
  return Entry{inode, attributes};
}

/// One that is replaced again and again must not look absent.
Result<Entry> look_up_counted(Context& context, InodeId parent, std::string_view name) {
  for (int tries = 1;; ++tries) {
    COFFER_ASSIGN(const Entry found, look_up(context, parent, name));
    Result<Entry> counted = hand_out(context, found);
    if (counted || counted.error().code != Errc::Stale || tries == kLookupTries) return counted;
  }
}

void lookup(fuse_req_t req, fuse_ino_t parent, const char* name) {
  Context& context = context_of(req);
  const Result<Entry> found = look_up_counted(context, InodeId(parent), name);
  if (found) return reply_counted(req, context, *found);
  if (found.error().code != Errc::NotFound) return reply_error(req, found.error());
  fuse_entry_param absent{};  // inode 0: the kernel remembers that there is none
  absent.entry_timeout = kCacheSeconds;
  ::fuse_reply_entry(req, &absent);
}

void forget(fuse_req_t req, fuse_ino_t inode, std::uint64_t lookups) {
  take_back(context_of(req), InodeId(inode), lookups);
  ::fuse_reply_none(req);
}

void forget_multi(fuse_req_t req, std::size_t count, fuse_forget_data* forgets) {
  Context& context = context_of(req);
  for (std::size_t i = 0; i < count; ++i)
    take_back(context, InodeId(forgets[i].ino), forgets[i].nlookup);
  ::fuse_reply_none(req);
}

}  // namespace

void add_lookup_operations(fuse_lowlevel_ops& operations) {
  operations.lookup = lookup;
  operations.forget = forget;
  operations.forget_multi = forget_multi;
}

}  // namespace coffer::fuse
