#include "gateway/s3/checksum.h"

#include <gtest/gtest.h>

#include <random>

namespace coffer::gateway {
namespace {

std::string base64_of(ChecksumKind kind, std::string_view text) {
  Checksum checksum(kind);
  checksum.update(as_bytes(text));
  return to_base64(as_bytes(checksum.finish()));
}

// The catalogue's check values: each algorithm over "123456789".
TEST(Crc, CheckValues) {
  const Bytes check = as_bytes("123456789");
  EXPECT_EQ(crc_update(CrcKind::Crc32, 0, check), 0xCBF43926U);
  EXPECT_EQ(crc_update(CrcKind::Crc32c, 0, check), 0xE3069283U);
  EXPECT_EQ(crc_update(CrcKind::Crc64Nvme, 0, check), 0xAE8B14860A799888ULL);
}

TEST(Crc, IsTheSameHoweverItIsCut) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  std::string text(1000, '\0');
  for (char& c : text) c = static_cast<char>(random());
  for (const CrcKind kind : {CrcKind::Crc32, CrcKind::Crc32c, CrcKind::Crc64Nvme}) {
    const std::uint64_t whole = crc_update(kind, 0, as_bytes(text));
    for (int round = 0; round < 50; ++round) {
      const std::size_t cut = random() % (text.size() + 1);
      const Bytes a = as_bytes(text).first(cut);
      const Bytes b = as_bytes(text).subspan(cut);
      EXPECT_EQ(crc_update(kind, crc_update(kind, 0, a), b), whole);
      EXPECT_EQ(crc_combine(kind, crc_update(kind, 0, a), crc_update(kind, 0, b), b.size()), whole);
    }
  }
}

TEST(ChecksumTest, AsClientsSendThem) {
  EXPECT_EQ(base64_of(ChecksumKind::Crc32, "hello world"), "DUoRhQ==");
  EXPECT_EQ(base64_of(ChecksumKind::Crc32c, std::string(66560, 'a')), "sOO8/Q==");  // AWS's example
  EXPECT_EQ(base64_of(ChecksumKind::Sha1, "hello world"), "Kq5sNclPz7QV2+lfQIuc6R7oRu0=");
  EXPECT_EQ(base64_of(ChecksumKind::Sha256, ""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
  EXPECT_EQ(base64_of(ChecksumKind::Crc64Nvme, ""), "AAAAAAAAAAA=");
}

}  // namespace
}  // namespace coffer::gateway
