#include "vault/crypto/recovery_key.h"

#include <array>
#include <cstring>

#include "vault/crypto/kdf.h"

namespace coffer::crypto {
namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kCheckBytes = 3;
constexpr std::size_t kRawBytes = SecretKey::kBytes + kCheckBytes;  // 280 bits: 56 characters
constexpr std::size_t kCharacters = kRawBytes * 8 / 5;
constexpr std::size_t kGroup = 4;
static_assert(kRawBytes * 8 % 5 == 0 && kCharacters % kGroup == 0);

void append_check(const SecretKey& key, SecretString& raw) {
  // Derived, not a plain hash: the three bytes are printed beside the key and tell nothing of it.
  const SecretKey check = derive_key(key, "recovery key check", {});
  raw.append(as_text(check.bytes().first(kCheckBytes)));
}

/// The character's value, 0..31; 32 for none.
unsigned value_of(char c) {
  if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  if (c == 'O') c = '0';
  if (c == 'I' || c == 'L') c = '1';
  const std::size_t at = kAlphabet.find(c);
  return at == std::string_view::npos ? 32 : static_cast<unsigned>(at);
}

}  // namespace

SecretString recovery_key_text(const SecretKey& key) {
  SecretString raw(key.bytes());
  append_check(key, raw);
  SecretString text;
  unsigned held = 0;
  unsigned bits = 0;
  std::size_t count = 0;
  for (const char c : raw.view()) {
    held = (held << 8 | static_cast<unsigned char>(c)) & 0xfffU;
    bits += 8;
    for (; bits >= 5; bits -= 5) {
      if (count != 0 && count % kGroup == 0) text.push_back('-');
      text.push_back(kAlphabet[(held >> (bits - 5)) & 31U]);
      ++count;
    }
  }
  return text;
}

Result<SecretKey> parse_recovery_key(std::string_view text) {
  const auto typo = [] {
    return fail(Errc::InvalidArgument,
                "this is not a recovery key as it was printed; look for a typing error");
  };
  SecretString raw;
  unsigned held = 0;
  unsigned bits = 0;
  std::size_t count = 0;
  for (const char c : text) {
    if (c == '-' || c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
    const unsigned value = value_of(c);
    if (value > 31 || ++count > kCharacters) return typo();
    held = (held << 5 | value) & 0xfffU;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      raw.push_back(static_cast<char>(held >> bits & 0xffU));
    }
  }
  if (count != kCharacters) return typo();
  SecretKey key(raw.bytes().first(SecretKey::kBytes));
  SecretString expected(key.bytes());
  append_check(key, expected);
  if (!equal_constant_time(expected.bytes(), raw.bytes())) return typo();
  return key;
}

}  // namespace coffer::crypto
