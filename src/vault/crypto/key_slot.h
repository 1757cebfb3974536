#pragma once
/// KeySlots: the wrapped copies of the master key, each opened by one passphrase, key file or
/// recovery key.
///
/// Format    docs/format.md §2.2.
/// Owns      the slots' public bytes; no secret stays here after a call.
/// Threads   const calls from any thread; changes alone.
/// Errors    WrongKey (no slot opens), AuthenticationFailed (a slot opened and its sealed master is
///           not what was written there: try another volume's copy), InvalidArgument, NotFound.
///
/// A slot holds an X25519 key pair. Its secret half and an authentication key are wrapped by the
/// slot's key (Argon2id of the secret); the master is sealed to the public half (crypto_box_seal)
/// and authenticated by the authentication key, of which the holder of the master keeps a copy in
/// the slot, wrapped by the master. So a new master is sealed to all slots without their
/// passphrases; who knows only an old master cannot read the new one; and who knows no master
/// cannot slip in his own.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "coffer/core/bytes.h"
#include "coffer/core/error.h"
#include "coffer/vault/credential.h"
#include "coffer/vault/uuid.h"
#include "vault/crypto/secret.h"

namespace coffer::crypto {

inline constexpr std::size_t kSlotsMax = 32;
inline constexpr std::size_t kSlotBytes = 360;
/// What a hostile slot may make us spend.
inline constexpr KdfCost kKdfCostMax{16, std::uint64_t{1} << 30};

class KeySlots {
 public:
  explicit KeySlots(VaultUuid vault) : vault_(vault) {}

  /// @param now_unix_s  shown in listings; nothing is ordered by it.
  Result<SlotId> add(const Credential& credential, KdfCost cost, const SecretKey& master,
                     std::int64_t now_unix_s);
  /// Permission for the last slot: a vault that nobody can open is not a vault.
  Result<void> remove(SlotId id);
  [[nodiscard]] std::vector<SlotInfo> list() const;
  [[nodiscard]] std::size_t size() const { return slots_.size(); }

  /// Tries every slot of the credential's kind. Slow by intent (Argon2id).
  [[nodiscard]] Result<SecretKey> unlock(const Credential& credential) const;
  /// Seals new_master to every slot in place of old_master. All or nothing.
  Result<void> reseal_master(const SecretKey& old_master, const SecretKey& new_master);

  /// The slots one after the other, kSlotBytes each.
  [[nodiscard]] std::string encode() const;
  /// Corrupt for what cannot have been written by us, before any Argon2 work is done.
  static Result<KeySlots> parse(VaultUuid vault, Bytes bytes);

 private:
  using SlotBytes = std::array<std::byte, kSlotBytes>;

  VaultUuid vault_;
  std::vector<SlotBytes> slots_;
};

}  // namespace coffer::crypto
