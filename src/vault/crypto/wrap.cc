#include "vault/crypto/wrap.h"

#include <cstring>

#include "vault/crypto/aead.h"
#include "vault/crypto/random.h"

namespace coffer::crypto {

Result<std::string> wrap(const SecretKey& key, Bytes aad, Bytes secret) {
  RandomNonce nonce;
  fill_random(nonce);
  std::string wrapped(nonce.size() + Aead::sealed_size(secret.size()), '\0');
  std::memcpy(wrapped.data(), nonce.data(), nonce.size());
  const MutableBytes out = std::as_writable_bytes(std::span(wrapped)).subspan(nonce.size());
  COFFER_TRY(Aead(CipherId::XChaCha20Poly1305, key).seal(nonce, aad, secret, out));
  return wrapped;
}

Result<SecretString> unwrap(const SecretKey& key, Bytes aad, Bytes wrapped) {
  if (wrapped.size() < kWrapOverheadBytes) {
    return fail(Errc::AuthenticationFailed, "a wrapped secret is too short");
  }
  RandomNonce nonce;
  std::memcpy(nonce.data(), wrapped.data(), nonce.size());
  SecretString secret;
  secret.resize(wrapped.size() - kWrapOverheadBytes);
  COFFER_TRY(Aead(CipherId::XChaCha20Poly1305, key)
                 .open(nonce, aad, wrapped.subspan(nonce.size()), secret.mutable_bytes()));
  return secret;
}

}  // namespace coffer::crypto
