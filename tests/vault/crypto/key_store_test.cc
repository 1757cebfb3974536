#include "vault/crypto/key_store.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <string>

#include "tests/vault/format_example.h"
#include "vault/crypto/random.h"
#include "vault/crypto/recovery_key.h"

namespace coffer::crypto {
namespace {

constexpr std::int64_t kNow = 1700000000;

Credential credential(SlotKind kind, std::string_view secret) {
  return {kind, SecretString(secret)};
}
Credential passphrase(std::string_view text) { return credential(SlotKind::Passphrase, text); }

class KeyStoreTest : public testing::Test {
 protected:
  VaultUuid vault_{random_uuid()};
  SecretKey master_ = SecretKey::random();
  KeyRing ring_ = KeyRing::create(kNow);

  KeySlots slots_with(std::string_view text) {
    KeySlots slots(vault_);
    EXPECT_TRUE(slots.add(passphrase(text), kKdfCostMinimum, master_, kNow));
    return slots;
  }
  std::string store_bytes() {
    KeyStore store(vault_);
    store.slots() = slots_with("open sesame");
    return store.encode_next(master_, ring_).value();
  }
};

using KeySlotsTest = KeyStoreTest;
using KeyRingTest = KeyStoreTest;

TEST_F(KeySlotsTest, EveryKindOpensItsSlotAndNothingElseDoes) {
  const SecretKey recovery = SecretKey::random();
  KeySlots slots(vault_);
  const std::string text(recovery_key_text(recovery).view());
  ASSERT_TRUE(slots.add(passphrase("open sesame"), kKdfCostMinimum, master_, kNow));
  ASSERT_TRUE(slots.add(credential(SlotKind::KeyFile, std::string("\0key\xff", 5)), kKdfCostMinimum,
                        master_, kNow));
  ASSERT_TRUE(slots.add(credential(SlotKind::Recovery, text), kKdfCostMinimum, master_, kNow));
  const KeySlots read = KeySlots::parse(vault_, as_bytes(slots.encode())).value();
  EXPECT_TRUE(read.unlock(passphrase("open sesame")).value().equals(master_));
  EXPECT_TRUE(read.unlock(credential(SlotKind::KeyFile, std::string("\0key\xff", 5)))
                  .value()
                  .equals(master_));
  EXPECT_TRUE(read.unlock(credential(SlotKind::Recovery, text)).value().equals(master_));
  for (const std::string wrong : {"open sesam", "Open sesame", "open sesame ", "", "\0key\xff"}) {
    EXPECT_EQ(Errc::WrongKey, read.unlock(passphrase(wrong)).error().code);
  }
  EXPECT_EQ(Errc::WrongKey, read.unlock(credential(SlotKind::KeyFile, "open sesame")).error().code);
  EXPECT_EQ(Errc::WrongKey, read.unlock(credential(SlotKind::Recovery, "ABCD")).error().code);
}

TEST_F(KeySlotsTest, ARecoveryKeyWithATypoMakesNoSlot) {
  KeySlots slots(vault_);
  EXPECT_EQ(Errc::InvalidArgument,
            slots.add(credential(SlotKind::Recovery, "ABCD"), kKdfCostMinimum, master_, kNow)
                .error()
                .code);
  EXPECT_EQ(Errc::InvalidArgument,
            slots.add(passphrase(""), kKdfCostMinimum, master_, kNow).error().code);
}

TEST_F(KeySlotsTest, NoByteOfASlotCanBeChanged) {
  const std::string good = slots_with("open sesame").encode();
  ASSERT_EQ(kSlotBytes, good.size());
  for (std::size_t i = 0; i < good.size(); ++i) {
    // The cost's high bytes would be refused for their size alone; the low ones are the downgrade.
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    const auto slots = KeySlots::parse(vault_, as_bytes(bad));
    if (!slots) continue;
    const auto master = slots->unlock(passphrase("open sesame"));
    ASSERT_FALSE(master) << "byte " << i;
    EXPECT_TRUE(master.error().code == Errc::WrongKey ||
                master.error().code == Errc::AuthenticationFailed)
        << "byte " << i;
  }
}

TEST_F(KeySlotsTest, ALoweredArgon2CostOpensNothing) {
  KeySlots slots(vault_);
  ASSERT_TRUE(slots.add(passphrase("open sesame"), KdfCost{2, 16384}, master_, kNow));
  std::string bytes = slots.encode();
  ASSERT_EQ(2, bytes[4]);
  bytes[4] = 1;
  const KeySlots lowered = KeySlots::parse(vault_, as_bytes(bytes)).value();
  EXPECT_EQ(1U, lowered.list()[0].cost.operations);
  EXPECT_EQ(Errc::WrongKey, lowered.unlock(passphrase("open sesame")).error().code);
}

TEST_F(KeySlotsTest, TheWrapItselfIsBoundToAllParameters) {
  // Creation time and public key do not enter Argon2id: only the wrap's AAD can notice them before
  // the MAC does, whose key comes out of the wrap.
  const std::string good = slots_with("open sesame").encode();
  for (const std::size_t at : {16, 23, 40, 71}) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    const KeySlots slots = KeySlots::parse(vault_, as_bytes(bad)).value();
    EXPECT_EQ(Errc::WrongKey, slots.unlock(passphrase("open sesame")).error().code) << at;
  }
}

TEST_F(KeySlotsTest, ASlotOfAnotherVaultDoesNotOpen) {
  const std::string bytes = slots_with("open sesame").encode();
  const KeySlots moved = KeySlots::parse(VaultUuid(random_uuid()), as_bytes(bytes)).value();
  EXPECT_EQ(Errc::WrongKey, moved.unlock(passphrase("open sesame")).error().code);
}

TEST_F(KeySlotsTest, HostileBytesAreRefusedBeforeArgon2) {
  const std::string good = slots_with("open sesame").encode();
  const auto with = [&](std::size_t at, std::string_view bytes) {
    std::string bad = good;
    bad.replace(at, bytes.size(), bytes);
    return KeySlots::parse(vault_, as_bytes(bad));
  };
  using namespace std::string_view_literals;
  EXPECT_FALSE(with(0, "\0"sv));                    // kind
  EXPECT_FALSE(with(0, "\4"sv));                    // kind
  EXPECT_FALSE(with(1, "\x20"sv));                  // id
  EXPECT_FALSE(with(2, "\2"sv));                    // version
  EXPECT_FALSE(with(4, "\0\0\0\0"sv));              // operations
  EXPECT_FALSE(with(4, "\x11\0\0\0"sv));            // operations
  EXPECT_FALSE(with(8, "\xff\x1f\0\0\0\0\0\0"sv));  // memory
  EXPECT_FALSE(with(8, "\1\0\0\x40\0\0\0\0"sv));    // memory
  EXPECT_FALSE(with(8, "\xff\xff\xff\xff\xff\xff\xff\xff"sv));
  EXPECT_FALSE(KeySlots::parse(vault_, as_bytes(good).first(kSlotBytes - 1)));
  EXPECT_FALSE(KeySlots::parse(vault_, as_bytes(good + good))) << "one id twice";
  std::string many;
  for (std::size_t i = 0; i <= kSlotsMax; ++i) {
    many += good;
    many[i * kSlotBytes + 1] = static_cast<char>(i % kSlotsMax);
  }
  EXPECT_FALSE(KeySlots::parse(vault_, as_bytes(many)));
  EXPECT_TRUE(KeySlots::parse(vault_, as_bytes(many).first(kSlotsMax * kSlotBytes)));
}

TEST_F(KeySlotsTest, ANewMasterReachesEverySlotWithoutPassphrases) {
  KeySlots slots = slots_with("one");
  ASSERT_TRUE(slots.add(passphrase("two"), kKdfCostMinimum, master_, kNow));
  const SecretKey next = SecretKey::random();
  const SecretKey third = SecretKey::random();
  EXPECT_EQ(Errc::AuthenticationFailed, slots.reseal_master(next, third).error().code);
  EXPECT_TRUE(slots.unlock(passphrase("one")).value().equals(master_)) << "unchanged by a failure";
  ASSERT_TRUE(slots.reseal_master(master_, next));
  EXPECT_TRUE(slots.unlock(passphrase("one")).value().equals(next));
  EXPECT_TRUE(slots.unlock(passphrase("two")).value().equals(next));
  EXPECT_FALSE(slots.reseal_master(master_, third)) << "the old master is of no more use";
  ASSERT_TRUE(slots.reseal_master(next, third));
  EXPECT_TRUE(slots.unlock(passphrase("two")).value().equals(third));
}

TEST_F(KeySlotsTest, AStrangersMasterCannotBeSlippedIn) {
  // The public key is public: anyone can make a box for it. Only the MAC says whose box it is.
  std::string bytes = slots_with("mine").encode();
  const SecretKey strangers = SecretKey::random();
  const auto at = [&](std::size_t offset) {
    return reinterpret_cast<unsigned char*>(bytes.data()) + offset;
  };
  ASSERT_EQ(
      0, crypto_box_seal(at(176), reinterpret_cast<const unsigned char*>(strangers.bytes().data()),
                         SecretKey::kBytes, at(40)));
  const KeySlots forged = KeySlots::parse(vault_, as_bytes(bytes)).value();
  EXPECT_EQ(Errc::AuthenticationFailed, forged.unlock(passphrase("mine")).error().code);
}

TEST_F(KeySlotsTest, ADamagedSlotDoesNotHideAGoodOne) {
  KeySlots slots = slots_with("same");
  ASSERT_TRUE(slots.add(passphrase("same"), kKdfCostMinimum, master_, kNow));
  std::string bytes = slots.encode();
  bytes[340] = static_cast<char>(bytes[340] ^ 1);  // in the first one's MAC
  const KeySlots damaged = KeySlots::parse(vault_, as_bytes(bytes)).value();
  EXPECT_TRUE(damaged.unlock(passphrase("same")).value().equals(master_));
}

TEST_F(KeySlotsTest, SlotsAreAddedListedAndRemovedButNotTheLast) {
  KeySlots slots = slots_with("zero");
  for (std::size_t i = 1; i < kSlotsMax; ++i) {
    ASSERT_EQ(i, slots.add(passphrase("other"), kKdfCostMinimum, master_, kNow).value().value());
  }
  EXPECT_EQ(Errc::TooLarge,
            slots.add(passphrase("more"), kKdfCostMinimum, master_, kNow).error().code);
  ASSERT_TRUE(slots.remove(SlotId(7)));
  EXPECT_EQ(Errc::NotFound, slots.remove(SlotId(7)).error().code);
  EXPECT_EQ(7U, slots.add(passphrase("seven"), kKdfCostMinimum, master_, kNow).value().value());
  for (std::uint8_t i = 1; i < kSlotsMax; ++i) ASSERT_TRUE(slots.remove(SlotId(i)));
  EXPECT_EQ(Errc::Permission, slots.remove(SlotId(0)).error().code);
  ASSERT_EQ(1U, slots.list().size());
  EXPECT_EQ(kNow, slots.list()[0].created_unix_s);
  EXPECT_EQ(kKdfCostMinimum, slots.list()[0].cost);
  EXPECT_EQ(Errc::InvalidArgument, slots.add(passphrase("x"), {0, 0}, master_, kNow).error().code);
}

TEST_F(KeyRingTest, EpochsGrowRetireAndAreDestroyed) {
  const SecretKey first = ring_.active(KeyKind::Data).copy();
  EXPECT_EQ(KeyEpoch(1), ring_.active_epoch(KeyKind::Data));
  EXPECT_FALSE(first.equals(ring_.active(KeyKind::Metadata)));
  EXPECT_EQ(Errc::Permission, ring_.destroy_epoch(KeyKind::Data, KeyEpoch(1)).error().code);
  EXPECT_EQ(KeyEpoch(2), ring_.add_epoch(KeyKind::Data, kNow).value());
  EXPECT_EQ(KeyEpoch(1), ring_.active_epoch(KeyKind::Metadata));
  EXPECT_TRUE((*ring_.key(KeyKind::Data, KeyEpoch(1)))->equals(first));
  EXPECT_FALSE(ring_.active(KeyKind::Data).equals(first));
  ASSERT_TRUE(ring_.destroy_epoch(KeyKind::Data, KeyEpoch(1)));
  EXPECT_EQ(Errc::NotFound, ring_.key(KeyKind::Data, KeyEpoch(1)).error().code);
  EXPECT_EQ(Errc::NotFound, ring_.key(KeyKind::Data, KeyEpoch(9)).error().code);
  EXPECT_EQ(KeyEpoch(3), ring_.add_epoch(KeyKind::Data, kNow).value()) << "numbers are not reused";

  const std::string sealed = ring_.seal(master_, vault_).value();
  EXPECT_EQ(std::string::npos, sealed.find(as_text(ring_.active(KeyKind::Data).bytes())));
  const KeyRing read = KeyRing::open(master_, vault_, as_bytes(sealed)).value();
  EXPECT_EQ(4U, read.list().size());
  EXPECT_EQ(Errc::NotFound, read.key(KeyKind::Data, KeyEpoch(1)).error().code);
  EXPECT_EQ(EpochState::Retiring, read.list()[2].state);
  EXPECT_TRUE(read.active(KeyKind::Data).equals(ring_.active(KeyKind::Data)));
  EXPECT_TRUE(read.active(KeyKind::Metadata).equals(ring_.active(KeyKind::Metadata)));
}

TEST_F(KeyRingTest, OpensOnlyUnderItsMasterInItsVault) {
  const std::string sealed = ring_.seal(master_, vault_).value();
  EXPECT_FALSE(KeyRing::open(SecretKey::random(), vault_, as_bytes(sealed)));
  EXPECT_FALSE(KeyRing::open(master_, VaultUuid(random_uuid()), as_bytes(sealed)));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    EXPECT_FALSE(KeyRing::open(master_, vault_, as_bytes(sealed).first(i)));
  }
}

TEST_F(KeyRingTest, EveryPurposeHasItsOwnKey) {
  const SecretKey& epoch = ring_.active(KeyKind::Data);
  const Uuid uid = random_uuid();
  const SecretKey keys[] = {
      segment_key(epoch, SegmentUid(uid)), segment_header_mac_key(epoch, SegmentUid(uid)),
      file_key(epoch, FileUid(uid)), superblock_mac_key(epoch, VaultUuid(uid)),
      segment_key(epoch, SegmentUid(random_uuid()))};
  for (const SecretKey& a : keys) {
    for (const SecretKey& b : keys) EXPECT_EQ(&a == &b, a.equals(b));
  }
}

TEST_F(KeyStoreTest, GoesToDiskAndBack) {
  const KeyStore store = KeyStore::parse(as_bytes(store_bytes())).value();
  EXPECT_EQ(vault_, store.vault());
  EXPECT_EQ(1U, store.generation());
  const UnlockedKeys keys = store.unlock(passphrase("open sesame")).value();
  EXPECT_TRUE(keys.master.equals(master_));
  EXPECT_TRUE(keys.ring.active(KeyKind::Data).equals(ring_.active(KeyKind::Data)));
  EXPECT_EQ(Errc::WrongKey, store.unlock(passphrase("wrong")).error().code);
  EXPECT_EQ("keyslots.1", key_store_file_name(store.generation()));
}

TEST_F(KeyStoreTest, NoByteCanBeChangedOrCutOff) {
  const std::string good = store_bytes();
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x20);
    EXPECT_FALSE(KeyStore::parse(as_bytes(bad))) << i;
    EXPECT_FALSE(KeyStore::parse(as_bytes(good).first(i))) << i;
    // Even one who mends the checksum, which needs no key, does not get past the MACs.
    if (i >= good.size() - sizeof(Checksum)) continue;
    bad.resize(bad.size() - sizeof(Checksum));
    bad.append(as_text(checksum(as_bytes(bad))));
    const auto store = KeyStore::parse(as_bytes(bad));
    EXPECT_FALSE(store && store->unlock(passphrase("open sesame"))) << i;
    EXPECT_FALSE(store && store->unlock(master_)) << i;
  }
}

TEST_F(KeyStoreTest, ASlotCannotBeTakenOutByAStranger) {
  KeyStore store(vault_);
  store.slots() = slots_with("one");
  const std::string before = store.encode_next(master_, ring_).value();
  ASSERT_TRUE(store.slots().add(passphrase("two"), kKdfCostMinimum, master_, kNow));
  const std::string after = store.encode_next(master_, ring_).value();
  std::string forged = after.substr(0, 40 + kSlotBytes) + after.substr(40 + 2 * kSlotBytes);
  forged[10] = 1;
  forged.resize(forged.size() - sizeof(Checksum));
  forged.append(as_text(checksum(as_bytes(forged))));
  const KeyStore read = KeyStore::parse(as_bytes(forged)).value();
  EXPECT_EQ(Errc::AuthenticationFailed, read.unlock(passphrase("one")).error().code);
}

TEST_F(KeyStoreTest, RotationIsNewMasterNewEpochsNewGeneration) {
  KeyStore store(vault_);
  store.slots() = slots_with("one");
  ASSERT_TRUE(store.encode_next(master_, ring_));
  const SecretKey next = SecretKey::random();
  ASSERT_TRUE(store.slots().reseal_master(master_, next));
  ASSERT_TRUE(ring_.add_epoch(KeyKind::Data, kNow));
  const std::string bytes = store.encode_next(next, ring_).value();
  const KeyStore read = KeyStore::parse(as_bytes(bytes)).value();
  EXPECT_EQ(2U, read.generation());
  EXPECT_EQ(KeyEpoch(2), read.unlock(passphrase("one")).value().ring.active_epoch(KeyKind::Data));
  EXPECT_FALSE(read.unlock(master_));
}

// The worked example of docs/format.md §2.4: never to be made anew, always to be readable.
TEST(FrozenKeyStore, OfFormatOneStillOpens) {
  const std::string bytes = coffer::test::bytes_of_example("key-store-1");
  ASSERT_EQ(588U, bytes.size());
  const KeyStore store = KeyStore::parse(as_bytes(bytes)).value();
  EXPECT_EQ("101112131415161718191a1b1c1d1e1f", store.vault().value().to_string());
  const UnlockedKeys keys = store.unlock(passphrase("open sesame")).value();
  EXPECT_EQ("000102030405060708090a0b0c0d0e0f",
            Uuid::from_bytes(keys.master.bytes().first(16)).to_string());
  EXPECT_EQ(KeyEpoch(1), keys.ring.active_epoch(KeyKind::Data));
  EXPECT_EQ(kNow, store.slots().list()[0].created_unix_s);
}

}  // namespace
}  // namespace coffer::crypto
