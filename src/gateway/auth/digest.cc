#include "gateway/auth/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstdlib>
#include <new>
#include <utility>

namespace coffer::gateway {
namespace {

/// Implicit fetching costs more than a small digest in OpenSSL 3, so each algorithm is fetched
/// once.
const EVP_MD* algorithm(Digest::Kind kind) {
  static const EVP_MD* const md5 = EVP_MD_fetch(nullptr, "MD5", nullptr);
  static const EVP_MD* const sha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  switch (kind) {
    case Digest::Kind::Md5:
      return md5;
    case Digest::Kind::Sha1:
      return sha1;
    case Digest::Kind::Sha256:
      return sha256;
  }
  __builtin_unreachable();
}

void must(int ok) {
  if (ok != 1) std::abort();
}

Digest& thread_sha256() {
  thread_local Digest digest(Digest::Kind::Sha256);
  return digest;
}

}  // namespace

Digest::Digest(Kind kind) : kind_(kind), context_(EVP_MD_CTX_new()) {
  if (context_ == nullptr) throw std::bad_alloc();
  must(EVP_DigestInit_ex2(context_, algorithm(kind_), nullptr));
}

Digest::Digest(Digest&& other) noexcept
    : kind_(other.kind_), context_(std::exchange(other.context_, nullptr)) {}

Digest& Digest::operator=(Digest&& other) noexcept {
  std::swap(kind_, other.kind_);
  std::swap(context_, other.context_);
  return *this;
}

Digest::~Digest() { EVP_MD_CTX_free(context_); }

void Digest::update(Bytes bytes) { must(EVP_DigestUpdate(context_, bytes.data(), bytes.size())); }

void Digest::finish(MutableBytes out) {
  unsigned int size = 0;
  std::array<unsigned char, EVP_MAX_MD_SIZE> value{};
  must(EVP_DigestFinal_ex(context_, value.data(), &size));
  std::memcpy(out.data(), value.data(), std::min<std::size_t>(size, out.size()));
  must(EVP_DigestInit_ex2(context_, algorithm(kind_), nullptr));
}

std::string Digest::finish() {
  std::string out(static_cast<std::size_t>(EVP_MD_get_size(algorithm(kind_))), '\0');
  finish(MutableBytes(reinterpret_cast<std::byte*>(out.data()), out.size()));
  return out;
}

Sha256Value sha256(std::string_view text) {
  Sha256Value value;
  Digest& digest = thread_sha256();
  digest.update(text);
  digest.finish(value);
  return value;
}

Sha256Value hmac_sha256(Bytes key, std::string_view text) {
  constexpr std::size_t kBlock = 64;
  Digest& digest = thread_sha256();
  std::array<std::byte, kBlock> padded{};
  if (key.size() > kBlock) {
    digest.update(key);
    digest.finish(padded);
  } else if (!key.empty()) {
    std::memcpy(padded.data(), key.data(), key.size());
  }
  for (std::byte& b : padded) b ^= std::byte{0x36};
  digest.update(padded);
  digest.update(text);
  Sha256Value inner;
  digest.finish(inner);
  for (std::byte& b : padded) b ^= std::byte{0x36 ^ 0x5c};
  digest.update(padded);
  digest.update(inner);
  Sha256Value value;
  digest.finish(value);
  OPENSSL_cleanse(padded.data(), padded.size());
  return value;
}

std::string hmac_sha1(std::string_view key, std::string_view text) {
  std::string value(20, '\0');
  unsigned int length = 20;
  HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(value.data()), &length);
  return value;
}

std::string to_hex(Bytes bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::byte b : bytes) {
    const auto v = static_cast<unsigned>(b);
    out.push_back(kHex[v >> 4]);
    out.push_back(kHex[v & 15]);
  }
  return out;
}

std::string to_base64(Bytes bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(bytes.data()),
                                static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(n));
  return out;
}

std::string from_base64(std::string_view text, std::size_t bytes) {
  if (text.size() != 4 * ((bytes + 2) / 3)) return {};
  std::string out(text.size() / 4 * 3, '\0');
  const int n = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(text.data()),
                                static_cast<int>(text.size()));
  if (n < 0) return {};
  out.resize(bytes);
  // DecodeBlock neither checks where padding stands nor that unused bits are zero.
  if (to_base64(as_bytes(out)) != text) return {};
  return out;
}

std::string from_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return {};
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  return from_base64(text, text.size() / 4 * 3 - padding);
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace coffer::gateway
