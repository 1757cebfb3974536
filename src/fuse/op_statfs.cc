/// statfs.

#include "fuse/operations.h"
#include "fuse/reply.h"

namespace coffer::fuse {

namespace {

constexpr std::uint64_t kBlockBytes = 4096;
constexpr unsigned long kNameBytesMax = 255;

void statfs(fuse_req_t req, fuse_ino_t /*inode*/) {
  const Result<SpaceInfo> space = context_of(req).tree.space();
  if (!space) return reply_error(req, space.error());
  struct statvfs result {};
  result.f_bsize = kBlockBytes;
  result.f_frsize = kBlockBytes;
  result.f_blocks = space->bytes_total / kBlockBytes;
  result.f_bfree = space->bytes_free / kBlockBytes;
  result.f_bavail = space->bytes_available / kBlockBytes;
  result.f_files = space->inodes_used + space->inodes_free;
  result.f_ffree = space->inodes_free;
  result.f_favail = space->inodes_free;
  result.f_namemax = kNameBytesMax;
  ::fuse_reply_statfs(req, &result);
}

}  // namespace

void add_statfs_operations(fuse_lowlevel_ops& operations) { operations.statfs = statfs; }

}  // namespace coffer::fuse
