// The worked examples of docs/format.md §4, byte by byte.

#include <gtest/gtest.h>

#include "tests/vault/format_example.h"
#include "vault/meta/sealed_blocks.h"
#include "vault/meta/sealed_frames.h"

namespace coffer::meta {
namespace {

std::string counted(unsigned char first, std::size_t n) {
  std::string bytes;
  for (std::size_t i = 0; i < n; ++i) bytes.push_back(static_cast<char>(first + i));
  return bytes;
}

SealedIdentity example(SealedKind kind, std::uint64_t number) {
  std::string header;
  ByteWriter out(header);
  out.raw("CFRMETA\n");
  out.u16(1);
  out.u8(static_cast<std::uint8_t>(CipherId::Aes256Gcm));
  out.u8(static_cast<std::uint8_t>(kind));
  out.u32(1);
  out.raw(counted(0xa0, 16));  // vault
  out.raw(counted(0xb0, 16));  // file uid
  out.raw(counted(0xc0, 16));  // boot-id
  out.u64(number);
  return SealedIdentity::with_key(header, CipherId::Aes256Gcm,
                                  crypto::SecretKey(as_bytes(counted(0, 32))));
}

TEST(MetaFormat, SmallFileOfTheDocument) {
  const SealedIdentity identity = example(SealedKind::Small, 0);
  ASSERT_EQ(identity.header().size(), SealedIdentity::kHeaderBytes);
  std::string file = identity.header();
  BlockSealer sealer(identity);
  ASSERT_TRUE(sealer.append(as_bytes("MANIFEST-000005\n"), file));
  ASSERT_TRUE(sealer.finish(file));
  EXPECT_EQ(test::hex_dump(file), test::hex_dump(test::bytes_of_example("meta-current")));
}

TEST(MetaFormat, FrameOfTheDocument) {
  const SealedIdentity identity = example(SealedKind::Log, 7);
  std::string file = identity.header();
  FrameSealer sealer(identity);
  std::string previous;
  ByteWriter(previous).u64(4);
  ASSERT_TRUE(sealer.seal({.position = 41, .commits = 0, .synced_upto = 41}, previous, {}, file));
  ASSERT_TRUE(sealer.seal(
      {.position = 42, .commits = 1, .synced_upto = 41, .peer_number = 5, .peer_frames = 3}, {},
      "rows", file));
  EXPECT_EQ(test::hex_dump(file.substr(SealedIdentity::kHeaderBytes)),
            test::hex_dump(test::bytes_of_example("meta-log")));
}

}  // namespace
}  // namespace coffer::meta
