#include "vault/crypto/kdf.h"

#include <sodium.h>

#include <string>

#include "vault/crypto/sodium_bytes.h"

namespace coffer::crypto {
namespace {

template <typename Out>
Out keyed_blake2b(const SecretKey& key, Bytes message) {
  Out out{};
  crypto_generichash(u(MutableBytes(out)), out.size(), u(message), message.size(), u(key.bytes()),
                     SecretKey::kBytes);
  return out;
}

}  // namespace

SecretKey derive_key(const SecretKey& parent, std::string_view label, Bytes context) {
  std::string input;
  ByteWriter writer(input);
  writer.raw("coffer.derive.v1");
  writer.u32(static_cast<std::uint32_t>(label.size()));
  writer.raw(label);
  writer.u32(static_cast<std::uint32_t>(context.size()));
  writer.raw(context);
  SecretKey key;
  crypto_generichash(u(key.mutable_bytes()), SecretKey::kBytes, u(as_bytes(input)), input.size(),
                     u(parent.bytes()), SecretKey::kBytes);
  return key;
}

KeyedMac::Mac16 KeyedMac::mac16(Bytes message) const { return keyed_blake2b<Mac16>(key_, message); }

KeyedMac::Mac32 KeyedMac::mac32(Bytes message) const { return keyed_blake2b<Mac32>(key_, message); }

bool KeyedMac::verify(Bytes message, Bytes mac) const {
  if (mac.size() == sizeof(Mac16)) return equal_constant_time(mac16(message), mac);
  if (mac.size() == sizeof(Mac32)) return equal_constant_time(mac32(message), mac);
  return false;
}

}  // namespace coffer::crypto
