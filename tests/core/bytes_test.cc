#include "coffer/core/bytes.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace coffer {
namespace {

TEST(ByteWriter, WritesLittleEndianAndBigEndianForKeys) {
  std::string out;
  ByteWriter writer(out);
  writer.u16(0x0102);
  writer.u32(0x03040506);
  writer.u64_big_endian(0x0708);
  EXPECT_EQ(out, std::string("\x02\x01\x06\x05\x04\x03\0\0\0\0\0\0\x07\x08", 14));
}

TEST(ByteReader, ReadsBackWhatWasWritten) {
  std::string out;
  ByteWriter writer(out);
  writer.u8(255);
  writer.i64(-2);
  writer.u32_big_endian(7);
  writer.prefixed("name");
  for (const std::uint64_t v :
       {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, UINT64_MAX}) {
    writer.varint(v);
  }
  ByteReader reader(out);
  EXPECT_EQ(reader.u8(), 255);
  EXPECT_EQ(reader.i64(), -2);
  EXPECT_EQ(__builtin_bswap32(reader.u32()), 7U);
  EXPECT_EQ(reader.prefixed(), "name");
  EXPECT_EQ(reader.varint(), 0U);
  EXPECT_EQ(reader.varint(), 127U);
  EXPECT_EQ(reader.varint(), 128U);
  EXPECT_EQ(reader.varint(), UINT64_MAX);
  EXPECT_TRUE(reader.ok());
  EXPECT_TRUE(reader.at_end());
}

TEST(ByteReader, AfterAShortReadEveryReadGivesZero) {
  ByteReader reader(std::string_view("\x01\x02\x03", 3));
  EXPECT_EQ(reader.u32(), 0U);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u8(), 0);
  EXPECT_EQ(reader.varint(), 0U);
  EXPECT_TRUE(reader.prefixed().empty());
}

TEST(ByteReader, RefusesLengthsBeyondTheEndAndOverlongVarints) {
  ByteReader length(
      std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                       "abc"));
  EXPECT_TRUE(length.prefixed().empty());
  EXPECT_FALSE(length.ok());

  ByteReader overflow(std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));
  EXPECT_EQ(overflow.varint(), 0U);
  EXPECT_FALSE(overflow.ok());

  ByteReader torn(std::string_view("\xff\xff"));
  EXPECT_EQ(torn.varint(), 0U);
  EXPECT_FALSE(torn.ok());
}

}  // namespace
}  // namespace coffer
