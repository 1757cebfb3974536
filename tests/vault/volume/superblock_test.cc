#include "vault/volume/superblock.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/vault/format_example.h"
#include "vault/crypto/key_ring.h"
#include "vault/crypto/random.h"
#include "vault/volume/lock_record.h"

namespace coffer {
namespace {

using crypto::KeyedMac;
using crypto::SecretKey;

Uuid uuid_of(unsigned char first) {
  std::array<std::byte, 16> bytes{};
  for (std::byte& b : bytes) b = std::byte{first++};
  return Uuid(bytes);
}

Superblock sample() {
  Superblock sb;
  sb.vault = VaultUuid(uuid_of(0x10));
  sb.volume = VolumeUuid(uuid_of(0x30));
  sb.sequence = 7;
  sb.epoch = EpochId(3);
  sb.created_unix_s = 1700000000;
  sb.data_shards = 1;
  sb.parity_shards = 1;
  sb.clean = true;
  sb.next_inode_hint = 4097;
  sb.next_segment_hint = 12;
  sb.mac_key_epoch = crypto::KeyEpoch(1);
  sb.key_store_generation = 2;
  sb.key_store_digest.fill(std::byte{0xaa});
  sb.ancestors.resize(2);
  sb.ancestors[0].fill(std::byte{0xbb});
  sb.ancestors[1].fill(std::byte{0xcc});
  sb.members = {
      {VolumeUuid(uuid_of(0x30)), 0, MemberState::Current, {}, {}, "/mnt/a"},
      {VolumeUuid(uuid_of(0x50)), 1, MemberState::Absent, EpochId(3), sb.ancestors[0], ""}};
  sb.mirrors = {{VolumeUuid(uuid_of(0x30)), DirectoryUid(uuid_of(0x70))}};
  return sb;
}

KeyedMac sample_mac() { return KeyedMac(SecretKey()); }

std::string sample_bytes() { return encode(sample(), sample_mac()).value(); }

/// Mends the checksum, which needs no key.
std::string resummed(std::string bytes) {
  bytes.resize(16368);
  bytes.append(as_text(crypto::checksum(as_bytes(bytes))));
  return bytes;
}

TEST(Superblock, GoesToDiskAndBack) {
  const std::string bytes = sample_bytes();
  EXPECT_EQ(Superblock::kBytes, bytes.size());
  EXPECT_EQ(sample(), parse_superblock(as_bytes(bytes)).value());
  EXPECT_TRUE(verify_superblock_mac(as_bytes(bytes), sample_mac()));
}

TEST(Superblock, IsTheExampleOfTheFormatDocument) {
  std::string example = test::bytes_of_example("superblock-1");
  ASSERT_EQ(438U, example.size())
      << "the body, then MAC and checksum; the zeros between are left out";
  example.insert(390, 16336 - 390, '\0');
  EXPECT_EQ(test::hex_dump(example), test::hex_dump(sample_bytes()));
  EXPECT_EQ(sample(), parse_superblock(as_bytes(example)).value());
}

TEST(LockRecord, IsTheExampleOfTheFormatDocument) {
  const LockRecord record{uuid_of(1), uuid_of(0x21), SessionUuid(uuid_of(0x41)), 42};
  EXPECT_EQ(test::hex_dump(test::bytes_of_example("lock-record-1")),
            test::hex_dump(encode(record)));
}

TEST(Superblock, EveryChangedByteIsNoticedWithoutAKey) {
  const std::string good = sample_bytes();
  for (std::size_t i = 0; i < good.size(); i += i < 600 || i > 16300 ? 1 : 97) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 4);
    const auto parsed = parse_superblock(as_bytes(bad));
    ASSERT_FALSE(parsed) << i;
    EXPECT_EQ(Errc::Corrupt, parsed.error().code) << i;
  }
}

TEST(Superblock, EveryFieldIsUnderTheMac) {
  const std::string good = sample_bytes();
  for (std::size_t i = 0; i < 16368; i += i < 600 || i > 16300 ? 1 : 97) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 4);
    bad = resummed(bad);
    const auto verified = verify_superblock_mac(as_bytes(bad), sample_mac());
    ASSERT_FALSE(verified) << i;
    EXPECT_EQ(Errc::AuthenticationFailed, verified.error().code);
  }
  EXPECT_FALSE(verify_superblock_mac(as_bytes(good), KeyedMac(SecretKey::random())));
}

TEST(Superblock, TruncatedAndForeignBytesAreRefused) {
  const std::string good = sample_bytes();
  for (const std::size_t size : {0, 1, 8, 168, 4096, 16383}) {
    EXPECT_FALSE(parse_superblock(as_bytes(good).first(size)));
    EXPECT_FALSE(verify_superblock_mac(as_bytes(good).first(size), sample_mac()));
  }
  EXPECT_FALSE(parse_superblock(as_bytes(good + good)));
  EXPECT_FALSE(parse_superblock(as_bytes(std::string(Superblock::kBytes, '\0'))));
}

TEST(Superblock, HostileBytesWithAGoodChecksumNeverBreakTheParser) {
  const std::uint64_t seed = crypto::random_u64();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::uint64_t state = seed | 1;
  const auto next = [&] {
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
  };
  const std::string good = sample_bytes();
  int accepted = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string bad = good;
    for (int n = 0; n < 3; ++n) bad[8 + next() % 500] = static_cast<char>(next());
    bad = resummed(bad);
    const auto parsed = parse_superblock(as_bytes(bad));
    if (!parsed) continue;
    ++accepted;
    // What is accepted is sound enough to be written again, and reads the same.
    EXPECT_EQ(*parsed, parse_superblock(as_bytes(encode(*parsed, sample_mac()).value())).value());
  }
  EXPECT_LT(accepted, 3000);
}

TEST(Superblock, NewerFormatsAndUnknownFeaturesAreToldFromDamage) {
  const auto with = [](std::size_t at, char value) {
    std::string bytes = sample_bytes();
    bytes[at] = value;
    return parse_superblock(as_bytes(resummed(bytes)));
  };
  EXPECT_TRUE(with(8, 2)) << "a newer writer that we may read";
  std::string newer = sample_bytes();
  newer[8] = 2;
  newer[10] = 2;
  EXPECT_EQ(Errc::NotSupported, parse_superblock(as_bytes(resummed(newer))).error().code);
  EXPECT_EQ(Errc::Corrupt, with(10, 2).error().code) << "no one writes less than he can read";
  EXPECT_EQ(Errc::NotSupported, with(16, 1).error().code) << "incompatible";
  EXPECT_TRUE(with(24, 1).value().must_be_read_only());
  EXPECT_FALSE(with(32, 1).value().must_be_read_only());
  EXPECT_EQ(Errc::NotSupported, with(98, 9).error().code) << "cipher";
}

TEST(Superblock, OnlyANewerWriterMayAddToTheBody) {
  std::string bytes = sample_bytes();
  bytes[12] = static_cast<char>(bytes[12] + 8);
  EXPECT_FALSE(parse_superblock(as_bytes(resummed(bytes))));
  bytes[8] = 2;
  EXPECT_EQ(sample(), parse_superblock(as_bytes(resummed(bytes))).value());
}

TEST(Superblock, InconsistentConfigurationsAreNeverWritten) {
  const auto refused = [](auto change) {
    Superblock sb = sample();
    change(sb);
    return !encode(sb, sample_mac());
  };
  EXPECT_TRUE(refused([](Superblock& sb) { sb.vault = {}; }));
  EXPECT_TRUE(refused([](Superblock& sb) { sb.volume = VolumeUuid(uuid_of(1)); }));
  EXPECT_TRUE(refused([](Superblock& sb) { sb.epoch = EpochId(0); }));
  EXPECT_TRUE(refused([](Superblock& sb) { sb.epoch = EpochId(2); }))
      << "more ancestors than epochs";
  EXPECT_TRUE(refused([](Superblock& sb) { sb.data_shards = 0; }));
  EXPECT_TRUE(refused([](Superblock& sb) { sb.parity_shards = 32; }));
  EXPECT_TRUE(refused([](Superblock& sb) { sb.chunk_bytes = 0; }));
  EXPECT_TRUE(refused([](Superblock& sb) { sb.members.clear(); }));
  EXPECT_TRUE(refused([](Superblock& sb) { sb.members[1].volume = sb.members[0].volume; }));
  EXPECT_TRUE(refused([](Superblock& sb) { sb.members[1].index = 0; }));
  EXPECT_TRUE(refused([](Superblock& sb) { sb.mirrors[0].volume = VolumeUuid(uuid_of(1)); }));
  EXPECT_TRUE(refused([](Superblock& sb) { sb.members[0].path_hint.resize(1024); }));
  EXPECT_FALSE(refused([](Superblock& sb) { sb.members[0].path_hint.resize(1023); }));
}

TEST(Superblock, TheLargestVaultFits) {
  Superblock sb = sample();
  sb.epoch = EpochId(1000);
  sb.ancestors.resize(Superblock::kAncestorsMax);
  sb.members.clear();
  sb.mirrors.clear();
  for (std::size_t i = 0; i < Superblock::kMembersMax; ++i) {
    const VolumeUuid id(uuid_of(static_cast<unsigned char>(i + 1)));
    sb.members.push_back(
        {id, static_cast<std::uint8_t>(i), MemberState::Current, {}, {}, std::string(120, 'p')});
    sb.mirrors.push_back({id, DirectoryUid(uuid_of(1))});
  }
  sb.volume = sb.members[0].volume;
  EXPECT_EQ(sb, parse_superblock(as_bytes(encode(sb, sample_mac()).value())).value());
  for (Member& member : sb.members) member.path_hint.resize(1000);
  EXPECT_EQ(Errc::TooLarge, encode(sb, sample_mac()).error().code);
}

TEST(Superblock, TheMacKeyComesFromTheRing) {
  crypto::KeyRing ring = crypto::KeyRing::create(0);
  const KeyedMac mac = superblock_mac(ring, crypto::KeyEpoch(1), sample().vault).value();
  const std::string bytes = encode(sample(), mac).value();
  EXPECT_TRUE(verify_superblock_mac(as_bytes(bytes), mac));
  ASSERT_TRUE(ring.add_epoch(crypto::KeyKind::Metadata, 0));
  EXPECT_FALSE(verify_superblock_mac(
      as_bytes(bytes), superblock_mac(ring, crypto::KeyEpoch(2), sample().vault).value()));
  EXPECT_EQ(Errc::NotFound, superblock_mac(ring, crypto::KeyEpoch(3), sample().vault).error().code);
}

TEST(SuperblockCopies, TheNewerValidOneIsChosen) {
  Superblock older = sample();
  Superblock newer = sample();
  newer.sequence = 8;
  const std::string a = encode(newer, sample_mac()).value();
  const std::string b = encode(older, sample_mac()).value();
  const auto chosen = choose_copy(as_bytes(a), as_bytes(b)).value();
  EXPECT_EQ(8U, chosen.superblock.sequence);
  EXPECT_EQ(0, chosen.slot);
  EXPECT_EQ(1, choose_copy(as_bytes(b), as_bytes(a)).value().slot);
  EXPECT_EQ("superblock.0", superblock_file_name(superblock_slot(8)));
  EXPECT_EQ("superblock.1", superblock_file_name(superblock_slot(9)));
}

TEST(SuperblockCopies, ATornWriteLeavesTheOtherOne) {
  const std::string good = sample_bytes();
  for (const std::size_t size : {0, 100, 4096, 16383}) {
    std::string torn = good;
    torn.resize(size);
    EXPECT_EQ(1, choose_copy(as_bytes(torn), as_bytes(good)).value().slot);
    torn.resize(Superblock::kBytes, '\0');
    EXPECT_EQ(0, choose_copy(as_bytes(good), as_bytes(torn)).value().slot);
    EXPECT_EQ(Errc::Corrupt, choose_copy(as_bytes(torn), {}).error().code);
  }
}

TEST(SuperblockCopies, OfDifferentVolumesAreRefused) {
  Superblock other = sample();
  other.volume = other.members[1].volume;
  EXPECT_FALSE(
      choose_copy(as_bytes(sample_bytes()), as_bytes(encode(other, sample_mac()).value())));
}

TEST(ConfigurationDigest, CoversWhatVolumesAgreeOnAndNothingElse) {
  const crypto::Digest digest = configuration_digest(sample());
  const auto changes = [&](auto change) {
    Superblock sb = sample();
    change(sb);
    return configuration_digest(sb) != digest;
  };
  EXPECT_TRUE(changes([](Superblock& sb) { sb.epoch = EpochId(4); }));
  EXPECT_TRUE(changes([](Superblock& sb) { sb.ancestors[0][3] ^= std::byte{1}; }));
  EXPECT_TRUE(changes([](Superblock& sb) { sb.members[1].state = MemberState::Stale; }));
  EXPECT_TRUE(changes([](Superblock& sb) { sb.mirrors.clear(); }));
  EXPECT_TRUE(changes([](Superblock& sb) { sb.key_store_digest[0] ^= std::byte{1}; }));
  EXPECT_TRUE(changes([](Superblock& sb) { sb.cipher = CipherId::XChaCha20Poly1305; }));
  EXPECT_FALSE(changes([](Superblock& sb) { sb.volume = sb.members[1].volume; }));
  EXPECT_FALSE(changes([](Superblock& sb) { sb.sequence = 99; }));
  EXPECT_FALSE(changes([](Superblock& sb) { sb.clean = false; }));
  EXPECT_FALSE(changes([](Superblock& sb) { sb.members[0].path_hint = "/elsewhere"; }));
}

TEST(LockRecord, GoesToDiskAndBackAndNoticesDamage) {
  const LockRecord record{uuid_of(1), uuid_of(0x21), SessionUuid(uuid_of(0x41)), 42};
  const std::string bytes = encode(record);
  ASSERT_EQ(LockRecord::kBytes, bytes.size());
  EXPECT_EQ(record, parse_lock_record(as_bytes(bytes)).value());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string bad = bytes;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_EQ(Errc::Corrupt, parse_lock_record(as_bytes(bad)).error().code) << i;
    EXPECT_FALSE(parse_lock_record(as_bytes(bytes).first(i)));
  }
}

}  // namespace
}  // namespace coffer
