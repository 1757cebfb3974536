#include "vault/crypto/hash.h"

#include <sodium.h>

#include "vault/crypto/secret.h"
#include "vault/crypto/sodium_bytes.h"

namespace coffer::crypto {
namespace {

template <typename Out>
Out blake2b(Bytes bytes) {
  ensure_sodium();
  Out out{};
  crypto_generichash(u(MutableBytes(out)), out.size(), u(bytes), bytes.size(), nullptr, 0);
  return out;
}

}  // namespace

Digest digest(Bytes bytes) { return blake2b<Digest>(bytes); }
Checksum checksum(Bytes bytes) { return blake2b<Checksum>(bytes); }

}  // namespace coffer::crypto
