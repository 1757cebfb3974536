#pragma once
/// MemoryBudget: how the bytes of --memory are shared out between caches and buffers.
///
/// Threads   plain values.
/// Errors    InvalidArgument from the parsers, with what was wrong and an example.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "coffer/core/error.h"

namespace coffer {

enum class MemoryProfile {
  Standard,    // many files, streams and both doors on one machine
  Throughput,  // all of the machine for this vault
  LowMemory,   // beside other work on a small machine
  LargeFiles,  // few big files, read at random or over S3
};

struct MemoryBudget {
  std::uint64_t total_bytes = 0;
  std::uint64_t chunk_cache_bytes = 0;  // decrypted chunks
  std::uint64_t metadata_bytes = 0;     // RocksDB's block cache and memtables
  std::uint64_t buffer_bytes = 0;       // pooled I/O buffers: writes on their way, parity, requests
  std::uint64_t attribute_bytes = 0;    // inode table, attribute and negative caches

  /// The parts add up to no more than `total_bytes`. A total below kMemoryBytesMin counts as that.
  static MemoryBudget split(std::uint64_t total_bytes,
                            MemoryProfile profile = MemoryProfile::Standard);
};

inline constexpr std::uint64_t kMemoryBytesMin = std::uint64_t{32} << 20;

/// A quarter of the machine's memory, at most 1 GiB.
std::uint64_t default_memory_bytes();
/// What --memory is when only a profile is given.
std::uint64_t default_memory_bytes(MemoryProfile profile);
/// What --workers is when only a profile is given; at least 2.
std::size_t default_workers(MemoryProfile profile);

/// "4096", "512K", "512M", "1G", "1GiB", "2T", "512MB": K, M, G, T are powers of 1024 with or
/// without "iB"; with "B" alone ("MB") they are powers of 1000, as on the labels of disks.
Result<std::uint64_t> parse_size(std::string_view text);
/// "standard", "throughput", "low-memory", "large-files".
Result<MemoryProfile> parse_memory_profile(std::string_view text);

}  // namespace coffer
