#pragma once
/// SecretKey: 32 secret bytes in locked memory, wiped when it goes.
///
/// Owns      its memory (sodium_malloc: mlocked where the limit allows, guard pages, no core dump).
///           Move-only; copy() makes a second one where that is meant. A moved-from key is empty.
/// Threads   const use from any thread.
/// Errors    out of memory throws std::bad_alloc.

#include <cstddef>
#include <utility>

#include "coffer/core/bytes.h"
#include "coffer/vault/secret_string.h"

namespace coffer::crypto {

/// sodium_init, once. Everything here that uses libsodium calls it; it is cheap.
/// A libsodium that cannot start (no randomness) ends the process: nothing would be safe.
void ensure_sodium();

/// Equal without telling by its time where two spans differ. Different sizes are unequal.
bool equal_constant_time(Bytes a, Bytes b);
/// Overwrites in a way that the compiler keeps.
void wipe(MutableBytes bytes);

class SecretKey {
 public:
  static constexpr std::size_t kBytes = 32;

  /// All zero, to be filled through mutable_bytes().
  SecretKey();
  /// @pre bytes.size() == kBytes
  explicit SecretKey(Bytes bytes);
  static SecretKey random();
  ~SecretKey();
  SecretKey(SecretKey&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
  SecretKey& operator=(SecretKey&& other) noexcept {
    std::swap(data_, other.data_);
    return *this;
  }
  SecretKey(const SecretKey&) = delete;
  SecretKey& operator=(const SecretKey&) = delete;

  [[nodiscard]] SecretKey copy() const { return SecretKey(bytes()); }
  /// @pre not moved from
  [[nodiscard]] Bytes bytes() const { return {data_, kBytes}; }
  [[nodiscard]] MutableBytes mutable_bytes() { return {data_, kBytes}; }
  [[nodiscard]] bool equals(const SecretKey& other) const {
    return equal_constant_time(bytes(), other.bytes());
  }

 private:
  std::byte* data_;
};

}  // namespace coffer::crypto
