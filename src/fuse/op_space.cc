/// fallocate, lseek (SEEK_DATA, SEEK_HOLE), copy_file_range.

#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "fuse/copy_range.h"
#include "fuse/operations.h"
#include "fuse/page_flusher.h"
#include "fuse/privileges.h"
#include "fuse/reply.h"

namespace coffer::fuse {

namespace {

/// The reply has 32 bits for the count; the kernel asks for at most this much (page-aligned).
constexpr std::uint64_t kCopyBytesMax = 0xfffff000;

std::optional<AllocateMode> allocate_mode(int mode) {
  switch (mode) {
    case 0:
      return AllocateMode::Extend;
    case FALLOC_FL_KEEP_SIZE:
      return AllocateMode::KeepSize;
    case FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE:
      return AllocateMode::PunchHole;
    case FALLOC_FL_ZERO_RANGE:
      return AllocateMode::ZeroRange;
    default:
      return std::nullopt;
  }
}

/// ZERO_RANGE | KEEP_SIZE: what lies beyond the end stays as it is, a hole.
Result<void> zero_within_size(Context& context, InodeId inode, std::uint64_t offset,
                              std::uint64_t length) {
  COFFER_ASSIGN(const Attributes attributes, context.tree.attributes(inode));
  if (offset >= attributes.size) return {};
  return context.tree.allocate(inode, AllocateMode::ZeroRange, offset,
                               std::min(length, attributes.size - offset));
}

void fallocate(fuse_req_t req, fuse_ino_t inode, int mode, off_t offset, off_t length,
               fuse_file_info* /*file*/) {
  Context& context = context_of(req);
  const bool zero_within = mode == (FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE);
  const std::optional<AllocateMode> kind = allocate_mode(mode);
  if (!kind && !zero_within) {
    ::fuse_reply_err(req, EOPNOTSUPP);
    return;
  }
  const Result<void> dropped =
      drop_privileges(context, InodeId(inode), suid_sgid_of(::fuse_req_ctx(req)->uid));
  if (!dropped) return reply_error(req, dropped.error());
  const auto from = static_cast<std::uint64_t>(offset);
  const auto bytes = static_cast<std::uint64_t>(length);
  reply_result(req, zero_within ? zero_within_size(context, InodeId(inode), from, bytes)
                                : context.tree.allocate(InodeId(inode), *kind, from, bytes));
}

void reply_seek(fuse_req_t req, Context& context, InodeId inode, off_t offset, SeekTarget target) {
  const Result<std::uint64_t> found =
      context.tree.seek(inode, static_cast<std::uint64_t>(offset), target);
  if (found)
    ::fuse_reply_lseek(req, static_cast<off_t>(*found));
  else if (found.error().code == Errc::NotFound)
    ::fuse_reply_err(req, ENXIO);
  else
    reply_error(req, found.error());
}

// The kernel asks without flushing its dirty pages, so while somebody writes, an honest answer
// would report a hole over data that is still on its way, and cp would copy zeros. The pages are
// forced out first, by another thread: this worker may be the one that has to take them.
void lseek(fuse_req_t req, fuse_ino_t inode, off_t offset, int whence, fuse_file_info* /*file*/) {
  Context& context = context_of(req);
  if (whence != SEEK_DATA && whence != SEEK_HOLE) {
    ::fuse_reply_err(req, EINVAL);
    return;
  }
  const SeekTarget target = whence == SEEK_DATA ? SeekTarget::Data : SeekTarget::Hole;
  const InodeId id(inode);
  if (!context.inodes.open_for_writing(id)) return reply_seek(req, context, id, offset, target);
  context.page_flusher->flush_then(
      id, [req, &context, id, offset, target] { reply_seek(req, context, id, offset, target); });
}

void copy_file_range(fuse_req_t req, fuse_ino_t from, off_t from_offset, fuse_file_info* /*in*/,
                     fuse_ino_t to, off_t to_offset, fuse_file_info* /*out*/, std::size_t length,
                     int flags) {
  Context& context = context_of(req);
  if (flags != 0) {
    ::fuse_reply_err(req, EINVAL);
    return;
  }
  const CopyRange range{InodeId(from), static_cast<std::uint64_t>(from_offset), InodeId(to),
                        static_cast<std::uint64_t>(to_offset),
                        std::min<std::uint64_t>(length, kCopyBytesMax)};
  const Result<std::uint64_t> copied = copy_range(context, ::fuse_req_ctx(req)->uid, range);
  if (!copied) return reply_error(req, copied.error());
  ::fuse_reply_write(req, *copied);
}

}  // namespace

void add_space_operations(fuse_lowlevel_ops& operations) {
  operations.fallocate = fallocate;
  operations.lseek = lseek;
  operations.copy_file_range = copy_file_range;
}

}  // namespace coffer::fuse
