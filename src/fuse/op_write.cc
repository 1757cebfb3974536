/// write. Not write_buf: libfuse would splice each request into a pipe and read it back.

#include "fuse/operations.h"
#include "fuse/privileges.h"
#include "fuse/reply.h"
#include "fuse/request_extras.h"

namespace coffer::fuse {

namespace {

void write(fuse_req_t req, fuse_ino_t inode, const char* data, std::size_t size, off_t offset,
           fuse_file_info* /*file*/) {
  Context& context = context_of(req);
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
