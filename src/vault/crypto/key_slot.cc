#include "vault/crypto/key_slot.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>

#include "vault/crypto/kdf.h"
#include "vault/crypto/random.h"
#include "vault/crypto/recovery_key.h"
#include "vault/crypto/sodium_bytes.h"
#include "vault/crypto/wrap.h"

namespace coffer::crypto {
namespace {

constexpr std::uint16_t kSlotVersion = 1;
constexpr std::size_t kSealedMasterBytes = SecretKey::kBytes + crypto_box_SEALBYTES;
constexpr std::size_t kPairBytes = 2 * SecretKey::kBytes;

// On disk: docs/format.md §2.2. Little-endian.
struct SlotDisk {
  std::uint8_t kind;
  std::uint8_t id;
  std::uint16_t version;
  std::uint32_t operations;
  std::uint64_t memory_bytes;
  std::int64_t created_unix_s;
  std::array<std::byte, crypto_pwhash_SALTBYTES> salt;
  std::array<std::byte, crypto_box_PUBLICKEYBYTES> public_key;
  // Under the slot's key: X25519 secret key, then authentication key.
  std::array<std::byte, kWrapOverheadBytes + kPairBytes> wrapped_pair;
  std::array<std::byte, kSealedMasterBytes> sealed_master;
  // Under the master: the authentication key.
  std::array<std::byte, kWrapOverheadBytes + SecretKey::kBytes> wrapped_auth;
  std::array<std::byte, 32> mac;
};
static_assert(sizeof(SlotDisk) == kSlotBytes, "docs/format.md §2.2 changes with this");
static_assert(std::has_unique_object_representations_v<SlotDisk>, "no padding reaches disk");
constexpr std::size_t kParameterBytes = offsetof(SlotDisk, wrapped_pair);
constexpr std::size_t kAuthenticatedBytes = offsetof(SlotDisk, mac);
static_assert(kParameterBytes == 72 && kAuthenticatedBytes == 328);

using SlotBytes = std::array<std::byte, kSlotBytes>;

SlotDisk load(const SlotBytes& bytes) {
  SlotDisk slot;
  std::memcpy(&slot, bytes.data(), sizeof slot);
  return slot;
}

SlotBytes store(const SlotDisk& slot) {
  SlotBytes bytes;
  std::memcpy(bytes.data(), &slot, sizeof slot);
  return bytes;
}

/// purpose ‖ vault ‖ the slot's first bytes: what a wrap or MAC of this slot is bound to.
std::string binding(std::string_view purpose, VaultUuid vault, const SlotDisk& slot,
                    std::size_t slot_bytes) {
  std::string bound;
  ByteWriter writer(bound);
  writer.raw(purpose);
  writer.raw(vault.value().bytes());
  writer.raw(std::as_bytes(std::span(&slot, 1)).first(slot_bytes));
  return bound;
}

std::string pair_aad(VaultUuid vault, const SlotDisk& slot) {
  return binding("coffer.slot.pair.v1", vault, slot, kParameterBytes);
}
std::string auth_aad(VaultUuid vault, const SlotDisk& slot) {
  return binding("coffer.slot.auth.v1", vault, slot, kParameterBytes);
}
std::string mac_message(VaultUuid vault, const SlotDisk& slot) {
  return binding("coffer.slot.mac.v1", vault, slot, kAuthenticatedBytes);
}

SecretKey auth_wrapping_key(const SecretKey& master, VaultUuid vault) {
  return derive_key(master, "slot authentication", vault.value().bytes());
}

bool within_bounds(KdfCost cost) {
  return cost.operations >= kKdfCostMinimum.operations &&
         cost.operations <= kKdfCostMax.operations &&
         cost.memory_bytes >= kKdfCostMinimum.memory_bytes &&
         cost.memory_bytes <= kKdfCostMax.memory_bytes;
}

/// The bytes that go into Argon2id: a recovery key counts by its 32 bytes, not by how it was typed.
Result<SecretString> normalised(const Credential& credential) {
  if (credential.secret.empty()) return fail(Errc::InvalidArgument, "the secret is empty");
  if (credential.kind != SlotKind::Recovery) return SecretString(credential.secret.view());
  COFFER_ASSIGN(const SecretKey key, parse_recovery_key(credential.secret.view()));
  return SecretString(key.bytes());
}

Result<SecretKey> slot_key(const SecretString& secret, const SlotDisk& slot) {
  ensure_sodium();
  SecretKey key;
  if (crypto_pwhash(u(key.mutable_bytes()), SecretKey::kBytes, secret.view().data(), secret.size(),
                    u(Bytes(slot.salt)), slot.operations, slot.memory_bytes,
                    crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return fail(Errc::OutOfMemory, "not enough memory for Argon2id at this slot's cost");
  }
  return key;
}

/// Seals `master` into the slot and authenticates the whole slot.
Result<void> seal_master(VaultUuid vault, const SecretKey& auth, const SecretKey& master,
                         SlotDisk& slot) {
  if (crypto_box_seal(u(MutableBytes(slot.sealed_master)), u(master.bytes()), SecretKey::kBytes,
                      u(Bytes(slot.public_key))) != 0) {
    return fail(Errc::Corrupt, "a key slot's public key is not usable");
  }
  COFFER_ASSIGN(const std::string wrapped, wrap(auth_wrapping_key(master, vault),
                                                as_bytes(auth_aad(vault, slot)), auth.bytes()));
  std::memcpy(slot.wrapped_auth.data(), wrapped.data(), wrapped.size());
  slot.mac = KeyedMac(auth.copy()).mac32(as_bytes(mac_message(vault, slot)));
  return {};
}

/// nullopt: this slot is not of this key. An error: it is, and it was tampered with.
Result<std::optional<SecretKey>> try_slot(VaultUuid vault, const SlotDisk& slot,
                                          const SecretString& secret) {
  COFFER_ASSIGN(const SecretKey key, slot_key(secret, slot));
  const auto pair = unwrap(key, as_bytes(pair_aad(vault, slot)), slot.wrapped_pair);
  if (!pair) return std::optional<SecretKey>();
  const Bytes box_secret = pair->bytes().first(SecretKey::kBytes);
  const KeyedMac auth(SecretKey(pair->bytes().last(SecretKey::kBytes)));
  SecretKey master;
  if (!auth.verify(as_bytes(mac_message(vault, slot)), slot.mac) ||
      crypto_box_seal_open(u(master.mutable_bytes()), u(Bytes(slot.sealed_master)),
                           kSealedMasterBytes, u(Bytes(slot.public_key)), u(box_secret)) != 0) {
    return fail(Errc::AuthenticationFailed, "the key slots were changed by somebody else");
  }
  return std::optional<SecretKey>(std::move(master));
}

}  // namespace

Result<SlotId> KeySlots::add(const Credential& credential, KdfCost cost, const SecretKey& master,
                             std::int64_t now_unix_s) {
  if (slots_.size() >= kSlotsMax) return fail(Errc::TooLarge, "all 32 key slots are in use");
  if (!within_bounds(cost)) return fail(Errc::InvalidArgument, "Argon2id cost out of bounds");
  COFFER_ASSIGN(const SecretString secret, normalised(credential));
  SlotDisk slot{};
  slot.kind = static_cast<std::uint8_t>(credential.kind);
  while (std::any_of(slots_.begin(), slots_.end(),
                     [&](const SlotBytes& other) { return load(other).id == slot.id; })) {
    ++slot.id;
  }
  slot.version = kSlotVersion;
  slot.operations = cost.operations;
  slot.memory_bytes = cost.memory_bytes;
  slot.created_unix_s = now_unix_s;
  fill_random(slot.salt);

  SecretString pair;  // X25519 secret key, then authentication key
  pair.resize(kPairBytes);
  fill_random(pair.mutable_bytes());
  if (crypto_scalarmult_base(u(MutableBytes(slot.public_key)), u(pair.bytes())) != 0) {
    return fail(Errc::Io, "no X25519 key pair");
  }
  COFFER_ASSIGN(const SecretKey key, slot_key(secret, slot));
  COFFER_ASSIGN(const std::string wrapped,
                wrap(key, as_bytes(pair_aad(vault_, slot)), pair.bytes()));
  std::memcpy(slot.wrapped_pair.data(), wrapped.data(), wrapped.size());
  const SecretKey auth(pair.bytes().last(SecretKey::kBytes));
  COFFER_TRY(seal_master(vault_, auth, master, slot));
  slots_.push_back(store(slot));
  return SlotId(slot.id);
}

Result<void> KeySlots::remove(SlotId id) {
  const auto at = std::find_if(slots_.begin(), slots_.end(),
                               [&](const SlotBytes& slot) { return load(slot).id == id.value(); });
  if (at == slots_.end()) return fail(Errc::NotFound, "no such key slot");
  if (slots_.size() == 1) return fail(Errc::Permission, "the last key slot cannot be removed");
  slots_.erase(at);
  return {};
}

std::vector<SlotInfo> KeySlots::list() const {
  std::vector<SlotInfo> infos;
  for (const SlotBytes& bytes : slots_) {
    const SlotDisk slot = load(bytes);
    infos.push_back({SlotId(slot.id), static_cast<SlotKind>(slot.kind),
                     KdfCost{slot.operations, slot.memory_bytes}, slot.created_unix_s});
  }
  return infos;
}

Result<SecretKey> KeySlots::unlock(const Credential& credential) const {
  const auto secret = normalised(credential);
  if (!secret) return fail(Errc::WrongKey, secret.error().context);
  bool tampered = false;
  for (const SlotBytes& bytes : slots_) {
    const SlotDisk slot = load(bytes);
    if (slot.kind != static_cast<std::uint8_t>(credential.kind)) continue;
    auto master = try_slot(vault_, slot, *secret);
    if (master && *master) return std::move(**master);
    if (master) continue;
    if (master.error().code != Errc::AuthenticationFailed) return fail(std::move(master).error());
    tampered = true;
  }
  if (tampered) {
    return fail(Errc::AuthenticationFailed, "the key slots were changed by somebody else");
  }
  return fail(Errc::WrongKey,
              "no key slot opens with this " + std::string(to_string(credential.kind)));
}

Result<void> KeySlots::reseal_master(const SecretKey& old_master, const SecretKey& new_master) {
  std::vector<SlotBytes> resealed;
  const SecretKey old_wrapping = auth_wrapping_key(old_master, vault_);
  for (const SlotBytes& bytes : slots_) {
    SlotDisk slot = load(bytes);
    COFFER_ASSIGN(const SecretString auth_bytes,
                  unwrap(old_wrapping, as_bytes(auth_aad(vault_, slot)), slot.wrapped_auth));
    const SecretKey auth(auth_bytes.bytes());
    if (!KeyedMac(auth.copy()).verify(as_bytes(mac_message(vault_, slot)), slot.mac)) {
      return fail(Errc::AuthenticationFailed, "the key slots were changed by somebody else");
    }
    COFFER_TRY(seal_master(vault_, auth, new_master, slot));
    resealed.push_back(store(slot));
  }
  slots_ = std::move(resealed);
  return {};
}

std::string KeySlots::encode() const {
  std::string bytes;
  for (const SlotBytes& slot : slots_) bytes.append(as_text(slot));
  return bytes;
}

Result<KeySlots> KeySlots::parse(VaultUuid vault, Bytes bytes) {
  if (bytes.size() % kSlotBytes != 0 || bytes.size() > kSlotsMax * kSlotBytes) {
    return fail(Errc::Corrupt, "key slots: wrong size");
  }
  KeySlots slots(vault);
  std::array<bool, kSlotsMax> taken{};
  for (; !bytes.empty(); bytes = bytes.subspan(kSlotBytes)) {
    SlotBytes raw;
    std::memcpy(raw.data(), bytes.data(), raw.size());
    const SlotDisk slot = load(raw);
    if (slot.version != kSlotVersion) {
      return fail(Errc::NotSupported, "a key slot is of a newer version");
    }
    if (slot.kind < static_cast<std::uint8_t>(SlotKind::Passphrase) ||
        slot.kind > static_cast<std::uint8_t>(SlotKind::Recovery) || slot.id >= kSlotsMax ||
        taken[slot.id] || !within_bounds({slot.operations, slot.memory_bytes})) {
      return fail(Errc::Corrupt, "key slots: a slot's parameters are out of bounds");
    }
    taken[slot.id] = true;
    slots.slots_.push_back(raw);
  }
  return slots;
}

}  // namespace coffer::crypto

namespace coffer {

std::string_view to_string(SlotKind kind) noexcept {
  switch (kind) {
    case SlotKind::Passphrase:
      return "passphrase";
    case SlotKind::KeyFile:
      return "key file";
    case SlotKind::Recovery:
      return "recovery key";
  }
  return "unknown";
}

}  // namespace coffer
