/// read.

#include <algorithm>

#include "fuse/operations.h"
#include "fuse/reply.h"

namespace coffer::fuse {

namespace {

void read(fuse_req_t req, fuse_ino_t inode, std::size_t size, off_t offset,
          fuse_file_info* /*file*/) {
  Context& context = context_of(req);
  const BufferRef buffer = context.buffers.take(size);
  const Result<std::size_t> got = context.tree.read(
      InodeId(inode), static_cast<std::uint64_t>(offset), buffer.span().first(size));
  if (!got) return reply_error(req, got.error());
  ::fuse_reply_buf(req, reinterpret_cast<const char*>(buffer.data()), std::min(*got, size));
}

}  // namespace

void add_read_operations(fuse_lowlevel_ops& operations) { operations.read = read; }

}  // namespace coffer::fuse
