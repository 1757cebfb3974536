// The bytes on disk, frozen in docs/format.md §3.
#include <algorithm>
#include <numeric>

#include "store_fixture.h"
#include "tests/vault/format_example.h"
#include "vault/segment/owner_index.h"
#include "vault/segment/stripe_header.h"

namespace coffer::test {
namespace {

Uuid counted_uuid(std::uint8_t first) {
  std::array<std::byte, 16> bytes;
  for (std::size_t i = 0; i < 16; ++i) bytes[i] = static_cast<std::byte>(first + i);
  return Uuid(bytes);
}

const VaultUuid kVault{counted_uuid(0x10)};
const SegmentUid kSegment{counted_uuid(0x60)};

SegmentKeyPair example_keys() {
  std::array<std::byte, 32> key;
  for (std::size_t i = 0; i < 32; ++i) key[i] = static_cast<std::byte>(i);
  return derive_segment_keys(crypto::SecretKey(key), kSegment);
}

/// "hello" of inode 7 at 4096 in a stripe of 2+1: what data shard 0's file holds.
std::string example_shard() {
  const SegmentCipher cipher(kVault, kSegment, CipherId::Aes256Gcm, example_keys(), {});
  OwnerIndex owners;
  owners.add({0, 0, 0, 5, InodeId(7), ByteOffset(4096)});
  const std::string& index = owners.encoded();
  std::string file(kStripeHeaderBytes + 21 + index.size() + 16, '\0');
  const MutableBytes all(reinterpret_cast<std::byte*>(file.data()), file.size());
  const MutableBytes payload = all.subspan(kStripeHeaderBytes);
  EXPECT_TRUE(cipher.seal(0, as_bytes("hello"), payload.first(21)));
  EXPECT_TRUE(cipher.seal(1, as_bytes(index), payload.subspan(21)));
  StripeHeader header;
  header.vault = kVault;
  header.segment_uid = kSegment;
  header.segment = SegmentId(5);
  header.data_epoch = 1;
  header.k = 2;
  header.m = 1;
  header.members = {0, 1, 2};
  header.ordinals = 2;
  header.payload_bytes = static_cast<std::uint32_t>(payload.size());
  header.index_offset = 21;
  header.index_sealed_bytes = static_cast<std::uint32_t>(index.size()) + 16;
  header.index_ordinal = 1;
  header.data_bytes[0] = header.payload_bytes;
  checksum_pieces(header, payload);
  encode_stripe_header(header, cipher.header_mac(), all.first(kStripeHeaderBytes));
  const auto decoded = decode_stripe_header(all.first(kStripeHeaderBytes));
  EXPECT_TRUE(decoded && *decoded == header);
  return file;
}

std::string without_zero_rows(const std::string& bytes) {
  std::string kept;
  for (std::size_t at = 0; at < bytes.size(); at += 16) {
    const std::string row = bytes.substr(at, 16);
    if (row.find_first_not_of('\0') != std::string::npos) kept += row;
  }
  return kept;
}

TEST(SegmentFormat, AShardIsAsTheDocumentShowsIt) {
  const std::string shard = example_shard();
  EXPECT_EQ(without_zero_rows(shard), bytes_of_example("stripe-1")) << hex_dump(shard);
}

TEST(SegmentFormat, EveryFlippedBitOfAHeaderIsRefused) {
  const std::string shard = example_shard();
  for (std::size_t bit = 0; bit < kStripeHeaderBytes * 8; ++bit) {
    std::string bad = shard.substr(0, kStripeHeaderBytes);
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    ASSERT_FALSE(decode_stripe_header(as_bytes(bad))) << "bit " << bit;
  }
}

TEST(SegmentFormat, AHeaderIsAuthenticUnderItsSegmentsKeyOnly) {
  const std::string shard = example_shard();
  const Bytes header = as_bytes(shard).first(kStripeHeaderBytes);
  EXPECT_TRUE(stripe_header_authentic(header, crypto::KeyedMac(example_keys().header_mac)));
  EXPECT_FALSE(stripe_header_authentic(header, crypto::KeyedMac(example_keys().chunks)));
}

TEST(SegmentFormat, PlacesReferencesOwnersAndInfosReadBack) {
  const Place place{SegmentId(1U << 20), 1000, 3, 500'000, 70'000, 100'000};
  const Reference reference{InodeId(77), ByteOffset(1ULL << 40), ByteCount(99), place, 12};
  SegmentInfo info;
  info.id = SegmentId(9);
  info.uid = kSegment;
  info.k = 2;
  info.m = 1;
  info.members = {4, 0, 9};
  info.data_epoch = 3;
  info.state = SegmentInfo::State::Sealed;
  info.shard_bytes_max = 1U << 26;
  std::string bytes;
  ByteWriter out(bytes);
  encode_reference(out, reference);
  encode_segment_info(out, info);
  ByteReader in(bytes);
  const Reference back = decode_reference(in);
  const SegmentInfo info_back = decode_segment_info(SegmentId(9), in);
  ASSERT_TRUE(in.ok() && in.at_end());
  EXPECT_EQ(back.place, place);
  EXPECT_EQ(back.inode, reference.inode);
  EXPECT_EQ(back.offset, reference.offset);
  EXPECT_EQ(back.length, reference.length);
  EXPECT_EQ(back.skip, 12U);
  EXPECT_EQ(info_back.uid, info.uid);
  EXPECT_EQ(info_back.members, info.members);
  EXPECT_EQ(info_back.state, info.state);
  EXPECT_EQ(info_back.shard_bytes_max, info.shard_bytes_max);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    ByteReader cut_short(std::string_view(bytes).substr(0, cut));
    decode_reference(cut_short);
    decode_segment_info(SegmentId(9), cut_short);
    EXPECT_FALSE(cut_short.ok()) << cut;
  }
}

}  // namespace
}  // namespace coffer::test
