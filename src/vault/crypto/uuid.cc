#include "coffer/vault/uuid.h"

#include <sodium.h>

#include "vault/crypto/random.h"
#include "vault/crypto/secret.h"

namespace coffer {

Uuid Uuid::from_bytes(Bytes bytes) {
  Uuid id;
  if (bytes.size() == kBytes) std::memcpy(id.bytes_.data(), bytes.data(), kBytes);
  return id;
}

Result<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != kTextBytes) return fail(Errc::InvalidArgument, "uuid: 32 hex digits expected");
  Uuid id;
  for (std::size_t i = 0; i < kTextBytes; ++i) {
    const char c = text[i];
    unsigned digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<unsigned>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<unsigned>(c - 'A') + 10;
    } else {
      return fail(Errc::InvalidArgument, "uuid: 32 hex digits expected");
    }
    const unsigned shift = i % 2 == 0 ? 4 : 0;
    id.bytes_[i / 2] |= static_cast<std::byte>(digit << shift);
  }
  return id;
}

std::string Uuid::to_string() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(kTextBytes);
  for (const std::byte b : bytes_) {
    text.push_back(kDigits[std::to_integer<unsigned>(b) >> 4]);
    text.push_back(kDigits[std::to_integer<unsigned>(b) & 15U]);
  }
  return text;
}

}  // namespace coffer

namespace coffer::crypto {

void fill_random(MutableBytes out) {
  ensure_sodium();
  randombytes_buf(out.data(), out.size());
}

std::uint64_t random_u64() {
  std::uint64_t value = 0;
  fill_random(std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

Uuid random_uuid() {
  std::array<std::byte, Uuid::kBytes> bytes{};
  Uuid id;
  while (id.is_nil()) {
    fill_random(bytes);
    id = Uuid(bytes);
  }
  return id;
}

}  // namespace coffer::crypto
