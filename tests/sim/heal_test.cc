/// Heal and scrub over simulated disks: what was lost or damaged is made anew, and a crash at any of its operations loses nothing
/// (docs/architecture.md, "Invariants", 8 and 12; docs/decisions/0012).
///
/// COFFER_SIM_POINTS=<n> sets how many crash points each case takes.

#include <random>

#include "tests/sim/upkeep_checks.h"

namespace coffer::sim {
namespace {

class HealTest : public testing::TestWithParam<Geometry> {
 protected:
  [[nodiscard]] std::size_t parity() const { return GetParam().m; }
};

TEST_P(HealTest, ScrubFindsWhatRottedOnAsManyVolumesAsThereIsParityAndMendsIt) {
  SimulatedMachine machine(GetParam());
  Workload work(31);
  {
    auto vault = machine.open();
    ASSERT_TRUE(vault);
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(work.step(**vault));
    ASSERT_TRUE((*vault)->close());
  }
  std::mt19937_64 random(5);
  for (int round = 0; round < 3; ++round) {
    std::size_t damaged = 0;
    for (std::size_t d = 0; d < parity(); ++d) {
      MemoryDisk& disk = machine.disk((d + static_cast<std::size_t>(round)) % machine.disk_count());
      for (const std::string& path : shards_on(disk)) {
        const std::string bytes = disk.content(path).value();
        // What lies between stripes, and where empty shards would be, is zero and nobody's.
        std::size_t at = random() % bytes.size();
        while (at < bytes.size() && bytes[at] == 0) ++at;
        if (at == bytes.size()) continue;
        ASSERT_TRUE(disk.flip_bit(path, ByteOffset{at}, 2));
        ++damaged;
      }
    }
    ASSERT_GT(damaged, 0U);
    auto vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    const UpkeepReceipt looked = scrub(**vault, false);
    EXPECT_GT(looked.shards_bad, 0U);
    EXPECT_FALSE(looked.whole());
    EXPECT_EQ(looked.files_rebuilt, 0U);
    const UpkeepReceipt found = scrub(**vault);
    EXPECT_EQ(found.shards_bad, looked.shards_bad);
    EXPECT_TRUE(found.whole()) << found.unrepaired.front();
    EXPECT_GT(found.files_rebuilt, 0U);
    const UpkeepReceipt again = scrub(**vault);
    EXPECT_EQ(again.shards_bad, 0U);
    EXPECT_EQ(again.files_rebuilt, 0U);
    EXPECT_TRUE(again.whole());
    EXPECT_EQ(again.stripes, found.stripes);
    EXPECT_EQ(read_tree((*vault)->tree()) == work.states().back(), true);
    expect_clean(**vault);
    ASSERT_TRUE((*vault)->close());
  }
  expect_any_may_go(machine, work, parity());
}

TEST_P(HealTest, ShardsThatAreGoneAreMadeAnewAndOthersMayGo) {
  SimulatedMachine machine(GetParam());
  Workload work(32);
  {
    auto vault = machine.open();
    ASSERT_TRUE(vault);
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(work.step(**vault));
    ASSERT_TRUE((*vault)->close());
  }
  for (std::size_t d = 0; d < parity(); ++d) {
    for (const std::string& path : shards_on(machine.disk(d)))
      ASSERT_TRUE(machine.disk(d).erase(path));
  }
  auto vault = machine.open();
  ASSERT_TRUE(vault) << vault.error().context;
  const UpkeepReceipt receipt = heal(**vault);
  EXPECT_TRUE(receipt.whole());
  EXPECT_GT(receipt.files_rebuilt, 0U);
  expect_survives(**vault, static_cast<std::uint32_t>(parity()));
  ASSERT_TRUE((*vault)->close());
  vault->reset();
  expect_any_may_go(machine, work, parity());
}

TEST_P(HealTest, WhatWasWrittenWithoutVolumesGetsItsParityWhenTheyAreBack) {
  SimulatedMachine machine(GetParam());
  Workload work(33);
  std::set<std::size_t> away;
  for (std::size_t d = 0; d < parity(); ++d) away.insert(d);
  for (const bool gone : {false, true}) {
    machine.set_absent(gone ? away : std::set<std::size_t>());
    auto vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    for (int i = 0; i < 25; ++i) ASSERT_TRUE(work.step(**vault));
    if (gone) {
      const UpkeepReceipt receipt = heal(**vault);
      EXPECT_FALSE(receipt.whole()) << "volumes are away";
      EXPECT_EQ(receipt.files_rebuilt, 0U);
    }
    ASSERT_TRUE((*vault)->close());
  }
  machine.set_absent({});
  {
    auto vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    const UpkeepReceipt receipt = heal(**vault);
    EXPECT_TRUE(receipt.whole()) << receipt.unrepaired.front();
    ASSERT_TRUE((*vault)->commit_and_sync());  // what was moved away from is gone after two syncs
    ASSERT_TRUE((*vault)->commit_and_sync());
    expect_survives(**vault, static_cast<std::uint32_t>(parity()));
    expect_clean(**vault);
    ASSERT_TRUE((*vault)->close());
  }
  expect_any_may_go(machine, work, parity());
}

TEST_P(HealTest, AVolumeThatFailsUnderWritesIsWholeAgainAfterHeal) {
  SimulatedMachine machine(GetParam());
  Workload work(34);
  {
    auto vault = machine.open();
    ASSERT_TRUE(vault);
    machine.disk(1).faults().add({.kind = IoKind::ShardSync, .nth = 3, .effect = FaultEffect::Io});
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(work.step(**vault));
    EXPECT_EQ(machine.disk(1).faults().fired(), 1U);
    EXPECT_LT((*vault)->status()->data_losses_survived, parity());
    ASSERT_TRUE((*vault)->close());
  }
  machine.disk(1).faults().clear();
  {
    auto vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    EXPECT_TRUE(heal(**vault).whole());
    ASSERT_TRUE((*vault)->commit_and_sync());
    ASSERT_TRUE((*vault)->commit_and_sync());
    expect_survives(**vault, static_cast<std::uint32_t>(parity()));
    ASSERT_TRUE((*vault)->close());
  }
  expect_any_may_go(machine, work, parity());
}

/// A vault with damage on as many volumes as there is parity, files missing and bits flipped.
void damage(SimulatedMachine& machine, std::size_t volumes, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (std::size_t d = 0; d < volumes; ++d) {
    for (const std::string& path : shards_on(machine.disk(d))) {
      const std::string bytes = machine.disk(d).content(path).value();
      if (random() % 2 == 0) {
        ASSERT_TRUE(machine.disk(d).erase(path));
      } else if (bytes.size() > 600) {
        ASSERT_TRUE(machine.disk(d).flip_bit(path, ByteOffset{512 + random() % 88}, 3));
      }
    }
  }
}

TEST_P(HealTest, ACrashAtAnyOperationOfItLosesNothingAndItStartsOver) {
  const std::uint64_t points = number_from("COFFER_SIM_POINTS", 8);
  std::uint64_t operations = 0;
  for (std::uint64_t i = 0; i <= points && !HasFailure(); ++i) {
    SCOPED_TRACE("crash point " + std::to_string(i) + " of " + std::to_string(operations));
    SimulatedMachine machine(GetParam());
    machine.shard_bytes_max = 1U << 20;
    Workload work(35);
    {
      auto vault = machine.open();
      ASSERT_TRUE(vault);
      for (int s = 0; s < 25; ++s) ASSERT_TRUE(work.step(**vault));
      ASSERT_TRUE((*vault)->close());
    }
    damage(machine, parity(), i);
    {
      auto vault = machine.open();
      ASSERT_TRUE(vault) << vault.error().context;
      const std::uint64_t begin = machine.clock().operations();
      if (i > 0) machine.clock().crash_at(begin + 1 + operations * (i - 1) / points);
      const auto receipt = (*vault)->heal({});
      if (i == 0) {
        ASSERT_TRUE(receipt) << receipt.error().context;
        operations = machine.clock().operations() - begin;
        ASSERT_GT(operations, 50U);
      }
      if (i % 2 == 0)
        machine.power_cut(i);
      else
        machine.kill();
    }
    auto vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    EXPECT_EQ(read_tree((*vault)->tree()) == work.states().back(), true);
    EXPECT_TRUE(heal(**vault).whole());
    const UpkeepReceipt receipt = scrub(**vault);
    EXPECT_EQ(receipt.shards_bad, 0U);
    expect_clean(**vault);
    ASSERT_TRUE((*vault)->close());
    vault->reset();
    expect_any_may_go(machine, work, parity());
  }
}

TEST_P(HealTest, AVolumeThatReturnsUnderAnOpenVaultIsCaughtUp) {
  SimulatedMachine machine(GetParam());
  Workload work(36);
  auto vault = machine.open();
  ASSERT_TRUE(vault);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(work.step(**vault));
  machine.disk(0).vanish();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(work.step(**vault));
  ASSERT_TRUE((*vault)->commit_and_sync());
  EXPECT_FALSE((*vault)->read_only());
  EXPECT_FALSE(heal(**vault).whole()) << "it is away";
  machine.disk(0).reappear();
  const UpkeepReceipt receipt = heal(**vault);
  EXPECT_TRUE(receipt.whole()) << receipt.unrepaired.front();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(work.step(**vault));
  ASSERT_TRUE((*vault)->commit_and_sync());
  ASSERT_TRUE((*vault)->commit_and_sync());
  expect_survives(**vault, static_cast<std::uint32_t>(parity()));
  EXPECT_EQ(scrub(**vault).shards_bad, 0U);
  expect_clean(**vault);
  ASSERT_TRUE((*vault)->close());
  vault->reset();
  expect_any_may_go(machine, work, parity());
}

TEST_P(HealTest, AnOldCopyThatReturnsUnderAnOpenVaultIsNotBelieved) {
  SimulatedMachine machine(GetParam());
  Workload work(37);
  {
    auto vault = machine.open();
    ASSERT_TRUE(vault);
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(work.step(**vault));
    ASSERT_TRUE((*vault)->close());
  }
  const MemoryDisk::Image old = machine.disk(0).snapshot();
  {
    auto vault = machine.open();
    ASSERT_TRUE(vault);
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(work.step(**vault));
    ASSERT_TRUE((*vault)->close());
  }
  machine.set_absent({0});
  auto vault = machine.open();
  ASSERT_TRUE(vault);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(work.step(**vault));
  machine.disk(0).restore(old);
  machine.set_absent({});
  EXPECT_TRUE(heal(**vault).whole());
  EXPECT_EQ(scrub(**vault).shards_bad, 0U);
  ASSERT_TRUE((*vault)->close());
  vault->reset();
  expect_any_may_go(machine, work, parity());
}

TEST_P(HealTest, AVolumeIsReplacedUnderWritesAndOthersMayGo) {
  for (const bool gone : {false, true}) {
    SCOPED_TRACE(gone ? "its disk is gone" : "its disk is well");
    SimulatedMachine machine(GetParam());
    machine.shard_bytes_max = 1U << 20;
    Workload work(38);
    auto vault = machine.open();
    ASSERT_TRUE(vault);
    for (int i = 0; i < 25; ++i) ASSERT_TRUE(work.step(**vault));
    if (gone) machine.disk(0).vanish();
    machine.add_disk();
    const std::size_t fresh = machine.disk_count() - 1;
    UpkeepOptions options;
    options.progress = [&](std::uint64_t, std::uint64_t) {
      EXPECT_TRUE(work.step(**vault));
      return true;
    };
    const auto receipt = (*vault)->replace_volume(0, machine.session(fresh), options);
    ASSERT_TRUE(receipt) << receipt.error().context;
    EXPECT_TRUE(receipt->whole()) << receipt->unrepaired.front();
    EXPECT_GT(receipt->files_rebuilt, 0U);
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(work.step(**vault));
    ASSERT_TRUE((*vault)->commit_and_sync());
    ASSERT_TRUE((*vault)->commit_and_sync());
    expect_survives(**vault, static_cast<std::uint32_t>(parity()));
    EXPECT_EQ(scrub(**vault).shards_bad, 0U);
    expect_clean(**vault);
    ASSERT_TRUE((*vault)->close());
    vault->reset();
    machine.disk(0).reappear();
    // The old one never counts again, there or not.
    for (std::size_t a = 1; a <= fresh; ++a) {
      for (std::size_t b = a + 1; b < (parity() == 2 ? fresh + 1 : a + 2); ++b) {
        machine.set_absent(parity() == 2 ? std::set<std::size_t>{a, b} : std::set<std::size_t>{a});
        auto looking = machine.open_read_only();
        ASSERT_TRUE(looking) << looking.error().context;
        EXPECT_EQ(read_tree((*looking)->tree()) == work.states().back(), true) << a << " " << b;
      }
    }
  }
}

TEST_P(HealTest, ACrashAtAnyOperationOfAReplacementLosesNothingAndItIsRunAgain) {
  const std::uint64_t points = number_from("COFFER_SIM_POINTS", 12);
  std::uint64_t operations = 0;
  for (std::uint64_t i = 0; i <= points && !HasFailure(); ++i) {
    SCOPED_TRACE("crash point " + std::to_string(i) + " of " + std::to_string(operations));
    SimulatedMachine machine(GetParam());
    machine.shard_bytes_max = 1U << 20;
    Workload work(39);
    {
      auto vault = machine.open();
      ASSERT_TRUE(vault);
      for (int s = 0; s < 20; ++s) ASSERT_TRUE(work.step(**vault));
      ASSERT_TRUE((*vault)->commit_and_sync());
      machine.add_disk();
      auto session = machine.session(machine.disk_count() - 1);
      const std::uint64_t begin = machine.clock().operations();
      if (i > 0) machine.clock().crash_at(begin + 1 + operations * (i - 1) / points);
      const auto receipt = (*vault)->replace_volume(0, std::move(session), {});
      if (i == 0) {
        ASSERT_TRUE(receipt) << receipt.error().context;
        operations = machine.clock().operations() - begin;
      }
      if (i % 2 == 0)
        machine.power_cut(i);
      else
        machine.kill();
    }
    const std::size_t fresh = machine.disk_count() - 1;
    // Sometimes the old disk is not there any more.
    if (i % 3 == 0) machine.set_absent({0});
    {
      auto vault = machine.open();
      ASSERT_TRUE(vault) << vault.error().context;
      EXPECT_EQ(read_tree((*vault)->tree()) == work.states().back(), true);
      expect_clean(**vault);
      if (const auto old = member_at(**vault, "memory:d0")) {
        const auto receipt = (*vault)->replace_volume(*old, machine.session(fresh), {});
        ASSERT_TRUE(receipt) << receipt.error().context;
      }
      const UpkeepReceipt receipt = heal(**vault);
      EXPECT_TRUE(receipt.whole()) << receipt.unrepaired.front();
      ASSERT_TRUE((*vault)->commit_and_sync());
      ASSERT_TRUE((*vault)->commit_and_sync());
      expect_survives(**vault, static_cast<std::uint32_t>(parity()));
      EXPECT_EQ(scrub(**vault).shards_bad, 0U);
      ASSERT_TRUE((*vault)->close());
    }
    std::set<std::size_t> away{0};
    for (std::size_t p = 0; p < parity(); ++p) away.insert(1 + (i + p) % fresh);
    machine.set_absent(away);
    auto vault = machine.open_read_only();
    ASSERT_TRUE(vault) << vault.error().context;
    EXPECT_EQ(read_tree((*vault)->tree()) == work.states().back(), true);
  }
}

INSTANTIATE_TEST_SUITE_P(Geometries, HealTest,
                         testing::Values(Geometry{1, 1}, Geometry{2, 2}, Geometry{4, 2}));

TEST(Heal, WithoutParityItSaysWhatIsLostAndChangesNothing) {
  SimulatedMachine machine({1, 0});
  const std::string content = pattern(300'000, 'b');
  const InodeId file = leave_one_file(machine, content);
  const std::vector<std::string> shards = shards_on(machine.disk(0));
  ASSERT_EQ(shards.size(), 1U);
  ASSERT_TRUE(machine.disk(0).flip_bit(shards.front(), ByteOffset{100'000}, 3));
  const std::string damaged = machine.disk(0).content(shards.front()).value();
  auto vault = machine.open();
  ASSERT_TRUE(vault);
  const UpkeepReceipt receipt = heal(**vault);
  EXPECT_FALSE(receipt.whole());
  ASSERT_EQ(receipt.segments.size(), 1U);
  EXPECT_EQ(receipt.segments.front().lost.size(), 1U);
  EXPECT_EQ(machine.disk(0).content(shards.front()).value() == damaged, true);
  EXPECT_EQ(read_back((*vault)->tree(), file, 0, 16'384) == content.substr(0, 16'384), true);
}

TEST(Heal, OneAtATimeAndClosingStopsIt) {
  SimulatedMachine machine({2, 1});
  leave_one_file(machine, pattern(3'000'000, 'q'));
  auto vault = machine.open();
  ASSERT_TRUE(vault);
  UpkeepOptions options;
  options.progress = [&](std::uint64_t, std::uint64_t) {
    const auto second = (*vault)->scrub({});
    EXPECT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::Busy);
    return false;
  };
  const auto stopped = (*vault)->heal(options);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::Cancelled);
  (*vault)->end_upkeep();
  const auto refused = (*vault)->heal({});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::ShuttingDown);
  EXPECT_TRUE((*vault)->close());
}

}  // namespace
}  // namespace coffer::sim
