#include "gateway/s3/crc.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace coffer::gateway {
namespace {

// Reflected polynomials.
constexpr std::uint64_t kPolynomial32 = 0xEDB88320U;
constexpr std::uint64_t kPolynomial32c = 0x82F63B78U;
constexpr std::uint64_t kPolynomial64Nvme = 0x9A6C9329AC4BC9B5ULL;

using Tables = std::array<std::array<std::uint64_t, 256>, 8>;

/// tables[j][b]: the effect of byte b that is followed by j zero bytes.
constexpr Tables make_tables(std::uint64_t polynomial) {
  Tables tables{};
  for (std::uint64_t b = 0; b < 256; ++b) {
    std::uint64_t crc = b;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? polynomial : 0);
    tables[0][b] = crc;
  }
  for (std::size_t j = 1; j < 8; ++j) {
    for (std::size_t b = 0; b < 256; ++b) {
      const std::uint64_t before = tables[j - 1][b];
      tables[j][b] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}

constinit const Tables kTables32 = make_tables(kPolynomial32);
constinit const Tables kTables32c = make_tables(kPolynomial32c);
constinit const Tables kTables64Nvme = make_tables(kPolynomial64Nvme);

/// Slicing-by-8; `crc` is the register (inverted value).
std::uint64_t slice(const Tables& t, std::uint64_t crc, Bytes bytes) {
  const std::byte* p = bytes.data();
  std::size_t n = bytes.size();
  for (; n >= 8; n -= 8, p += 8) {
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    word ^= crc;
    crc = t[7][word & 0xff] ^ t[6][(word >> 8) & 0xff] ^ t[5][(word >> 16) & 0xff] ^
          t[4][(word >> 24) & 0xff] ^ t[3][(word >> 32) & 0xff] ^ t[2][(word >> 40) & 0xff] ^
          t[1][(word >> 48) & 0xff] ^ t[0][word >> 56];
  }
  for (; n > 0; --n, ++p) crc = (crc >> 8) ^ t[0][(crc ^ static_cast<std::uint64_t>(*p)) & 0xff];
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint64_t hardware_crc32c(std::uint64_t crc, Bytes bytes) {
  const std::byte* p = bytes.data();
  std::size_t n = bytes.size();
  for (; n >= 8; n -= 8, p += 8) {
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    crc = _mm_crc32_u64(crc, word);
  }
  for (; n > 0; --n, ++p) {
    crc = _mm_crc32_u8(static_cast<std::uint32_t>(crc), static_cast<unsigned char>(*p));
  }
  return crc;
}
#endif

std::uint64_t update_register(CrcKind kind, std::uint64_t crc, Bytes bytes) {
  switch (kind) {
    case CrcKind::Crc32:
      return slice(kTables32, crc, bytes);
    case CrcKind::Crc32c:
#if defined(__x86_64__)
      if (__builtin_cpu_supports("sse4.2") != 0) return hardware_crc32c(crc, bytes);
#endif
      return slice(kTables32c, crc, bytes);
    case CrcKind::Crc64Nvme:
      return slice(kTables64Nvme, crc, bytes);
  }
  __builtin_unreachable();
}

std::uint64_t polynomial_of(CrcKind kind) {
  switch (kind) {
    case CrcKind::Crc32:
      return kPolynomial32;
    case CrcKind::Crc32c:
      return kPolynomial32c;
    case CrcKind::Crc64Nvme:
      return kPolynomial64Nvme;
  }
  __builtin_unreachable();
}

std::uint64_t mask_of(CrcKind kind) {
  return kind == CrcKind::Crc64Nvme ? ~std::uint64_t{0} : 0xffffffffU;
}

/// a·b modulo the polynomial, both reflected (bit 0 is the highest power).
std::uint64_t multiply(std::uint64_t a, std::uint64_t b, std::uint64_t polynomial, unsigned bits) {
  std::uint64_t product = 0;
  for (std::uint64_t bit = std::uint64_t{1} << (bits - 1); bit != 0; bit >>= 1) {
    if ((a & bit) != 0) product ^= b;
    b = (b >> 1) ^ ((b & 1) != 0 ? polynomial : 0);
  }
  return product;
}

}  // namespace

std::uint64_t crc_update(CrcKind kind, std::uint64_t crc, Bytes bytes) {
  const std::uint64_t mask = mask_of(kind);
  return (update_register(kind, ~crc & mask, bytes) ^ mask) & mask;
}

std::uint64_t crc_combine(CrcKind kind, std::uint64_t crc_a, std::uint64_t crc_b,
                          std::uint64_t length_b) {
  // A's value moves up by 8·length_b powers of x; the inversions at both ends cancel out.
  const unsigned bits = kind == CrcKind::Crc64Nvme ? 64 : 32;
  const std::uint64_t polynomial = polynomial_of(kind);
  std::uint64_t power = std::uint64_t{1} << (bits - 1 - 8);  // x^8
  std::uint64_t shift = std::uint64_t{1} << (bits - 1);      // 1
  for (std::uint64_t n = length_b; n > 0; n >>= 1) {
    if ((n & 1) != 0) shift = multiply(power, shift, polynomial, bits);
    power = multiply(power, power, polynomial, bits);
  }
  return multiply(shift, crc_a, polynomial, bits) ^ crc_b;
}

}  // namespace coffer::gateway
