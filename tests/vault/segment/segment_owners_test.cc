#include "vault/segment/segment_owners.h"

#include "store_fixture.h"

namespace coffer::test {
namespace {

using Owned = std::map<std::uint64_t, std::uint64_t>;  // inode → bytes

Owned by_inode(const OwnersOfSegment& found) {
  Owned owned;
  for (const OwnerEntry& one : found.entries) owned[one.inode.value()] += one.bytes;
  return owned;
}

TEST(SegmentOwners, EveryAppendIsFoundAndSurvivorsLieApart) {
  Machine machine(4, 2);
  machine.append(1, 2'500'000);
  ASSERT_TRUE(machine.store->sync());
  machine.append(2, 100);
  machine.append(3, 20'000, SegmentStore::Stream::Survivors);
  ASSERT_TRUE(machine.store->seal_open());
  ASSERT_EQ(machine.journal.rows.size(), 2U);
  const auto first = machine.store->owners(SegmentId(1));
  ASSERT_TRUE(first);
  EXPECT_EQ(by_inode(*first), (Owned{{1, 2'500'000}, {2, 100}}));
  EXPECT_EQ(first->unread, 0U);
  const auto second = machine.store->owners(SegmentId(2));
  ASSERT_TRUE(second);
  EXPECT_EQ(by_inode(*second), (Owned{{3, 20'000}}));
  EXPECT_EQ(machine.store->stats().survivor_bytes_appended, 20'000U);
  EXPECT_EQ(machine.store->appended_bytes(SegmentId(1)).value(), 2'500'100U);
  EXPECT_GE(machine.store->stored_bytes_max(SegmentId(1)).value(), 2'500'100U);
  EXPECT_LE(machine.store->stored_bytes_max(SegmentId(1)).value(), 4'500'000U);
  EXPECT_EQ(machine.store->owners(SegmentId(9)).error().code, Errc::NotFound);
}

TEST(SegmentOwners, AreRebuiltFromOtherShards) {
  Machine machine(4, 2);
  machine.append(1, 3'000'000);
  machine.append(2, 500'000);
  ASSERT_TRUE(machine.store->seal_open());
  for (std::size_t away = 0; away < 6; ++away) {
    SCOPED_TRACE(away);
    machine.set_state(away, VolumeSet::State::Absent);
    machine.set_state((away + 1) % 6, VolumeSet::State::Absent);
    const auto found = machine.store->owners(SegmentId(1));
    ASSERT_TRUE(found);
    EXPECT_EQ(by_inode(*found), (Owned{{1, 3'000'000}, {2, 500'000}}));
    EXPECT_EQ(found->unread, 0U);
    machine.set_state(away, VolumeSet::State::Current);
    machine.set_state((away + 1) % 6, VolumeSet::State::Current);
  }
}

TEST(SegmentOwners, WhatCannotBeReadIsCounted) {
  Machine machine(1, 0);
  machine.append(1, 100'000);
  ASSERT_TRUE(machine.store->sync());
  machine.append(2, 100'000);
  ASSERT_TRUE(machine.store->seal_open());
  const std::string uid = machine.journal.rows.begin()->second.uid.value().to_string();
  const std::string path = "segments/" + uid.substr(0, 2) + "/" + uid + ".shard";
  ASSERT_TRUE(machine.disks[0]->flip_bit(path, ByteOffset(20), 1));  // in the first header
  const auto found = machine.store->owners(SegmentId(1));
  ASSERT_TRUE(found);
  EXPECT_EQ(by_inode(*found), (Owned{{2, 100'000}}));
  EXPECT_GT(found->unread, 0U);
}

}  // namespace
}  // namespace coffer::test
