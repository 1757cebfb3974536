#pragma once
/// wrap and unwrap: small secrets sealed under a key that seals many, by XChaCha20-Poly1305 with a
/// random nonce, whatever the vault's cipher is. wrapped = nonce (24) ‖ ciphertext ‖ tag (16).
/// Any thread.

#include <cstddef>
#include <string>

#include "coffer/core/bytes.h"
#include "coffer/core/error.h"
#include "vault/crypto/secret.h"

namespace coffer::crypto {

inline constexpr std::size_t kWrapOverheadBytes = 24 + 16;

Result<std::string> wrap(const SecretKey& key, Bytes aad, Bytes secret);
/// AuthenticationFailed for another key, other aad, or changed bytes.
Result<SecretString> unwrap(const SecretKey& key, Bytes aad, Bytes wrapped);

}  // namespace coffer::crypto
