/// flush, fsync, fsyncdir.

#include "fuse/open_file.h"
#include "fuse/operations.h"
#include "fuse/reply.h"

namespace coffer::fuse {

namespace {

// close(2): what was written survives the end of this process. The kernel has sent its dirty pages
// before it sends FLUSH.
void flush(fuse_req_t req, fuse_ino_t inode, fuse_file_info* file) {
  Context& context = context_of(req);
  if (access_of_handle(file->fh) == Access::Read) {
    ::fuse_reply_err(req, 0);
    return;
  }
  static_cast<void>(context.inodes.take_written(InodeId(inode)));
  reply_result(req, context.tree.commit_file(InodeId(inode)));
}

// With or without the metadata: a vault has no cheaper sync of data alone.
void fsync(fuse_req_t req, fuse_ino_t inode, int /*data_only*/, fuse_file_info* /*file*/) {
  reply_result(req, context_of(req).tree.sync_file(InodeId(inode)));
}

}  // namespace

void add_sync_operations(fuse_lowlevel_ops& operations) {
  operations.flush = flush;
  operations.fsync = fsync;
  operations.fsyncdir = fsync;  // ENOSYS would make it succeed silently for ever
}

}  // namespace coffer::fuse
