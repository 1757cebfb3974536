#include "coffer/vault/cipher.h"

#include <sodium.h>

#include "vault/crypto/secret.h"

namespace coffer {

CipherId default_cipher() {
  crypto::ensure_sodium();
  // True only with AES-NI and carry-less multiplication (or ARM's crypto extension): exactly where
  // OpenSSL's AES-GCM is fast and free of table look-ups.
  return crypto_aead_aes256gcm_is_available() != 0 ? CipherId::Aes256Gcm
                                                   : CipherId::XChaCha20Poly1305;
}

std::string_view to_string(CipherId cipher) noexcept {
  switch (cipher) {
    case CipherId::Aes256Gcm:
      return "aes-256-gcm";
    case CipherId::XChaCha20Poly1305:
      return "xchacha20-poly1305";
  }
  return "unknown";
}

Result<CipherId> parse_cipher(std::string_view text) {
  for (const CipherId cipher : {CipherId::Aes256Gcm, CipherId::XChaCha20Poly1305}) {
    if (text == to_string(cipher)) return cipher;
  }
  return fail(Errc::InvalidArgument, "cipher: aes-256-gcm or xchacha20-poly1305 expected");
}

Result<CipherId> cipher_from_disk(std::uint8_t number) {
  switch (static_cast<CipherId>(number)) {
    case CipherId::Aes256Gcm:
    case CipherId::XChaCha20Poly1305:
      return static_cast<CipherId>(number);
  }
  return fail(Errc::NotSupported, "the vault uses a cipher that this version does not know");
}

}  // namespace coffer
