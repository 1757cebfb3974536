#include "vault/segment/segment_scan.h"

#include "store_fixture.h"

namespace coffer::test {
namespace {

SegmentStoreDeps deps_of(Machine& machine) {
  return {*machine.volumes, machine.keys,    machine.codes, machine.buffers,
          machine.executor, machine.journal, machine.vault, CipherId::Aes256Gcm};
}

TEST(SegmentScan, FindsEveryStripeShardAndOwner) {
  Machine machine(2, 1);
  machine.append(1, 2'500'000);
  ASSERT_TRUE(machine.store->sync());
  machine.append(2, 100);
  machine.append(3, 20'000);
  ASSERT_TRUE(machine.store->sync());
  const SegmentInfo info = machine.journal.rows.begin()->second;
  SegmentScan scan(deps_of(machine));
  std::map<std::uint64_t, std::uint64_t> bytes_of;
  const auto totals =
      scan.scan(info, SegmentScan::Depth::Contents, [&](const StripeFinding& finding) {
        EXPECT_TRUE(finding.whole());
        EXPECT_TRUE(finding.index_verified);
        for (const OwnerEntry& one : finding.owners) bytes_of[one.inode.value()] += one.bytes;
        return true;
      });
  ASSERT_TRUE(totals);
  EXPECT_EQ(totals->stripes, 4U);
  EXPECT_EQ(totals->blocks_without_header, 0U);
  EXPECT_EQ(bytes_of,
            (std::map<std::uint64_t, std::uint64_t>{{1, 2'500'000}, {2, 100}, {3, 20'000}}));
}

TEST(SegmentScan, NamesTheBadShardWithoutAKeyAndWhatIsLostWithOne) {
  Machine machine(2, 1);
  machine.append(1, 900'000);
  ASSERT_TRUE(machine.store->sync());
  const SegmentInfo info = machine.journal.rows.begin()->second;
  const std::string path = "segments/" + info.uid.value().to_string().substr(0, 2) + "/" +
                           info.uid.value().to_string() + ".shard";
  // The volume that holds data shard 0 of stripe 0.
  const std::uint8_t member = info.members[slot_of(0, 0, 3)];
  ASSERT_TRUE(machine.disks[member]->flip_bit(path, ByteOffset(512 + 20'000), 1));
  SegmentScan scan(deps_of(machine));
  int stripes = 0;
  ASSERT_TRUE(scan.scan(info, SegmentScan::Depth::Checksums, [&](const StripeFinding& finding) {
    ++stripes;
    EXPECT_EQ(finding.shards[0].state, ShardFinding::State::BadPayload);
    EXPECT_EQ(finding.shards[1].state, ShardFinding::State::Good);
    EXPECT_EQ(finding.shards[2].state, ShardFinding::State::Good);
    return true;
  }));
  EXPECT_EQ(stripes, 1);
  const auto contents = [&](std::uint32_t bad, std::uint32_t lost) {
    ASSERT_TRUE(scan.scan(info, SegmentScan::Depth::Contents, [&](const StripeFinding& finding) {
      EXPECT_EQ(finding.chunks_bad, bad);
      EXPECT_EQ(finding.chunks_lost, lost);
      return true;
    }));
  };
  contents(1, 0);
  machine.set_state(info.members[slot_of(0, 2, 3)], VolumeSet::State::Absent);
  contents(1, 1);
}

TEST(SegmentScan, SalvageLearnsTheGeometryFromTheFiles) {
  Machine machine(2, 2);
  machine.append(1, 3'000);
  ASSERT_TRUE(machine.store->sync());
  const SegmentInfo row = machine.journal.rows.begin()->second;
  SegmentScan scan(deps_of(machine));
  const auto found = scan.find(row.uid);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, row.id);
  EXPECT_EQ(found->k, row.k);
  EXPECT_EQ(found->m, row.m);
  EXPECT_EQ(found->members, row.members);
  EXPECT_EQ(found->data_epoch, row.data_epoch);
  EXPECT_EQ(scan.find(SegmentUid(crypto::random_uuid())).error().code, Errc::NotFound);
  ASSERT_TRUE(machine.store->seal_open());
  machine.append(2, 3'000);
  ASSERT_TRUE(machine.store->sync());
  const SegmentInfo second = std::next(machine.journal.rows.begin())->second;
  const auto other = scan.find(second.uid);
  ASSERT_TRUE(other);
  EXPECT_EQ(other->id, second.id);
}

TEST(SegmentScan, AnUnclosedTailHasNoHeaders) {
  Machine machine(1, 1);
  machine.append(1, 10'000);
  ASSERT_TRUE(machine.store->sync());
  machine.append(2, 10'000);
  ASSERT_TRUE(machine.store->write_out());
  SegmentScan scan(deps_of(machine));
  const auto totals = scan.scan(machine.journal.rows.begin()->second, SegmentScan::Depth::Checksums,
                                [](const StripeFinding&) { return true; });
  ASSERT_TRUE(totals);
  EXPECT_EQ(totals->stripes, 1U);
  EXPECT_GT(totals->blocks_without_header, 0U);
}

}  // namespace
}  // namespace coffer::test
