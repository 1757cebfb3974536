#pragma once
/// Randomness from the kernel (libsodium's randombytes). Any thread.

#include <cstdint>

#include "coffer/core/bytes.h"
#include "coffer/vault/uuid.h"

namespace coffer::crypto {

void fill_random(MutableBytes out);
std::uint64_t random_u64();
/// 128 random bits; never nil. VaultUuid(random_uuid()) and so on.
Uuid random_uuid();

}  // namespace coffer::crypto
