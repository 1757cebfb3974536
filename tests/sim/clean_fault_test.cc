/// Cleaning where something is in its way: bytes that cannot be read, copies that cannot be written, segments that look emptier than
/// they are (docs/decisions/0014).

#include "tests/sim/one_file.h"
#include "tests/sim/simulated_machine.h"
#include "vault/upkeep/cleaning.h"

namespace coffer::sim {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

Cleaning::Wish everything() {
  Cleaning::Wish wish;
  wish.dead_share_min = 0;
  wish.dead_bytes_min = 1;
  return wish;
}

CleaningPace at_once() {
  return {[] { return Result<void>(); }, [](std::uint64_t) { return Result<void>(); }};
}

/// A file of which half of every segment is dead.
InodeId half_dead(VaultService& vault, const char* name, std::uint64_t size) {
  Tree& tree = vault.tree();
  const InodeId file = make_file(tree, name);
  for (std::uint64_t at = 0; at < size; at += 65'536)
    EXPECT_TRUE(tree.write(file, at, as_bytes(pattern(65'536, 'h'))));
  for (std::uint64_t at = 0; at < size; at += 65'536)
    EXPECT_TRUE(tree.allocate(file, AllocateMode::PunchHole, at, 32'768));
  EXPECT_TRUE(vault.commit_and_sync());
  EXPECT_TRUE(vault.segments().seal_open());
  EXPECT_TRUE(vault.commit_and_sync());
  return file;
}

bool still_half(VaultService& vault, InodeId file, std::uint64_t size) {
  const std::string want = std::string(32'768, '\0') + pattern(65'536, 'h').substr(32'768);
  for (std::uint64_t at = 0; at < size; at += 65'536)
    if (read_back(vault.tree(), file, at, 65'536) != want) return false;
  return true;
}

TEST(CleanFaults, WhatCannotBeReadKeepsNoOtherSegmentFromBeingCleaned) {
  SimulatedMachine machine({1, 0});
  machine.shard_bytes_max = kMiB;
  const InodeId bad = leave_one_file(machine, pattern(480'000, 'b'));
  for (const std::string& path : machine.disk(0).paths())
    if (path.ends_with(".shard")) {
      ASSERT_TRUE(machine.disk(0).flip_bit(path, ByteOffset{400'000}, 3));
    }
  auto vault = machine.open();
  ASSERT_TRUE(vault) << vault.error().context;
  // The oldest, and half dead: always the first choice.
  ASSERT_TRUE((*vault)->tree().allocate(bad, AllocateMode::PunchHole, 0, 300'000));
  const InodeId file = half_dead(**vault, "f", 4 * kMiB);
  CleaningReceipt receipt;
  Cleaning::Wish one_by_one = everything();
  one_by_one.live_bytes = 1;
  for (int round = 0; round < 50; ++round) {
    const auto done = (*vault)->cleaning().round(one_by_one, receipt, at_once());
    ASSERT_TRUE(done) << done.error().context;
    if (*done == Cleaning::Outcome::Nothing) break;
  }
  EXPECT_GE(receipt.segments_freed, 3U);
  EXPECT_FALSE(receipt.unmoved.empty());
  EXPECT_TRUE(still_half(**vault, file, 4 * kMiB));
  EXPECT_EQ(read_back((*vault)->tree(), bad, 310'000, 10'000),
            pattern(480'000, 'b').substr(310'000, 10'000));
  expect_clean(**vault);
}

TEST(CleanFaults, CopiesThatFindNoRoomAreForgottenAndTheVaultGoesOn) {
  SimulatedMachine machine({1, 0});
  machine.shard_bytes_max = kMiB;
  auto vault = machine.open();
  ASSERT_TRUE(vault) << vault.error().context;
  const InodeId file = half_dead(**vault, "f", 4 * kMiB);
  // Another program takes the room that there was when the copies were begun.
  CleaningReceipt receipt;
  const auto failed = (*vault)->cleaning().round(
      everything(), receipt,
      {[&] {
         machine.disk(0).set_capacity(ByteCount(machine.disk(0).used().value() + 100'000));
         return Result<void>();
       },
       [](std::uint64_t) { return Result<void>(); }});
  EXPECT_FALSE(failed);
  EXPECT_EQ(receipt.bytes_moved, 0U);
  EXPECT_FALSE((*vault)->read_only());
  EXPECT_TRUE(still_half(**vault, file, 4 * kMiB));
  machine.disk(0).set_capacity(ByteCount(1024 * kMiB));
  const InodeId more = make_file((*vault)->tree(), "more");
  EXPECT_TRUE((*vault)->tree().write(more, 0, as_bytes(pattern(300'000, 'm'))));
  EXPECT_TRUE((*vault)->tree().sync_file(more));
  const auto done = (*vault)->cleaning().round(everything(), receipt, at_once());
  ASSERT_TRUE(done) << done.error().context;
  EXPECT_EQ(*done, Cleaning::Outcome::Freed);
  EXPECT_TRUE(still_half(**vault, file, 4 * kMiB));
  expect_clean(**vault);
  EXPECT_TRUE((*vault)->close());
}

TEST(CleanFaults, StripesThatWereClosedEarlyAreNotTakenForDead) {
  SimulatedMachine machine({4, 2});
  machine.shard_bytes_max = kMiB;
  auto vault = machine.open();
  ASSERT_TRUE(vault) << vault.error().context;
  for (int i = 0; i < 60; ++i) {
    const InodeId file = make_file((*vault)->tree(), "s" + std::to_string(i));
    ASSERT_TRUE((*vault)->tree().write(file, 0, as_bytes(pattern(40'000, 's'))));
    ASSERT_TRUE((*vault)->tree().sync_file(file));
  }
  for (int opening = 0; opening < 2; ++opening) {
    const auto receipt = (*vault)->clean({});
    ASSERT_TRUE(receipt) << receipt.error().context;
    EXPECT_EQ(receipt->bytes_copied, 0U) << "opening " << opening;
    EXPECT_LT((*vault)->cleaning().use().dead_share(), 0.05) << "opening " << opening;
    ASSERT_TRUE((*vault)->close());
    vault->reset();
    vault = machine.open();  // what was appended is asked of the owner indexes now
    ASSERT_TRUE(vault) << vault.error().context;
  }
}

TEST(CleanFaults, WhoWaitsForRunningAppendsDoesNotWaitForARest) {
  SimulatedMachine machine({1, 0});
  machine.shard_bytes_max = kMiB;
  auto vault = machine.open();
  ASSERT_TRUE(vault) << vault.error().context;
  half_dead(**vault, "f", 4 * kMiB);
  int rests = 0;
  CleaningReceipt receipt;
  const auto done = (*vault)->cleaning().round(everything(), receipt,
                                               {[] { return Result<void>(); },
                                                [&](std::uint64_t bytes) {
                                                  EXPECT_GT(bytes, 0U);
                                                  ++rests;
                                                  return (*vault)->ledger().wait_for_appends({});
                                                }});
  ASSERT_TRUE(done) << done.error().context;
  EXPECT_GT(rests, 0);
}

}  // namespace
}  // namespace coffer::sim
