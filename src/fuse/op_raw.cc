/// SYNCFS, TMPFILE, STATX, COPY_FILE_RANGE_64: requests that libfuse 3.14 does not know, answered by hand.

#include <sys/sysmacros.h>

#include <cerrno>
#include <cstring>

#include "fuse/copy_range.h"
#include "fuse/errno.h"
#include "fuse/new_node.h"
#include "fuse/open_file.h"
#include "fuse/operations.h"
#include "fuse/reply.h"
#include "fuse/session.h"

namespace coffer::fuse {

namespace {

template <typename Body>
iovec part_of(Body& body) {
  return {&body, sizeof(body)};
}

void reply_errno(Context& context, const fuse_in_header& header, int error) {
  context.session->reply_raw(header.unique, error, {});
}

fuse_attr to_wire(const Attributes& attributes) {
  const struct stat as_stat = to_stat(attributes);
  fuse_attr wire{};
  wire.ino = as_stat.st_ino;
  wire.size = attributes.size;
  wire.blocks = static_cast<std::uint64_t>(as_stat.st_blocks);
  wire.atime = static_cast<std::uint64_t>(attributes.atime.seconds);
  wire.mtime = static_cast<std::uint64_t>(attributes.mtime.seconds);
  wire.ctime = static_cast<std::uint64_t>(attributes.ctime.seconds);
  wire.atimensec = attributes.atime.nanoseconds;
  wire.mtimensec = attributes.mtime.nanoseconds;
  wire.ctimensec = attributes.ctime.nanoseconds;
  wire.mode = as_stat.st_mode;
  wire.nlink = attributes.nlink;
  wire.uid = attributes.uid;
  wire.gid = attributes.gid;
  wire.rdev = attributes.rdev;
  wire.blksize = static_cast<std::uint32_t>(as_stat.st_blksize);
  return wire;
}

Result<Entry> make_unlinked(Context& context, const fuse_in_header& header,
                            const fuse_create_in& wanted) {
  const NewNode node =
      new_node({header.uid, header.gid, wanted.umask}, FileType::Regular, wanted.mode);
  COFFER_ASSIGN(const Entry made, context.tree.make_unlinked(InodeId(header.nodeid), node));
  return hand_out(context, made);
}

void tmpfile(Context& context, const fuse_in_header& header, std::span<const std::byte> body) {
  fuse_create_in wanted;
  if (body.size() < sizeof(wanted)) {
    reply_errno(context, header, EINVAL);
    return;
  }
  std::memcpy(&wanted, body.data(), sizeof(wanted));
  const Result<Entry> made = make_unlinked(context, header, wanted);
  if (!made) return reply_errno(context, header, to_errno(made.error().code));

  const Access access = access_of_flags(static_cast<int>(wanted.flags));
  context.inodes.opened(made->inode, access);
  context.inodes.note_capability_absent(made->inode);
  fuse_entry_out entry{};
  entry.nodeid = made->inode.value();
  entry.entry_valid = static_cast<std::uint64_t>(kCacheSeconds);
  entry.attr_valid = static_cast<std::uint64_t>(attribute_seconds(made->attributes));
  entry.attr = to_wire(made->attributes);
  fuse_open_out opened{};
  opened.fh = handle_of(access);
  opened.open_flags = FOPEN_KEEP_CACHE;
  const iovec parts[] = {part_of(entry), part_of(opened)};
  if (context.session->reply_raw(header.unique, 0, parts)) return;
  context.inodes.closed(made->inode, access);
  take_back(context, made->inode);
}

StatxTimeWire to_wire(const Timespec& at) { return {at.seconds, at.nanoseconds, 0}; }

void statx(Context& context, const fuse_in_header& header) {
  constexpr std::uint32_t kBasicStatsAndBirth = 0xfff;
  const Result<Attributes> found = context.tree.attributes(InodeId(header.nodeid));
  if (!found) return reply_errno(context, header, to_errno(found.error().code));
  const struct stat as_stat = to_stat(*found);
  StatxOutWire out{};
  out.attr_valid = static_cast<std::uint64_t>(attribute_seconds(*found));
  out.stat.mask = kBasicStatsAndBirth;
  out.stat.blksize = static_cast<std::uint32_t>(as_stat.st_blksize);
  out.stat.nlink = found->nlink;
  out.stat.uid = found->uid;
  out.stat.gid = found->gid;
  out.stat.mode = static_cast<std::uint16_t>(as_stat.st_mode);
  out.stat.ino = as_stat.st_ino;
  out.stat.size = found->size;
  out.stat.blocks = static_cast<std::uint64_t>(as_stat.st_blocks);
  out.stat.atime = to_wire(found->atime);
  out.stat.btime = to_wire(found->btime);
  out.stat.ctime = to_wire(found->ctime);
  out.stat.mtime = to_wire(found->mtime);
  out.stat.rdev_major = major(as_stat.st_rdev);
  out.stat.rdev_minor = minor(as_stat.st_rdev);
  const iovec parts[] = {part_of(out)};
  context.session->reply_raw(header.unique, 0, parts);
}

void copy_file_range_64(Context& context, const fuse_in_header& header,
                        std::span<const std::byte> body) {
  fuse_copy_file_range_in wanted;
  if (body.size() < sizeof(wanted)) {
    reply_errno(context, header, EINVAL);
    return;
  }
  std::memcpy(&wanted, body.data(), sizeof(wanted));
  if (wanted.flags != 0) return reply_errno(context, header, EINVAL);
  const CopyRange range{InodeId(header.nodeid), wanted.off_in, InodeId(wanted.nodeid_out),
                        wanted.off_out, wanted.len};
  const Result<std::uint64_t> copied = copy_range(context, header.uid, range);
  if (!copied) return reply_errno(context, header, to_errno(copied.error().code));
  CopyFileRangeOutWire out{*copied};
  const iovec parts[] = {part_of(out)};
  context.session->reply_raw(header.unique, 0, parts);
}

}  // namespace

bool handle_raw_request(Context& context, const fuse_in_header& header,
                        std::span<const std::byte> body) {
  if (header.opcode == kOpcodeTmpFile) {
    tmpfile(context, header, body);
    return true;
  }
  if (header.opcode == kOpcodeStatx) {
    statx(context, header);
    return true;
  }
  if (header.opcode == kOpcodeCopyFileRange64) {
    copy_file_range_64(context, header, body);
    return true;
  }
  if (header.opcode != kOpcodeSyncFs) return false;
  const Result<void> synced = context.tree.sync_all();
  reply_errno(context, header, synced ? 0 : to_errno(synced.error().code));
  return true;
}

}  // namespace coffer::fuse
