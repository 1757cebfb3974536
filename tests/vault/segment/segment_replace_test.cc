/// A segment that is made or written while another volume takes a member's place counts on nothing that is not there.

#include <algorithm>
#include <atomic>

#include "store_fixture.h"
#include "vault/segment/segment_repair.h"

namespace coffer::test {
namespace {

constexpr std::uint8_t kMember = 1;

/// How the place is taken: by a new disk, by the same one through a new session, or by the very same object.
enum class By : std::uint8_t { NewDisk, SameDisk, SameObject };

class Swap : public testing::TestWithParam<std::tuple<By, IoKind>> {
 protected:
  Swap() : machine(2, 1, 3) {
    fresh = MemoryDisk::make({.name = "fresh", .clock = machine.clock, .seed = 9});
  }
  /// As VaultService does it, without its rows.
  void swap() {
    machine.volumes->set_state(kMember, VolumeSet::State::Absent);
    if (std::get<0>(GetParam()) != By::NewDisk) remove_unknown();
    const auto& disk = std::get<0>(GetParam()) == By::NewDisk ? fresh : machine.disks[kMember];
    if (std::get<0>(GetParam()) != By::SameObject)
      machine.volumes->set(kMember, open_memory_volume(disk).value(), VolumeSet::State::Absent);
    machine.store->member_returned(kMember);
    machine.volumes->set_state(kMember, VolumeSet::State::Current);
  }
  /// A volume that returns loses the files that no row knows.
  void remove_unknown() {
    for (const std::string& path : machine.disks[kMember]->paths())
      if (path.ends_with(".shard")) static_cast<void>(machine.disks[kMember]->erase(path));
  }
  void swap_at(IoKind kind) {
    machine.clock->on_operation([this, kind](std::uint64_t, const IoEvent& event) {
      const bool now = event.kind == kind && event.disk == "d2";
      if (now && !std::exchange(swapped, true)) swap();
    });
  }
  /// What the volumes hold, and the list knows.
  void expect_nothing_unlisted() {
    ListedShards none;
    for (const auto& [id, info] : machine.journal.rows) {
      const auto receipt =
          machine.store->check(id, none, [](std::uint64_t) { return Result<void>(); });
      ASSERT_TRUE(receipt) << receipt.error().context;
      EXPECT_TRUE(receipt->unexplained.empty());
      for (const ShardFault& fault : receipt->faults)
        EXPECT_TRUE(machine.journal.degraded.contains(fault.shard))
            << "segment " << id.value() << ", stripe " << fault.shard.stripe << ", shard "
            << int{fault.shard.shard} << " is missing and on no list";
    }
  }

  Machine machine;
  std::shared_ptr<MemoryDisk> fresh;
  bool swapped = false;
};

TEST_P(Swap, WhatIsNotOnTheVolumeThatCameIsListed) {
  std::vector<Written> files;
  swap_at(std::get<1>(GetParam()));
  for (std::uint64_t i = 1; i <= 4; ++i) {
    files.push_back(machine.append(i, 900'000));
    ASSERT_TRUE(machine.store->write_out());
  }
  ASSERT_TRUE(machine.store->sync());
  machine.clock->on_operation({});
  ASSERT_TRUE(swapped);
  ASSERT_TRUE(machine.store->seal_open());
  EXPECT_FALSE(machine.journal.failed.contains(kMember)) << "the volume that came is not to blame";
  for (const Written& file : files) EXPECT_EQ(machine.check(file), "");
  expect_nothing_unlisted();
  // What is written from now on is on it.
  files.push_back(machine.append(9, 900'000));
  ASSERT_TRUE(machine.store->sync());
  ASSERT_TRUE(machine.store->seal_open());
  machine.set_state(0, VolumeSet::State::Absent);
  EXPECT_EQ(machine.check(files.back()), "");
}

INSTANTIATE_TEST_SUITE_P(
    Moments, Swap,
    testing::Combine(testing::Values(By::NewDisk, By::SameDisk, By::SameObject),
                     testing::Values(IoKind::ShardCreate, IoKind::ShardWrite)));

}  // namespace
}  // namespace coffer::test
