#pragma once
/// Keyless BLAKE2b. A digest names content among friends; it authenticates nothing (see kdf.h).

#include <array>
#include <cstddef>

#include "coffer/core/bytes.h"

namespace coffer::crypto {

using Digest = std::array<std::byte, 32>;
using Checksum = std::array<std::byte, 16>;

/// BLAKE2b-256.
Digest digest(Bytes bytes);
/// BLAKE2b-128.
Checksum checksum(Bytes bytes);

}  // namespace coffer::crypto
