#pragma once
/// The cyclic redundancy checks that S3 knows: CRC-32 (zlib's), CRC-32C, CRC-64/NVME.
///
/// Threads   any.

#include <cstdint>

#include "coffer/core/bytes.h"

namespace coffer::gateway {

enum class CrcKind { Crc32, Crc32c, Crc64Nvme };

/// Goes on from `crc`, the value so far (0 at the start).
std::uint64_t crc_update(CrcKind kind, std::uint64_t crc, Bytes bytes);

/// The value of A followed by B, from the values of both and B's length.
std::uint64_t crc_combine(CrcKind kind, std::uint64_t crc_a, std::uint64_t crc_b,
                          std::uint64_t length_b);

}  // namespace coffer::gateway
