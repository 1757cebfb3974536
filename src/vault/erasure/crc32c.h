#pragma once
/// crc32c: the Castagnoli CRC in its usual convention (crc32c("123456789") = 0xE3069283).
///
/// To continue over pieces, pass the value so far: crc32c(b, crc32c(a)) = crc32c(a followed by b).
/// Threads   pure; from any thread.

#include <cstdint>

#include "coffer/core/bytes.h"

namespace coffer {

[[nodiscard]] std::uint32_t crc32c(Bytes bytes, std::uint32_t so_far = 0);

}  // namespace coffer
