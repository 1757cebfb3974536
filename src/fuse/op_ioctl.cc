/// ioctl: the flags of chattr(1) and lsattr(1). The kernel has checked who may change them.

#include <linux/fs.h>

#include <cerrno>
#include <cstring>

#include "fuse/operations.h"
#include "fuse/reply.h"

namespace coffer::fuse {

namespace {

// Both interfaces carry 32 bits, whatever size the number of the first one says.
using InodeFlags = std::uint32_t;

InodeFlags to_flags(Protection protection) {
  return (protection.immutable ? FS_IMMUTABLE_FL : 0U) |
         (protection.append_only ? FS_APPEND_FL : 0U);
}

InodeFlags to_extended_flags(Protection protection) {
  return (protection.immutable ? FS_XFLAG_IMMUTABLE : 0U) |
         (protection.append_only ? FS_XFLAG_APPEND : 0U);
}

template <typename Value>
bool read_value(const void* in, std::size_t in_bytes, Value& value) {
  if (in == nullptr || in_bytes < sizeof(value)) return false;
  std::memcpy(&value, in, sizeof(value));
  return true;
}

template <typename Value>
void reply_value(fuse_req_t req, const Value& value, std::size_t out_bytes) {
  if (out_bytes < sizeof(value)) {
    ::fuse_reply_err(req, EINVAL);
    return;
  }
  ::fuse_reply_ioctl(req, 0, &value, sizeof(value));
}

void reply_flags(fuse_req_t req, InodeId inode, unsigned command, std::size_t out_bytes) {
  const Result<Attributes> attributes = context_of(req).tree.attributes(inode);
  if (!attributes) return reply_error(req, attributes.error());
  if (command == FS_IOC_GETFLAGS)
    return reply_value(req, to_flags(attributes->protection), out_bytes);
  fsxattr extended{};
  extended.fsx_xflags = to_extended_flags(attributes->protection);
  reply_value(req, extended, out_bytes);
}

void protect(fuse_req_t req, InodeId inode, Protection protection) {
  SetAttributes change;
  change.protection = protection;
  const Result<Attributes> done = context_of(req).tree.set_attributes(inode, change);
  if (!done) return reply_error(req, done.error());
  ::fuse_reply_ioctl(req, 0, nullptr, 0);
}

void set_flags(fuse_req_t req, InodeId inode, const void* in, std::size_t in_bytes) {
  InodeFlags flags = 0;
  if (!read_value(in, in_bytes, flags)) {
    ::fuse_reply_err(req, EINVAL);
    return;
  }
  const Protection wanted{(flags & FS_IMMUTABLE_FL) != 0, (flags & FS_APPEND_FL) != 0};
  if (flags != to_flags(wanted)) {
    ::fuse_reply_err(req, EOPNOTSUPP);
    return;
  }
  protect(req, inode, wanted);
}

void set_extended_flags(fuse_req_t req, InodeId inode, const void* in, std::size_t in_bytes) {
  fsxattr extended{};
  if (!read_value(in, in_bytes, extended)) {
    ::fuse_reply_err(req, EINVAL);
    return;
  }
  const Protection wanted{(extended.fsx_xflags & FS_XFLAG_IMMUTABLE) != 0,
                          (extended.fsx_xflags & FS_XFLAG_APPEND) != 0};
  const bool other = extended.fsx_extsize != 0 || extended.fsx_cowextsize != 0;
  if (extended.fsx_xflags != to_extended_flags(wanted) || other || extended.fsx_projid != 0) {
    ::fuse_reply_err(req, EOPNOTSUPP);
    return;
  }
  protect(req, inode, wanted);
}

void ioctl(fuse_req_t req, fuse_ino_t inode, unsigned command, void* /*argument*/,
           fuse_file_info* /*file*/, unsigned /*flags*/, const void* in, std::size_t in_bytes,
           std::size_t out_bytes) {
  switch (command) {
    case FS_IOC_GETFLAGS:
    case FS_IOC_FSGETXATTR:
      return reply_flags(req, InodeId(inode), command, out_bytes);
    case FS_IOC_SETFLAGS:
      return set_flags(req, InodeId(inode), in, in_bytes);
    case FS_IOC_FSSETXATTR:
      return set_extended_flags(req, InodeId(inode), in, in_bytes);
    default:
      ::fuse_reply_err(req, ENOTTY);
  }
}

}  // namespace

void add_ioctl_operations(fuse_lowlevel_ops& operations) { operations.ioctl = ioctl; }

}  // namespace coffer::fuse
