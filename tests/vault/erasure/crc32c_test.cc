#include "vault/erasure/crc32c.h"

#include <gtest/gtest.h>

#include <string>

namespace coffer {
namespace {

TEST(Crc32c, MatchesTheStandardVectors) {
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xE3069283U);
  EXPECT_EQ(crc32c(as_bytes("")), 0U);
  // RFC 3720 B.4: 32 bytes of zeros, of ones, and counting up.
  EXPECT_EQ(crc32c(as_bytes(std::string(32, '\0'))), 0x8A9136AAU);
  EXPECT_EQ(crc32c(as_bytes(std::string(32, '\xff'))), 0x62A8AB43U);
  std::string counting;
  for (char c = 0; c < 32; ++c) counting.push_back(c);
  EXPECT_EQ(crc32c(as_bytes(counting)), 0x46DD794EU);
}

TEST(Crc32c, ContinuesOverPieces) {
  const std::string text(10'007, 'x');
  const std::uint32_t whole = crc32c(as_bytes(text));
  for (const std::size_t cut : {0U, 1U, 7U, 4096U, 10'007U}) {
    const Bytes bytes = as_bytes(text);
    EXPECT_EQ(crc32c(bytes.subspan(cut), crc32c(bytes.first(cut))), whole) << cut;
  }
}

}  // namespace
}  // namespace coffer
