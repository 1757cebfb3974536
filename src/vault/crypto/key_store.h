#pragma once
/// KeyStore: the file that is replicated on every volume with the key slots and the sealed key
/// ring.
///
/// Format    docs/format.md §2.4. Files `keyslots.0` and `keyslots.1`, written in turn: generation
///           g goes to `keyslots.<g mod 2>`; the superblock names the generation and digest in
///           force.
/// Threads   const calls from any thread; changes alone.
/// Errors    parse: Corrupt, NotSupported. unlock: those of KeySlots and KeyRing;
///           AuthenticationFailed when the file as a whole was changed.

#include <cstdint>
#include <string>

#include "coffer/core/bytes.h"
#include "coffer/core/error.h"
#include "coffer/vault/credential.h"
#include "coffer/vault/uuid.h"
#include "vault/crypto/hash.h"
#include "vault/crypto/key_ring.h"
#include "vault/crypto/key_slot.h"

namespace coffer::crypto {

struct UnlockedKeys {
  SecretKey master;
  KeyRing ring;
};

class KeyStore {
 public:
  static constexpr std::uint16_t kFormatVersion = 1;
  static constexpr std::size_t kBytesMax = std::size_t{256} << 10;

  /// Generation 0, no slots: add one, then encode() makes generation 1.
  explicit KeyStore(VaultUuid vault) : vault_(vault), slots_(vault) {}

  [[nodiscard]] VaultUuid vault() const { return vault_; }
  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  [[nodiscard]] KeySlots& slots() { return slots_; }
  [[nodiscard]] const KeySlots& slots() const { return slots_; }

  /// The bytes of the next generation: these slots, this ring. The store is then that generation.
  Result<std::string> encode_next(const SecretKey& master, const KeyRing& ring);

  /// Checks checksum and bounds; needs no key.
  static Result<KeyStore> parse(Bytes bytes);
  /// Opens a slot, then checks the file's MAC, then opens the ring.
  [[nodiscard]] Result<UnlockedKeys> unlock(const Credential& credential) const;
  /// The same for who has the master already.
  [[nodiscard]] Result<UnlockedKeys> unlock(const SecretKey& master) const;

 private:
  [[nodiscard]] std::string authenticated_bytes() const;

  VaultUuid vault_;
  std::uint64_t generation_ = 0;
  KeySlots slots_;
  std::string sealed_ring_;
  std::array<std::byte, 32> mac_{};
};

/// The file's name for a generation: "keyslots.0" or "keyslots.1".
std::string key_store_file_name(std::uint64_t generation);

}  // namespace coffer::crypto
