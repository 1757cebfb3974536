#pragma once
/// Aead: one key, one cipher; seals and opens chunks, blocks and frames.
///
/// Format    sealed = ciphertext ‖ 16-byte tag. docs/format.md §2.1 has the nonces.
/// Owns      its key (locked memory) and a few keyed OpenSSL contexts, which its destructor wipes:
///           a destroyed key is gone from every thread at once, which a thread-local cache of keyed
///           contexts could not promise. Contexts are handed out by one atomic exchange.
/// Threads   seal() and open() from any thread at once; move and destroy alone.
/// Errors    AuthenticationFailed (open: `out` is wiped, nothing is released), InvalidArgument
/// (sizes),
///           Io (OpenSSL refused: out of memory). No allocation per call once warm.
/// Invariant The caller never seals two plaintexts under one (key, nonce).

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "coffer/core/bytes.h"
#include "coffer/core/error.h"
#include "coffer/vault/cipher.h"
#include "vault/crypto/secret.h"

namespace coffer::crypto {

/// A nonce that is long enough to be drawn at random.
using RandomNonce = std::array<std::byte, 24>;

class Aead {
 public:
  static constexpr std::size_t kTagBytes = 16;
  static constexpr std::size_t kPlainBytesMax = std::size_t{1} << 30;
  static constexpr std::size_t sealed_size(std::size_t plain) { return plain + kTagBytes; }

  Aead(CipherId cipher, const SecretKey& key);
  ~Aead();
  Aead(Aead&&) noexcept;
  Aead& operator=(Aead&&) noexcept;
  Aead(const Aead&) = delete;
  Aead& operator=(const Aead&) = delete;

  [[nodiscard]] CipherId cipher() const;

  /// Counter nonce: the key belongs to one segment or file, the ordinal to one chunk of it.
  /// @pre out.size() == plain.size() + kTagBytes; out may begin where plain begins, or not overlap.
  Result<void> seal(std::uint64_t ordinal, Bytes aad, Bytes plain, MutableBytes out) const;
  /// @pre out.size() == sealed.size() - kTagBytes; out may begin where sealed begins.
  Result<void> open(std::uint64_t ordinal, Bytes aad, Bytes sealed, MutableBytes out) const;

  /// Random nonce, XChaCha20-Poly1305 only (InvalidArgument for AES-GCM, whose nonce is too short).
  /// Slower: a subkey for every call. For wraps, see wrap.h.
  Result<void> seal(const RandomNonce& nonce, Bytes aad, Bytes plain, MutableBytes out) const;
  Result<void> open(const RandomNonce& nonce, Bytes aad, Bytes sealed, MutableBytes out) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace coffer::crypto
