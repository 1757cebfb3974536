#pragma once
/// The kernel's FUSE protocol where libfuse 3.14 does not reach: init flags that it never sends and
/// request flags that it drops. Numbers are the kernel's ABI (linux/fuse.h), which only ever grows.

#include <linux/fuse.h>

#include <cstdint>

namespace coffer::fuse {

/// Flags that the channel adds to libfuse's INIT reply, when the kernel offers them.
/// libfuse 3.17 and later sends them itself; adding a flag twice is harmless.
inline constexpr std::uint32_t kInitFlagsAdded =
    FUSE_PARALLEL_DIROPS | FUSE_HANDLE_KILLPRIV_V2 | FUSE_SETXATTR_EXT;

/// One READ or WRITE moves at most this much: 256 pages, what the kernel takes by default.
inline constexpr std::uint32_t kTransferBytesMax = 1U << 20;

/// A request is the transfer plus its headers; libfuse and the kernel agree on one page for these.
inline constexpr std::uint32_t kRequestBytesMax = kTransferBytesMax + 4096;

/// Opcodes are small and dense; the counters of statistics have one place for each.
inline constexpr std::uint32_t kOpcodesMax = 64;

inline constexpr std::uint32_t kOpcodeSyncFs = FUSE_SYNCFS;
inline constexpr std::uint32_t kOpcodeTmpFile = FUSE_TMPFILE;
inline constexpr std::uint32_t kOpcodeStatx = 52;  // protocol 7.39; Debian 12's header ends at 7.38

inline constexpr std::uint32_t kOpcodeCopyFileRange64 = 53;  // protocol 7.45

/// struct fuse_copy_file_range_out.
struct CopyFileRangeOutWire {
  std::uint64_t bytes_copied;
};

struct StatxTimeWire {
  std::int64_t seconds;
  std::uint32_t nanoseconds;
  std::int32_t reserved;
};

/// struct fuse_statx of protocol 7.39.
struct StatxWire {
  std::uint32_t mask;
  std::uint32_t blksize;
  std::uint64_t attributes;
  std::uint32_t nlink;
  std::uint32_t uid;
  std::uint32_t gid;
  std::uint16_t mode;
  std::uint16_t spare0;
  std::uint64_t ino;
  std::uint64_t size;
  std::uint64_t blocks;
  std::uint64_t attributes_mask;
  StatxTimeWire atime;
  StatxTimeWire btime;
  StatxTimeWire ctime;
  StatxTimeWire mtime;
  std::uint32_t rdev_major;
  std::uint32_t rdev_minor;
  std::uint32_t dev_major;
  std::uint32_t dev_minor;
  std::uint64_t spare2[14];
};
static_assert(sizeof(StatxWire) == 256, "struct statx of the kernel's ABI");

/// struct fuse_statx_out.
struct StatxOutWire {
  std::uint64_t attr_valid;
  std::uint32_t attr_valid_nsec;
  std::uint32_t flags;
  std::uint64_t spare[2];
  StatxWire stat;
};
static_assert(sizeof(StatxOutWire) == 288);

}  // namespace coffer::fuse
