// What the store does when disks fail, lie, fill up or hang, and when their bytes change.
#include <algorithm>
#include <atomic>

#include "store_fixture.h"
#include "vault/segment/stripe_layout.h"

namespace coffer::test {
namespace {

std::string shard_path(MemoryDisk& disk) {
  for (const std::string& path : disk.paths()) {
    if (path.ends_with(".shard") && !disk.content(path)->empty()) return path;
  }
  return {};
}

std::string read_error(const std::string& what) { return what.substr(0, 2); }

TEST(SegmentFailure, ADiskWhoseWriteFailsIsReportedBeforeSyncSucceeds) {
  Machine machine(2, 1);
  const Written before = machine.append(1, 600'000);
  ASSERT_TRUE(machine.store->sync());
  machine.disks[1]->faults().add({.kind = IoKind::ShardWrite, .effect = FaultEffect::Io});
  std::vector<Written> all{before};
  for (std::uint64_t i = 2; i < 6; ++i) {
    all.push_back(machine.append(i, 800'000));
    ASSERT_TRUE(machine.store->sync());
  }
  EXPECT_EQ(machine.journal.failed, std::set<std::uint8_t>{1});
  EXPECT_FALSE(machine.journal.degraded.empty());
  EXPECT_EQ(machine.store->stats().current_k, 1U);
  EXPECT_EQ(machine.store->stats().current_m, 1U);
  for (const Written& one : all) EXPECT_EQ(machine.check(one), "");
  // One more loss is what is left of the promise.
  machine.set_state(0, VolumeSet::State::Absent);
  EXPECT_EQ(machine.check(all.back()), "");
}

TEST(SegmentFailure, WriteOutDoesNotSucceedBeforeTheJournalKnows) {
  Machine machine(2, 2);
  machine.disks[2]->faults().add(
      {.kind = IoKind::ShardWrite, .effect = FaultEffect::Io, .repeat = Fault::Repeat::Forever});
  const Written one = machine.append(1, 5'000'000);
  ASSERT_TRUE(machine.store->write_out());
  EXPECT_TRUE(machine.journal.failed.contains(2));
  ASSERT_TRUE(machine.store->sync());
  EXPECT_EQ(machine.check(one), "");
}

TEST(SegmentFailure, AFailedSyncDegradesTheStripesItWasToCoverAndNothingElse) {
  Machine machine(2, 1);
  const Written before = machine.append(1, 1'100'000);
  ASSERT_TRUE(machine.store->sync());
  const Written during = machine.append(2, 1'100'000);
  machine.disks[0]->faults().add({.kind = IoKind::ShardSync, .effect = FaultEffect::Io});
  ASSERT_TRUE(machine.store->sync());
  EXPECT_EQ(machine.journal.failed, std::set<std::uint8_t>{0});
  ASSERT_FALSE(machine.journal.degraded.empty());
  std::set<std::uint32_t> stripes;
  for (const Reference& one : during.references) stripes.insert(one.place.stripe);
  for (const ShardRef& one : machine.journal.degraded) EXPECT_TRUE(stripes.contains(one.stripe));
  EXPECT_EQ(machine.check(before), "");
  EXPECT_EQ(machine.check(during), "");
  // What that disk holds may be gone after a power cut; the rest gives it back.
  machine.clock->crash();
  machine.store.reset();
  for (std::size_t i = 0; i < machine.disks.size(); ++i) machine.disks[i]->power_cut(i);
  machine.open();
  EXPECT_EQ(machine.check(before), "");
  EXPECT_EQ(machine.check(during), "");
}

TEST(SegmentFailure, AnEarlierWellWrittenStripeIsDegradedWhenItsFileFailsBeforeTheSync) {
  Machine machine(1, 1);
  const Written first = machine.append(1, 700'000);  // closes a stripe, not synced
  machine.disks[0]->faults().add({.kind = IoKind::ShardWrite, .effect = FaultEffect::Io});
  const Written second = machine.append(2, 700'000);
  ASSERT_TRUE(machine.store->sync());
  const ShardRef early{first.references.front().place.segment, 0, 0};
  const ShardRef early_parity{first.references.front().place.segment, 0, 1};
  EXPECT_TRUE(machine.journal.degraded.contains(early) ||
              machine.journal.degraded.contains(early_parity));
  EXPECT_EQ(machine.check(first), "");
  EXPECT_EQ(machine.check(second), "");
}

TEST(SegmentFailure, WithoutParityAFailedSyncIsAnErrorFromThenOnAndTheBytesCountAsLost) {
  Machine machine(1, 0);
  machine.journal.volumes = nullptr;  // there is no other volume to go on with
  const Written before = machine.append(1, 10'000);
  ASSERT_TRUE(machine.store->sync());
  const Written lost = machine.append(2, 10'000);
  machine.disks[0]->faults().add({.kind = IoKind::ShardSync, .effect = FaultEffect::Io});
  EXPECT_EQ(machine.store->sync().error().code, Errc::Io);
  EXPECT_EQ(machine.check(before), "");
  EXPECT_EQ(read_error(machine.check(lost)), "Io");
  EXPECT_FALSE(machine.store->sync());
  machine.store->volumes_changed();
  const Written after = machine.append(3, 10'000);
  EXPECT_FALSE(machine.store->sync()) << "nobody knows whose bytes they were";
  EXPECT_EQ(machine.check(after), "");
  EXPECT_NE(after.references.front().place.segment, lost.references.front().place.segment);
}

TEST(SegmentFailure, MoreFailedWritesThanParityGiveIoToWriteOutAndSync) {
  Machine machine(2, 1);
  for (const int disk : {0, 1, 2}) {
    machine.disks[static_cast<std::size_t>(disk)]->faults().add(
        {.kind = IoKind::ShardWrite, .effect = FaultEffect::Io});
  }
  const Written one = machine.append(1, 900'000);  // on both data volumes, the stripe still open
  EXPECT_EQ(machine.store->write_out().error().code, Errc::Io);
  EXPECT_EQ(machine.store->sync().error().code, Errc::Io);
  EXPECT_EQ(read_error(machine.check(one)), "Io");
}

TEST(SegmentFailure, AVolumeThatCannotCreateAShardFileIsLeftOut) {
  Machine machine(2, 1);
  machine.disks[2]->faults().add({.kind = IoKind::ShardCreate, .effect = FaultEffect::Io});
  const Written one = machine.append(1, 100'000);
  ASSERT_TRUE(machine.store->sync());
  EXPECT_EQ(machine.journal.failed, std::set<std::uint8_t>{2});
  EXPECT_EQ(machine.journal.rows.begin()->second.members.size(), 2U);
  EXPECT_EQ(machine.check(one), "");
}

TEST(SegmentFailure, AppendsGetNoSpaceAtTheReserveAndWhatWasSyncedStays) {
  Machine machine(2, 1);
  for (const auto& disk : machine.disks) disk->set_capacity(ByteCount(40U << 20));
  std::vector<Written> all;
  Errc end = Errc::Io;
  for (std::uint64_t i = 1; i < 200; ++i) {
    Written one{pattern(i, 1'000'000), {}};
    auto done = machine.store->append(SegmentStore::Stream::NewData, InodeId(1), ByteOffset(0),
                                      as_bytes(one.content));
    if (!done) {
      end = done.error().code;
      break;
    }
    one.references = *std::move(done);
    all.push_back(std::move(one));
  }
  EXPECT_EQ(end, Errc::NoSpace);
  ASSERT_TRUE(machine.store->sync());
  EXPECT_GT(all.size(), 30U);
  for (const auto& disk : machine.disks) EXPECT_LE(disk->used().value(), (24U << 20) + 4'000'000U);
  for (const Written& one : all) EXPECT_EQ(machine.check(one), "");
  // Cleaning may go on: it has half of the reserve.
  machine.append(500, 1'000'000, SegmentStore::Stream::Survivors);
  EXPECT_TRUE(machine.store->sync());
}

TEST(SegmentFailure, ADiskThatHangsIsWaitedForOnceAndItsLateWritesHarmNothing) {
  Machine machine(2, 1);
  machine.options.volume_deadline = std::chrono::milliseconds(30);
  machine.open();
  const Written before = machine.append(1, 700'000);
  ASSERT_TRUE(machine.store->sync());
  const Written during = machine.append(2, 900'000);
  machine.disks[1]->hang();
  ASSERT_TRUE(machine.store->sync());
  EXPECT_EQ(machine.journal.failed, std::set<std::uint8_t>{1});
  const Written after = machine.append(3, 900'000);
  ASSERT_TRUE(machine.store->sync());
  for (const Written* one : {&before, &during, &after}) EXPECT_EQ(machine.check(*one), "");
  machine.disks[1]->release();
  for (const Written* one : {&before, &during, &after}) EXPECT_EQ(machine.check(*one), "");
}

TEST(SegmentFailure, AReadGoesAroundADiskThatHangs) {
  Machine machine(2, 1);
  machine.options.volume_deadline = std::chrono::milliseconds(30);
  machine.open();
  const Written one = machine.append(1, 900'000);
  ASSERT_TRUE(machine.store->sync());
  machine.disks[0]->hang();
  std::atomic<int> reads{0};
  machine.clock->on_operation([&](std::uint64_t, const IoEvent& event) {
    if (event.disk == "d0") ++reads;
  });
  for (int i = 0; i < 20; ++i) ASSERT_EQ(machine.check(one), "");
  EXPECT_LE(reads.load(), 2) << "it was asked again after it did not answer";
  machine.clock->on_operation({});
  machine.disks[0]->release();
}

TEST(SegmentFailure, AFullDiskIsNotAFailedOne) {
  Machine machine(2, 1);
  machine.disks[1]->faults().add({.kind = IoKind::ShardWrite, .effect = FaultEffect::NoSpace});
  const Written one = machine.append(1, 2'000'000);
  ASSERT_TRUE(machine.store->sync());
  EXPECT_TRUE(machine.journal.failed.empty());
  EXPECT_FALSE(machine.journal.degraded.empty());
  EXPECT_EQ(machine.check(one), "");
}

TEST(SegmentRecovery, AMemberThatCannotSyncWhatACrashLeftCountsAsLost) {
  Machine machine(2, 1);
  const Written one = machine.append(1, 900'000);
  ASSERT_TRUE(machine.store->sync());
  machine.clock->crash();
  machine.store.reset();
  for (const auto& disk : machine.disks) disk->process_crash();
  machine.open();
  const Place place = one.references.front().place;
  machine.disks[0]->faults().add({.kind = IoKind::ShardSync, .effect = FaultEffect::Io});
  EXPECT_EQ(machine.store->sync_known(place.segment).value(), std::vector<std::uint8_t>{0});
  EXPECT_TRUE(machine.store->verify(place));  // out of the other two
  machine.set_state(1, VolumeSet::State::Absent);
  std::string what;
  for (const Reference& part : one.references) {
    if (!machine.store->verify(part.place)) what = "lost";
  }
  EXPECT_EQ(what, "lost") << "a file whose sync failed was trusted";
  EXPECT_FALSE(machine.store->verify({SegmentId(99), 0, 0, 0, 0, 1}));
}

TEST(SegmentRecovery, BytesOfAnOpenStripeAreReadableAfterTheProcessDiedAndStripeIsNotClosed) {
  Machine machine(2, 1);
  const Written one = machine.append(1, 100'000);
  ASSERT_TRUE(machine.store->write_out());
  machine.clock->crash();
  machine.store.reset();
  for (const auto& disk : machine.disks) disk->process_crash();
  machine.open();
  const Place place = one.references.front().place;
  EXPECT_FALSE(machine.store->stripe_closed(place.segment, place.stripe).value());
  EXPECT_TRUE(machine.store->verify(place));
  // Without parity an absent volume is Io, and the segment is never appended to again.
  const SegmentInfo row = machine.journal.rows[place.segment];
  machine.set_state(row.members[slot_of(place.stripe, place.shard, 3)], VolumeSet::State::Absent);
  EXPECT_EQ(machine.store->verify(place).error().code, Errc::Io);
  const Written two = machine.append(2, 1'000);
  EXPECT_NE(two.references.front().place.segment, place.segment);
}

class SegmentDamage : public ::testing::TestWithParam<std::pair<std::uint8_t, std::uint8_t>> {};

TEST_P(SegmentDamage, UpToMFilesWithFlippedBitsAreReadAround) {
  const auto [k, m] = GetParam();
  Machine machine(k, m);
  const Written one = machine.append(1, std::size_t{k} * 524'288);
  const Written small = machine.append(2, 3'000);
  ASSERT_TRUE(machine.store->sync());
  const std::uint64_t seed = std::random_device{}();
  std::mt19937_64 random(seed);
  for (int round = 0; round < 5; ++round) {
    std::vector<std::size_t> order(machine.disks.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      order[i] = (i + static_cast<std::size_t>(round)) % order.size();  // every disk has its turn
    }
    std::vector<std::string> kept;
    for (std::size_t i = 0; i < m; ++i) {
      MemoryDisk& disk = *machine.disks[order[i]];
      const std::string path = shard_path(disk);
      kept.push_back(*disk.content(path));
      std::string bad = kept.back();
      for (int flips = 0; flips < 40; ++flips) bad[random() % bad.size()] ^= 0x10;
      if (round == 3) bad.resize(bad.size() / 2);
      if (round == 4) bad[100] ^= 1;  // a header
      ASSERT_TRUE(disk.set_content(path, bad));
    }
    EXPECT_EQ(machine.check(one), "") << "seed " << seed << " round " << round;
    EXPECT_EQ(machine.check(small), "") << "seed " << seed;
    for (std::size_t i = 0; i < m; ++i) {
      MemoryDisk& disk = *machine.disks[order[i]];
      ASSERT_TRUE(disk.set_content(shard_path(disk), kept[i]));
    }
  }
  if (m > 0) {
    EXPECT_FALSE(machine.journal.damaged.empty());
  }
}

TEST_P(SegmentDamage, OneFileTooManyIsAnErrorAndNeverZerosOrOtherBytes) {
  const auto [k, m] = GetParam();
  Machine machine(k, m);
  const Written one = machine.append(1, std::size_t{k} * 500'000);
  ASSERT_TRUE(machine.store->sync());
  for (std::size_t i = 0; i < std::size_t{m} + 1; ++i) {
    MemoryDisk& disk = *machine.disks[i];
    const std::string path = shard_path(disk);
    std::string bad = *disk.content(path);
    for (std::size_t at = 600; at < bad.size(); at += 3'000) bad[at] ^= 1;
    ASSERT_TRUE(disk.set_content(path, bad));
  }
  for (const Reference& part : one.references) {
    std::string got(part.length.value(), '?');
    const auto read =
        machine.store->read(part.place, 0, {reinterpret_cast<std::byte*>(got.data()), got.size()},
                            SegmentStore::CacheUse::Keep);
    const std::size_t at = part.offset.value() - 10;
    if (read) {
      EXPECT_EQ(got, one.content.substr(at, got.size()));
    } else {
      EXPECT_EQ(read.error().code, Errc::Io);
    }
  }
  EXPECT_EQ(read_error(machine.check(one)), "Io");
}

INSTANTIATE_TEST_SUITE_P(Geometries, SegmentDamage,
                         ::testing::Values(std::pair(1, 0), std::pair(1, 1), std::pair(2, 2),
                                           std::pair(4, 2), std::pair(3, 1)));

TEST(SegmentDamagePieces, DamageSideBySideInTwoShardsIsReadAroundPieceByPiece) {
  Machine machine(2, 1);
  const Written one = machine.append(1, 1'000'000);
  ASSERT_TRUE(machine.store->sync());
  // One parity shard only, and two damaged shards, but never in the same piece.
  for (const std::size_t i : {0U, 1U}) {
    MemoryDisk& disk = *machine.disks[i];
    const std::string path = shard_path(disk);
    ASSERT_TRUE(disk.flip_bit(path, ByteOffset(512 + i * 2 * 65'536 + 10), 3));
  }
  EXPECT_EQ(machine.check(one), "");
}

TEST(SegmentDamagePieces, AShardOfAnotherStripeInItsPlaceIsNotTaken) {
  Machine machine(1, 1);
  const Written one = machine.append(1, 3'000);
  ASSERT_TRUE(machine.store->sync());
  const Written two = machine.append(2, 3'000);
  ASSERT_TRUE(machine.store->sync());
  for (const auto& disk : machine.disks) {
    const std::string path = shard_path(*disk);
    std::string swapped = *disk->content(path);
    std::swap_ranges(swapped.begin(), swapped.begin() + 3'500, swapped.begin() + 4'096);
    ASSERT_TRUE(disk->set_content(path, swapped));
  }
  EXPECT_EQ(read_error(machine.check(one)), "Io");
  EXPECT_EQ(read_error(machine.check(two)), "Io");
}

}  // namespace
}  // namespace coffer::test
