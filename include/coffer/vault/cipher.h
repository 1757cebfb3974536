#pragma once
/// CipherId: the AEAD of a vault, chosen at init and stored in the superblock.

#include <cstdint>
#include <string_view>

#include "coffer/core/error.h"

namespace coffer {

/// On disk: docs/format.md §1.
enum class CipherId : std::uint8_t { Aes256Gcm = 1, XChaCha20Poly1305 = 2 };

/// AES-256-GCM where the CPU has AES instructions, else XChaCha20-Poly1305.
CipherId default_cipher();

/// "aes-256-gcm", "xchacha20-poly1305".
std::string_view to_string(CipherId cipher) noexcept;
/// InvalidArgument for any other text.
Result<CipherId> parse_cipher(std::string_view text);
/// NotSupported for a number that this version does not know.
Result<CipherId> cipher_from_disk(std::uint8_t number);

}  // namespace coffer
