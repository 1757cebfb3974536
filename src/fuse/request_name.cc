/// The kernel's requests by the names that their operations have (linux/fuse.h).

#include <array>

#include "coffer/fuse/mount.h"
#include "fuse/wire.h"

namespace coffer::fuse {

namespace {

constexpr std::array<std::string_view, kOpcodesMax> kNames = [] {
  std::array<std::string_view, kOpcodesMax> names{};
  names[FUSE_LOOKUP] = "lookup";
  names[FUSE_FORGET] = "forget";
  names[FUSE_GETATTR] = "getattr";
  names[FUSE_SETATTR] = "setattr";
  names[FUSE_READLINK] = "readlink";
  names[FUSE_SYMLINK] = "symlink";
  names[FUSE_MKNOD] = "mknod";
  names[FUSE_MKDIR] = "mkdir";
  names[FUSE_UNLINK] = "unlink";
  names[FUSE_RMDIR] = "rmdir";
  names[FUSE_RENAME] = "rename";
  names[FUSE_LINK] = "link";
  names[FUSE_OPEN] = "open";
  names[FUSE_READ] = "read";
  names[FUSE_WRITE] = "write";
  names[FUSE_STATFS] = "statfs";
  names[FUSE_RELEASE] = "release";
  names[FUSE_FSYNC] = "fsync";
  names[FUSE_SETXATTR] = "setxattr";
  names[FUSE_GETXATTR] = "getxattr";
  names[FUSE_LISTXATTR] = "listxattr";
  names[FUSE_REMOVEXATTR] = "removexattr";
  names[FUSE_FLUSH] = "flush";
  names[FUSE_INIT] = "init";
  names[FUSE_OPENDIR] = "opendir";
  names[FUSE_READDIR] = "readdir";
  names[FUSE_RELEASEDIR] = "releasedir";
  names[FUSE_FSYNCDIR] = "fsyncdir";
  names[FUSE_GETLK] = "getlk";
  names[FUSE_SETLK] = "setlk";
  names[FUSE_SETLKW] = "setlkw";
  names[FUSE_ACCESS] = "access";
  names[FUSE_CREATE] = "create";
  names[FUSE_INTERRUPT] = "interrupt";
  names[FUSE_BMAP] = "bmap";
  names[FUSE_DESTROY] = "destroy";
  names[FUSE_IOCTL] = "ioctl";
  names[FUSE_POLL] = "poll";
  names[FUSE_NOTIFY_REPLY] = "notify_reply";
  names[FUSE_BATCH_FORGET] = "forget_multi";
  names[FUSE_FALLOCATE] = "fallocate";
  names[FUSE_READDIRPLUS] = "readdirplus";
  names[FUSE_RENAME2] = "rename2";
  names[FUSE_LSEEK] = "lseek";
  names[FUSE_COPY_FILE_RANGE] = "copy_file_range";
  names[FUSE_SETUPMAPPING] = "setupmapping";
  names[FUSE_REMOVEMAPPING] = "removemapping";
  names[kOpcodeSyncFs] = "syncfs";
  names[kOpcodeTmpFile] = "tmpfile";
  names[kOpcodeStatx] = "statx";
  names[kOpcodeCopyFileRange64] = "copy_file_range_64";
  return names;
}();

}  // namespace

std::string_view request_name(std::size_t opcode) {
  return opcode < kNames.size() ? kNames[opcode] : std::string_view{};
}

}  // namespace coffer::fuse
