#include "vault/crypto/aead.h"

#include <openssl/evp.h>
#include <sodium.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <optional>
#include <thread>

#include "vault/crypto/sodium_bytes.h"

namespace coffer::crypto {
namespace {

enum class Direction : std::uint8_t { Seal, Open };

constexpr std::size_t kIvBytes = 12;  // of both EVP ciphers
constexpr std::size_t kSubkeyNonceBytes = 16;
using Iv = std::array<std::byte, kIvBytes>;

struct ContextFree {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, ContextFree>;

/// Fetched once: an implicit fetch takes locks and looks names up for every chunk.
const EVP_CIPHER* evp_cipher(CipherId cipher) {
  static const EVP_CIPHER* const gcm = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  static const EVP_CIPHER* const chacha = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
  return cipher == CipherId::Aes256Gcm ? gcm : chacha;
}

/// A context that knows the key and waits for its nonce; null when OpenSSL refuses.
Context make_context(CipherId cipher, const SecretKey& key, Direction direction) {
  const EVP_CIPHER* evp = evp_cipher(cipher);
  Context context(evp != nullptr ? EVP_CIPHER_CTX_new() : nullptr);
  if (context == nullptr) return nullptr;
  const int encrypt = direction == Direction::Seal ? 1 : 0;
  if (EVP_CipherInit_ex2(context.get(), evp, u(key.bytes()), nullptr, encrypt, nullptr) != 1) {
    return nullptr;
  }
  return context;
}

/// The last 8 bytes of the IV are the ordinal, or the last 8 of a 24-byte nonce; the first 4 are
/// zero.
Iv iv_from(Bytes last8) {
  Iv iv{};
  std::memcpy(iv.data() + 4, last8.data(), 8);
  return iv;
}

Iv iv_from(std::uint64_t ordinal) { return iv_from(std::as_bytes(std::span(&ordinal, 1))); }

/// XChaCha's first step: the subkey that belongs to the first 16 bytes of the nonce.
SecretKey xchacha_subkey(const SecretKey& key, Bytes first16) {
  ensure_sodium();
  SecretKey subkey;
  crypto_core_hchacha20(u(subkey.mutable_bytes()), u(first16), u(key.bytes()), nullptr);
  return subkey;
}

bool update(EVP_CIPHER_CTX* context, unsigned char* out, Bytes in) {
  // OpenSSL reads a null input as "finish", so an empty span must not reach it.
  int n = 0;
  return in.empty() || EVP_CipherUpdate(context, out, &n, u(in), static_cast<int>(in.size())) == 1;
}

bool run_seal(EVP_CIPHER_CTX* context, const Iv& iv, Bytes aad, Bytes plain, MutableBytes out) {
  int n = 0;
  unsigned char* tag = u(out.last(Aead::kTagBytes));
  return EVP_CipherInit_ex2(context, nullptr, nullptr, u(Bytes(iv)), 1, nullptr) == 1 &&
         update(context, nullptr, aad) && update(context, u(out), plain) &&
         EVP_CipherFinal_ex(context, tag, &n) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Aead::kTagBytes, tag) == 1;
}

bool run_open(EVP_CIPHER_CTX* context, const Iv& iv, Bytes aad, Bytes sealed, MutableBytes out) {
  int n = 0;
  // Copied, because the parameter is not const and the caller's bytes are.
  std::array<std::byte, Aead::kTagBytes> tag{};
  std::memcpy(tag.data(), sealed.last(tag.size()).data(), tag.size());
  std::array<unsigned char, Aead::kTagBytes> none{};
  return EVP_CipherInit_ex2(context, nullptr, nullptr, u(Bytes(iv)), 0, nullptr) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Aead::kTagBytes, tag.data()) == 1 &&
         update(context, nullptr, aad) &&
         update(context, u(out), sealed.first(sealed.size() - Aead::kTagBytes)) &&
         EVP_CipherFinal_ex(context, none.data(), &n) == 1;
}

Result<void> check_seal(Bytes aad, Bytes plain, MutableBytes out) {
  if (plain.size() > Aead::kPlainBytesMax || aad.size() > Aead::kPlainBytesMax ||
      out.size() != Aead::sealed_size(plain.size())) {
    return fail(Errc::InvalidArgument, "seal: buffer sizes do not fit");
  }
  return {};
}

Result<void> check_open(Bytes aad, Bytes sealed, MutableBytes out) {
  if (sealed.size() < Aead::kTagBytes) {
    return fail(Errc::AuthenticationFailed, "sealed bytes are shorter than their tag");
  }
  if (sealed.size() > Aead::sealed_size(Aead::kPlainBytesMax) ||
      aad.size() > Aead::kPlainBytesMax || out.size() != sealed.size() - Aead::kTagBytes) {
    return fail(Errc::InvalidArgument, "open: buffer sizes do not fit");
  }
  return {};
}

}  // namespace

/// A few contexts for each direction. A call takes one by exchanging its slot with null, starting
/// at a slot of its thread's, and puts it back into any empty slot.
struct Aead::State {
  static constexpr std::size_t kSlots = 4;
  using Slots = std::array<std::atomic<EVP_CIPHER_CTX*>, kSlots>;

  State(CipherId id, const SecretKey& root)
      : cipher(id), key(root.copy()), counter_key(make_counter_key(id, root)) {}
  ~State() {
    for (Slots* slots : {&seal_slots, &open_slots}) {
      for (auto& slot : *slots) EVP_CIPHER_CTX_free(slot.load());
    }
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  static SecretKey make_counter_key(CipherId id, const SecretKey& root) {
    if (id == CipherId::Aes256Gcm) return root.copy();
    const std::array<std::byte, kSubkeyNonceBytes> zero{};
    return xchacha_subkey(root, zero);
  }

  static std::size_t first_slot() {
    thread_local const std::size_t slot =
        std::hash<std::thread::id>{}(std::this_thread::get_id()) % kSlots;
    return slot;
  }

  Context take(Direction direction) {
    Slots& slots = direction == Direction::Seal ? seal_slots : open_slots;
    for (std::size_t i = 0, at = first_slot(); i < kSlots; ++i, at = (at + 1) % kSlots) {
      if (slots[at].load(std::memory_order_relaxed) == nullptr) continue;
      EVP_CIPHER_CTX* context = slots[at].exchange(nullptr, std::memory_order_acquire);
      if (context != nullptr) return Context(context);
    }
    return make_context(cipher, counter_key, direction);
  }

  void give_back(Direction direction, Context context) {
    Slots& slots = direction == Direction::Seal ? seal_slots : open_slots;
    for (std::size_t i = 0, at = first_slot(); i < kSlots; ++i, at = (at + 1) % kSlots) {
      EVP_CIPHER_CTX* empty = nullptr;
      if (slots[at].compare_exchange_strong(empty, context.get(), std::memory_order_release,
                                            std::memory_order_relaxed)) {
        static_cast<void>(context.release());
        return;
      }
    }
  }

  const CipherId cipher;
  const SecretKey key;          // for random nonces
  const SecretKey counter_key;  // for ordinals
  Slots seal_slots{};
  Slots open_slots{};
};

Aead::Aead(CipherId cipher, const SecretKey& key) : state_(std::make_unique<State>(cipher, key)) {}
Aead::~Aead() = default;
Aead::Aead(Aead&&) noexcept = default;
Aead& Aead::operator=(Aead&&) noexcept = default;

CipherId Aead::cipher() const { return state_->cipher; }

Result<void> Aead::seal(std::uint64_t ordinal, Bytes aad, Bytes plain, MutableBytes out) const {
  COFFER_TRY(check_seal(aad, plain, out));
  Context context = state_->take(Direction::Seal);
  if (context == nullptr || !run_seal(context.get(), iv_from(ordinal), aad, plain, out)) {
    wipe(out);
    return fail(Errc::Io, "the cipher refused to seal");
  }
  state_->give_back(Direction::Seal, std::move(context));
  return {};
}

Result<void> Aead::open(std::uint64_t ordinal, Bytes aad, Bytes sealed, MutableBytes out) const {
  COFFER_TRY(check_open(aad, sealed, out));
  Context context = state_->take(Direction::Open);
  if (context == nullptr) return fail(Errc::Io, "the cipher refused to open");
  const bool genuine = run_open(context.get(), iv_from(ordinal), aad, sealed, out);
  state_->give_back(Direction::Open, std::move(context));
  if (!genuine) {
    wipe(out);
    return fail(Errc::AuthenticationFailed, "sealed bytes do not verify");
  }
  return {};
}

Result<void> Aead::seal(const RandomNonce& nonce, Bytes aad, Bytes plain, MutableBytes out) const {
  if (cipher() != CipherId::XChaCha20Poly1305) {
    return fail(Errc::InvalidArgument, "a random nonce needs XChaCha20-Poly1305");
  }
  COFFER_TRY(check_seal(aad, plain, out));
  const Bytes bytes(nonce);
  const SecretKey subkey = xchacha_subkey(state_->key, bytes.first(kSubkeyNonceBytes));
  const Context context = make_context(cipher(), subkey, Direction::Seal);
  if (context == nullptr ||
      !run_seal(context.get(), iv_from(bytes.subspan(kSubkeyNonceBytes)), aad, plain, out)) {
    wipe(out);
    return fail(Errc::Io, "the cipher refused to seal");
  }
  return {};
}

Result<void> Aead::open(const RandomNonce& nonce, Bytes aad, Bytes sealed, MutableBytes out) const {
  if (cipher() != CipherId::XChaCha20Poly1305) {
    return fail(Errc::InvalidArgument, "a random nonce needs XChaCha20-Poly1305");
  }
  COFFER_TRY(check_open(aad, sealed, out));
  const Bytes bytes(nonce);
  const SecretKey subkey = xchacha_subkey(state_->key, bytes.first(kSubkeyNonceBytes));
  const Context context = make_context(cipher(), subkey, Direction::Open);
  if (context == nullptr) return fail(Errc::Io, "the cipher refused to open");
  if (!run_open(context.get(), iv_from(bytes.subspan(kSubkeyNonceBytes)), aad, sealed, out)) {
    wipe(out);
    return fail(Errc::AuthenticationFailed, "sealed bytes do not verify");
  }
  return {};
}

}  // namespace coffer::crypto
