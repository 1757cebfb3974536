#include "vault/crypto/key_store.h"

#include <cstring>

#include "vault/crypto/kdf.h"

namespace coffer::crypto {
namespace {

constexpr std::string_view kMagic = "COFFERKS";
constexpr std::size_t kHeaderBytes = 40;
constexpr std::size_t kMacBytes = 32;

KeyedMac store_mac(const SecretKey& master, VaultUuid vault) {
  return KeyedMac(derive_key(master, "key store", vault.value().bytes()));
}

}  // namespace

std::string KeyStore::authenticated_bytes() const {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.raw(kMagic);
  writer.u16(kFormatVersion);
  writer.u16(static_cast<std::uint16_t>(slots_.size()));
  writer.u32(static_cast<std::uint32_t>(sealed_ring_.size()));
  writer.u64(generation_);
  writer.raw(vault_.value().bytes());
  writer.raw(slots_.encode());
  writer.raw(sealed_ring_);
  return bytes;
}

Result<std::string> KeyStore::encode_next(const SecretKey& master, const KeyRing& ring) {
  COFFER_ASSIGN(std::string sealed, ring.seal(master, vault_));
  sealed_ring_ = std::move(sealed);
  ++generation_;
  std::string bytes = authenticated_bytes();
  mac_ = store_mac(master, vault_).mac32(as_bytes(bytes));
  bytes.append(as_text(mac_));
  bytes.append(as_text(checksum(as_bytes(bytes))));
  return bytes;
}

Result<KeyStore> KeyStore::parse(Bytes bytes) {
  constexpr std::size_t kTrailerBytes = kMacBytes + sizeof(Checksum);
  if (bytes.size() < kHeaderBytes + kTrailerBytes || bytes.size() > kBytesMax) {
    return fail(Errc::Corrupt, "key store: wrong size");
  }
  ByteReader reader(bytes);
  if (reader.text(kMagic.size()) != kMagic) return fail(Errc::Corrupt, "key store: not one");
  if (reader.u16() != kFormatVersion) {
    return fail(Errc::NotSupported, "the key store is of a newer version");
  }
  const Checksum sum = checksum(bytes.first(bytes.size() - sizeof(Checksum)));
  if (as_text(sum) != as_text(bytes.last(sizeof(Checksum)))) {
    return fail(Errc::Corrupt, "key store: checksum");
  }
  const std::size_t slot_count = reader.u16();
  const std::size_t ring_bytes = reader.u32();
  const std::uint64_t generation = reader.u64();
  KeyStore store{VaultUuid(Uuid::from_bytes(reader.raw(Uuid::kBytes)))};
  store.generation_ = generation;
  if (bytes.size() != kHeaderBytes + slot_count * kSlotBytes + ring_bytes + kTrailerBytes) {
    return fail(Errc::Corrupt, "key store: lengths");
  }
  COFFER_ASSIGN(store.slots_, KeySlots::parse(store.vault_, reader.raw(slot_count * kSlotBytes)));
  store.sealed_ring_ = reader.text(ring_bytes);
  std::memcpy(store.mac_.data(), reader.raw(kMacBytes).data(), kMacBytes);
  return store;
}

Result<UnlockedKeys> KeyStore::unlock(const Credential& credential) const {
  COFFER_ASSIGN(const SecretKey master, slots_.unlock(credential));
  return unlock(master);
}

Result<UnlockedKeys> KeyStore::unlock(const SecretKey& master) const {
  if (!store_mac(master, vault_).verify(as_bytes(authenticated_bytes()), mac_)) {
    return fail(Errc::AuthenticationFailed, "the key store was changed by somebody else");
  }
  COFFER_ASSIGN(KeyRing ring, KeyRing::open(master, vault_, as_bytes(sealed_ring_)));
  return UnlockedKeys{master.copy(), std::move(ring)};
}

std::string key_store_file_name(std::uint64_t generation) {
  return generation % 2 == 0 ? "keyslots.0" : "keyslots.1";
}

}  // namespace coffer::crypto
