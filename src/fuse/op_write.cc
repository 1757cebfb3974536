/// write. Not write_buf: libfuse would splice each request into a pipe and read it back.

#include "fuse/open_file.h"
#include "fuse/operations.h"
#include "fuse/privileges.h"
#include "fuse/reply.h"
#include "fuse/request_extras.h"

namespace coffer::fuse {

namespace {

/// The kernel holds the file's lock while such a write is under way: the end cannot move meanwhile.
Result<void> check_appends(Context& context, InodeId inode, std::uint64_t offset) {
  COFFER_ASSIGN(const Attributes attributes, context.tree.attributes(inode));
  if (offset < attributes.size) return fail(Errc::Permission, "append-only");
  return {};
}

void write(fuse_req_t req, fuse_ino_t inode, const char* data, std::size_t size, off_t offset,
           fuse_file_info* file) {
  Context& context = context_of(req);
  if (only_appends(file->fh)) {
    const Result<void> appends =
        check_appends(context, InodeId(inode), static_cast<std::uint64_t>(offset));
    if (!appends) return reply_error(req, appends.error());
  }
  const bool kill = current_request_extras().kill_suid_sgid;
  const Result<void> dropped =
      drop_privileges(context, InodeId(inode), kill ? SuidSgid::Kill : SuidSgid::Keep);
  if (!dropped) return reply_error(req, dropped.error());
  const Result<void> written = context.tree.write(
      InodeId(inode), static_cast<std::uint64_t>(offset), as_bytes(std::string_view(data, size)));
  if (!written) return reply_error(req, written.error());
  ::fuse_reply_write(req, size);
}

}  // namespace

void add_write_operations(fuse_lowlevel_ops& operations) { operations.write = write; }

}  // namespace coffer::fuse
