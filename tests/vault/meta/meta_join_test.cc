/// A mirror that is added while the store is in use, and the look at all mirrors.

#include <thread>

#include "tests/vault/meta/damaged_store.h"

namespace coffer::meta {
namespace {

using Mode = MetaStore::Mode;

/// Two mirrors in use, a third disk beside them.
class MetaJoin : public testing::Test {
 protected:
  MetaJoin() : machine(3) {
    third = machine.mirrors.back();
    machine.mirrors.pop_back();
    store = std::move(machine.open(Mode::Create).value());
  }
  Result<void> join() {
    return store->add_mirror(third, [&](const MetaStore::StillGood& still_good) -> Result<void> {
      named = still_good();
      return {};
    });
  }
  void write(int from, int to) {
    for (int i = from; i < to; ++i) put(*store, "k" + std::to_string(i), value_of(i));
  }
  void expect_all(MetaStore& found, int rows) {
    for (int i = 0; i < rows; ++i) ASSERT_EQ(get(found, "k" + std::to_string(i)), value_of(i)) << i;
  }

  Machine machine;
  MirrorDirectory third;
  std::unique_ptr<MetaStore> store;
  bool named = false;
};

TEST_F(MetaJoin, TheNewMirrorAloneHasEverythingAfterACleanClose) {
  write(0, 3000);
  ASSERT_TRUE(join());
  EXPECT_TRUE(named);
  write(3000, 6000);
  ASSERT_TRUE(store->close());
  store.reset();
  machine.mirrors = {third};
  auto again = machine.open(Mode::ReadWrite);
  ASSERT_TRUE(again) << again.error().context;
  expect_all(**again, 6000);
}

TEST_F(MetaJoin, UnderWritersItHasEverythingThatWasSyncedAfterAPowerCut) {
  write(0, 1000);
  std::atomic<bool> stop{false};
  std::atomic<int> written{1000};
  std::thread writer([&] {
    while (!stop && written < 40'000) {
      const int i = written;
      put(*store, "k" + std::to_string(i), value_of(i));
      ++written;
    }
  });
  for (int round = 0; round < 3; ++round) {
    third.directory = DirectoryUid(crypto::random_uuid());
    ASSERT_TRUE(join());
    EXPECT_TRUE(named);
  }
  ASSERT_TRUE(store->sync());
  const int synced = written;
  stop = true;
  writer.join();
  machine.power_cut(5);
  store.reset();
  third.files = &machine.volumes[2]->files();
  machine.mirrors = {third};
  auto again = machine.recover();
  ASSERT_TRUE(again) << again.error().context;
  expect_all(**again, synced - 1);
}

TEST_F(MetaJoin, OneThatFailsWhileItJoinsIsForgottenAndNothingElseIs) {
  for (const IoKind kind : {IoKind::AreaCreate, IoKind::AreaAppend, IoKind::AreaSync}) {
    SCOPED_TRACE(to_string(kind));
    third.directory = DirectoryUid(crypto::random_uuid());
    named = false;
    write(0, 1500);
    machine.disks[2]->faults().add({.kind = kind, .effect = FaultEffect::Io});
    EXPECT_FALSE(join());
    EXPECT_FALSE(named);
    EXPECT_EQ(machine.owner.failed().size(), 0U);
    ASSERT_TRUE(store->sync());
  }
  third.directory = DirectoryUid(crypto::random_uuid());
  ASSERT_TRUE(join());
  EXPECT_TRUE(named);
}

TEST_F(MetaJoin, BothOldMirrorsMayGoUnderTheOpenStore) {
  write(0, 3000);
  ASSERT_TRUE(join());
  for (std::uint8_t old = 0; old < 2; ++old) {
    ASSERT_TRUE(store->leave_out(old, [] { return Result<void>(); }));
    machine.disks[old]->vanish();
  }
  expect_all(*store, 3000);
  write(3000, 4000);
  expect_all(*store, 4000);
  ASSERT_TRUE(store->sync());
}

TEST_F(MetaJoin, VerifyFindsADamagedTableAndMakesItAnew) {
  write(0, 300);  // one table: of several some might be compacted away meanwhile
  ASSERT_TRUE(store->close());
  store = std::move(machine.open(Mode::ReadWrite).value());
  EXPECT_TRUE(store->verify(MetadataRepair::Look).bad.empty());
  const auto tables = machine.files_of(1, ".sst");
  ASSERT_FALSE(tables.empty());
  const std::string right = machine.disks[1]->content(tables.front()).value();
  ASSERT_TRUE(machine.disks[1]->flip_bit(tables.front(), ByteOffset(right.size() / 2), 1));
  MetadataCheck found = store->verify(MetadataRepair::Look);
  EXPECT_EQ(found.bad.size(), 1U);
  EXPECT_EQ(found.unrepaired.size(), 1U);
  EXPECT_GT(found.files, 2U);
  found = store->verify(MetadataRepair::Repair);
  EXPECT_EQ(found.bad.size(), 1U);
  EXPECT_TRUE(found.unrepaired.empty());
  EXPECT_TRUE(found.broken.empty());
  EXPECT_EQ(machine.disks[1]->content(tables.front()).value() == right, true);
  EXPECT_TRUE(store->verify(MetadataRepair::Look).bad.empty());
}

TEST_F(MetaJoin, OnesThatFailTakeNoPlaceFromOthers) {
  write(0, 100);
  for (int round = 0; round < 80; ++round) {
    third.directory = DirectoryUid(crypto::random_uuid());
    machine.disks[2]->faults().add({.kind = IoKind::AreaAppend,
                                    .nth = 1 + static_cast<std::uint64_t>(round) % 4,
                                    .effect = FaultEffect::NoSpace});
    EXPECT_FALSE(join()) << round;
    machine.disks[2]->faults().clear();
    write(100 + round, 101 + round);
  }
  third.directory = DirectoryUid(crypto::random_uuid());
  ASSERT_TRUE(join());
  write(180, 300);
  ASSERT_TRUE(store->close());
  store.reset();
  machine.mirrors = {third};
  auto again = machine.open(Mode::ReadWrite);
  ASSERT_TRUE(again) << again.error().context;
  expect_all(**again, 300);
}

TEST_F(MetaJoin, OneThatNoEpochNamedIsNoMirror) {
  write(0, 100);
  const auto refused = store->add_mirror(third, [&](const MetaStore::StillGood&) {
    return Result<void>(fail(Errc::Io, "no quorum"));
  });
  EXPECT_FALSE(refused);
  // Its disk may go without anybody being told.
  machine.disks[2]->vanish();
  write(100, 200);
  ASSERT_TRUE(store->sync());
  EXPECT_TRUE(machine.owner.failed().empty());
  machine.disks[2]->reappear();
  machine.volumes[2] = open_memory_volume(machine.disks[2]).value();
  third.files = &machine.volumes[2]->files();
  third.directory = DirectoryUid(crypto::random_uuid());
  ASSERT_TRUE(join());
}

TEST_F(MetaJoin, VerifyReadsLogsThatAreBeingWritten) {
  write(0, 300);
  ASSERT_TRUE(store->sync());
  EXPECT_TRUE(store->verify(MetadataRepair::Look).bad.empty());
  const auto logs = machine.files_of(1, ".log");
  ASSERT_FALSE(logs.empty());
  ASSERT_TRUE(machine.disks[1]->flip_bit(logs.back(), ByteOffset(20'000), 1));
  EXPECT_EQ(store->verify(MetadataRepair::Look).unrepaired.size(), 1U);
  const MetadataCheck found = store->verify(MetadataRepair::Repair);
  EXPECT_EQ(found.bad.size(), 1U);
  EXPECT_EQ(found.broken, std::set<std::uint8_t>{1});
}

TEST_F(MetaJoin, WithoutRoomADamagedTableStaysAndItsMirrorToo) {
  write(0, 4000);
  ASSERT_TRUE(store->close());
  store = std::move(machine.open(Mode::ReadWrite).value());
  const auto tables = machine.files_of(1, ".sst");
  ASSERT_FALSE(tables.empty());
  const std::string right = machine.disks[1]->content(tables.front()).value();
  ASSERT_TRUE(machine.disks[1]->flip_bit(tables.front(), ByteOffset(right.size() / 2), 1));
  machine.disks[1]->set_capacity(machine.disks[1]->used());
  const MetadataCheck found = store->verify(MetadataRepair::Repair);
  EXPECT_EQ(found.unrepaired.size(), 1U);
  EXPECT_TRUE(found.broken.empty());
  machine.disks[1]->set_capacity(ByteCount(std::uint64_t{1} << 40));
  EXPECT_TRUE(store->verify(MetadataRepair::Repair).unrepaired.empty());
  EXPECT_TRUE(store->verify(MetadataRepair::Look).bad.empty());
}

}  // namespace
}  // namespace coffer::meta
