#pragma once
/// The kernel's FUSE protocol where libfuse 3.14 does not reach: init flags that it never sends and
/// request flags that it drops. Numbers are the kernel's ABI (linux/fuse.h), which only ever grows.

#include <linux/fuse.h>

#include <cstdint>

namespace coffer::fuse {

/// Flags that the channel adds to libfuse's INIT reply, when the kernel offers them.
/// libfuse 3.17 and later sends them itself; adding a flag twice is harmless.
inline constexpr std::uint32_t kInitFlagsAdded = FUSE_PARALLEL_DIROPS | FUSE_HANDLE_KILLPRIV_V2;

/// One READ or WRITE moves at most this much: 256 pages, what the kernel takes by default.
inline constexpr std::uint32_t kTransferBytesMax = 1U << 20;

/// A request is the transfer plus its headers; libfuse and the kernel agree on one page for these.
inline constexpr std::uint32_t kRequestBytesMax = kTransferBytesMax + 4096;

/// Opcodes are small and dense; the counters of statistics have one place for each.
inline constexpr std::uint32_t kOpcodesMax = 64;

inline constexpr std::uint32_t kOpcodeSyncFs = FUSE_SYNCFS;
inline constexpr std::uint32_t kOpcodeTmpFile = FUSE_TMPFILE;

}  // namespace coffer::fuse
