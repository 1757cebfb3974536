#pragma once
/// derive_key and KeyedMac: keyed BLAKE2b (libsodium crypto_generichash).
///
/// A derived key tells nothing about its parent or its siblings. Every purpose has its own label,
/// and label and context are length-prefixed, so that no two (label, context) pairs meet.

#include <array>
#include <cstddef>
#include <string_view>

#include "coffer/core/bytes.h"
#include "vault/crypto/secret.h"

namespace coffer::crypto {

/// BLAKE2b-256(key = parent, "coffer.derive.v1" ‖ u32 len ‖ label ‖ u32 len ‖ context).
SecretKey derive_key(const SecretKey& parent, std::string_view label, Bytes context);

/// A message authentication code of 16 or 32 bytes. Const, so shared by threads.
class KeyedMac {
 public:
  using Mac16 = std::array<std::byte, 16>;
  using Mac32 = std::array<std::byte, 32>;

  explicit KeyedMac(SecretKey key) : key_(std::move(key)) {}

  [[nodiscard]] Mac16 mac16(Bytes message) const;
  [[nodiscard]] Mac32 mac32(Bytes message) const;
  /// In constant time. `mac` has 16 or 32 bytes; any other size is false.
  [[nodiscard]] bool verify(Bytes message, Bytes mac) const;

 private:
  SecretKey key_;
};

}  // namespace coffer::crypto
