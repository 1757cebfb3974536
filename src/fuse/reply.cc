#include "fuse/reply.h"

#include "fuse/errno.h"

namespace coffer::fuse {

namespace {

timespec to_timespec(const Timespec& at) {
  timespec result{};
  result.tv_sec = at.seconds;
  result.tv_nsec = at.nanoseconds;
  return result;
}

}  // namespace

struct stat to_stat(const Attributes& attributes) {
  struct stat result {};
  result.st_ino = attributes.inode.value();
  result.st_mode = mode_bits(attributes.type) | attributes.permissions;
  result.st_nlink = attributes.nlink;
  result.st_uid = attributes.uid;
  result.st_gid = attributes.gid;
  result.st_rdev = attributes.rdev;
  result.st_size = static_cast<off_t>(attributes.size);
  // Never none for a file with bytes: archivers take that for one hole and store zeros unread.
  const bool has_bytes = attributes.type == FileType::Regular && attributes.size > 0;
  const std::uint64_t blocks = (attributes.allocated + 511) / 512;
  result.st_blocks = static_cast<blkcnt_t>(has_bytes && blocks == 0 ? 1 : blocks);
  result.st_blksize = 4096;
  result.st_atim = to_timespec(attributes.atime);
  result.st_mtim = to_timespec(attributes.mtime);
  result.st_ctim = to_timespec(attributes.ctime);
  return result;
}

double attribute_seconds(const Attributes& attributes) {
  const bool privileged =
      attributes.type == FileType::Regular && (attributes.permissions & (S_ISUID | S_ISGID)) != 0;
  return privileged ? 0 : kCacheSeconds;
}

Result<Entry> hand_out(Context& context, Entry entry) {
  if (!context.inodes.add_lookups(entry.inode)) return entry;
  // Nobody used it a moment ago, so the other door may have removed and reclaimed it since it was
  // found. Counted now, it stays; the attributes tell whether it still was there.
  Result<Attributes> now = context.tree.attributes(entry.inode);
  if (!now) {
    take_back(context, entry.inode);
    return fail(std::move(now).error());
  }
  entry.attributes = *now;
  return entry;
}

void take_back(Context& context, InodeId inode, std::uint64_t lookups) {
  if (context.inodes.drop_lookups(inode, lookups) == Remains::Unused) context.tree.forgotten(inode);
}

fuse_entry_param to_entry_param(const Entry& entry) {
  fuse_entry_param result{};
  result.ino = entry.inode.value();
  result.generation = 0;  // inode numbers are never reused
  result.attr = to_stat(entry.attributes);
  result.attr_timeout = attribute_seconds(entry.attributes);
  result.entry_timeout = kCacheSeconds;
  return result;
}

void reply_error(fuse_req_t req, const Error& error) {
  ::fuse_reply_err(req, to_errno(error.code));
}

void reply_result(fuse_req_t req, const Result<void>& result) {
  ::fuse_reply_err(req, result ? 0 : to_errno(result.error().code));
}

void reply_attributes(fuse_req_t req, const Result<Attributes>& attributes) {
  if (!attributes) return reply_error(req, attributes.error());
  const struct stat as_stat = to_stat(*attributes);
  ::fuse_reply_attr(req, &as_stat, attribute_seconds(*attributes));
}

void reply_entry(fuse_req_t req, Context& context, const Result<Entry>& entry) {
  if (!entry) return reply_error(req, entry.error());
  const Result<Entry> counted = hand_out(context, *entry);
  if (!counted) return reply_error(req, counted.error());
  reply_counted(req, context, *counted);
}

void reply_counted(fuse_req_t req, Context& context, const Entry& entry) {
  const fuse_entry_param param = to_entry_param(entry);
  if (::fuse_reply_entry(req, &param) != 0) take_back(context, entry.inode);
}

}  // namespace coffer::fuse
