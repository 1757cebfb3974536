/// What heal and scrub cannot mend is never passed over: it is in the receipt, and stays on the durable list
/// (docs/architecture.md, "Invariants", 3 and 12; docs/decisions/0012).

#include <algorithm>

#include "tests/sim/upkeep_checks.h"

namespace coffer::sim {
namespace {

bool tells(const std::vector<std::string>& lines, std::string_view words) {
  return std::ranges::any_of(
      lines, [&](const std::string& line) { return line.find(words) != std::string::npos; });
}

constexpr std::string_view kNoHeader = "no volume has a header of it that can be read";

/// The headers of the first stripe in every shard file.
void break_headers_of_first_stripe(SimulatedMachine& machine) {
  for (std::size_t d = 0; d < machine.disk_count(); ++d) {
    for (const std::string& path : shards_on(machine.disk(d))) {
      if (machine.disk(d).content(path).value().size() > 512) {
        ASSERT_TRUE(machine.disk(d).flip_bit(path, ByteOffset{20}, 1));
      }
    }
  }
}

class LostStripes : public testing::TestWithParam<Geometry> {};

TEST_P(LostStripes, WithoutAnyHeaderTheyAreToldAndListed) {
  SimulatedMachine machine(GetParam());
  leave_one_file(machine, pattern(9'000'000, 'h'));
  break_headers_of_first_stripe(machine);
  for (int round = 0; round < 2; ++round) {
    SCOPED_TRACE(round);
    auto vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    const UpkeepReceipt looked = scrub(**vault, false);
    EXPECT_TRUE(tells(looked.unrepaired, kNoHeader));
    const UpkeepReceipt found = scrub(**vault);
    EXPECT_FALSE(found.whole());
    EXPECT_TRUE(tells(found.unrepaired, kNoHeader));
    EXPECT_GT((*vault)->status()->degraded_stripes, 0U) << "it is on no list";
    EXPECT_EQ((*vault)->status()->data_losses_survived, 0U);
    EXPECT_TRUE(tells(heal(**vault).unrepaired, kNoHeader));
    EXPECT_GT((*vault)->status()->degraded_stripes, 0U) << "heal took it for healed";
    ASSERT_TRUE((*vault)->close());
  }
}

TEST_P(LostStripes, AReplacedVolumeDoesNotMakeThemWhole) {
  SimulatedMachine machine(GetParam());
  leave_one_file(machine, pattern(9'000'000, 'h'));
  break_headers_of_first_stripe(machine);
  for (const bool gone : {false, true}) {
    SCOPED_TRACE(gone ? "its disk is gone" : "its disk is well");
    auto vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    const std::size_t old = machine.disk_count() - (gone ? 1 : 2);
    machine.add_disk();
    const std::string path = "memory:" + machine.disk(old).name();
    const auto member = member_at(**vault, path);
    ASSERT_TRUE(member) << path;
    if (gone) machine.disk(old).vanish();
    const auto receipt =
        (*vault)->replace_volume(*member, machine.session(machine.disk_count() - 1), {});
    ASSERT_TRUE(receipt) << receipt.error().context;
    EXPECT_TRUE(tells(receipt->unrepaired, kNoHeader));
    EXPECT_GT((*vault)->status()->degraded_stripes, 0U);
    ASSERT_TRUE((*vault)->close());
  }
}

TEST_P(LostStripes, FilesThatAreCutEverywhereAreTold) {
  SimulatedMachine machine(GetParam());
  leave_one_file(machine, pattern(9'000'000, 'c'));
  for (std::size_t d = 0; d < machine.disk_count(); ++d)
    for (const std::string& path : shards_on(machine.disk(d)))
      ASSERT_TRUE(machine.disk(d).set_content(path, ""));
  auto vault = machine.open();
  ASSERT_TRUE(vault) << vault.error().context;
  EXPECT_TRUE(tells(scrub(**vault).unrepaired, kNoHeader));
  EXPECT_GT((*vault)->status()->degraded_stripes, 0U);
}

INSTANTIATE_TEST_SUITE_P(Geometries, LostStripes,
                         testing::Values(Geometry{1, 1}, Geometry{2, 2}, Geometry{4, 2}));

/// A change that no CRC32C notices: the polynomial's 33 bits.
void forge(MemoryDisk& disk, const std::string& path, std::size_t at) {
  const std::uint64_t polynomial = 0x1'1EDC'6F41ULL;
  for (unsigned i = 0; i < 33; ++i) {
    if ((polynomial >> (32 - i) & 1U) != 0) {
      ASSERT_TRUE(disk.flip_bit(path, ByteOffset{at + i / 8}, i % 8));
    }
  }
}

TEST(Scrub, ChunksThatDoNotVerifyAreInTheReceiptThoughTheirShardsAgree) {
  SimulatedMachine machine({1, 0});
  leave_one_file(machine, pattern(300'000, 't'));
  forge(machine.disk(0), shards_on(machine.disk(0)).front(), 100'000);
  for (const bool repair : {true, false}) {
    auto vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    const UpkeepReceipt receipt = scrub(**vault, repair);
    EXPECT_FALSE(receipt.whole());
    EXPECT_TRUE(tells(receipt.unrepaired, "do not verify"));
    EXPECT_EQ(receipt.files_rebuilt, 0U);
    ASSERT_TRUE((*vault)->close());
  }
}

TEST(Scrub, AReadOnlyVaultTellsOfBadShardsToo) {
  SimulatedMachine machine({2, 1});
  leave_one_file(machine, pattern(3'000'000, 'r'));
  ASSERT_TRUE(machine.disk(1).flip_bit(shards_on(machine.disk(1)).front(), ByteOffset{5'000}, 1));
  auto vault = machine.open_read_only();
  ASSERT_TRUE(vault) << vault.error().context;
  const UpkeepReceipt receipt = scrub(**vault);
  EXPECT_EQ(receipt.shards_bad, 1U);
  EXPECT_TRUE(tells(receipt.unrepaired, "only looked at"));
}

TEST(Scrub, WithoutRepairLooksAtSuperblocksAndKeySlotsToo) {
  SimulatedMachine machine({2, 1});
  {
    auto vault = machine.open_read_only();
    ASSERT_TRUE(vault) << vault.error().context;
    const UpkeepReceipt fresh = scrub(**vault, false);
    EXPECT_TRUE(fresh.whole()) << fresh.unrepaired.front();
  }
  leave_one_file(machine, pattern(300'000, 's'));
  const auto look = [&] {
    auto vault = machine.open_read_only();
    EXPECT_TRUE(vault) << vault.error().context;
    return vault ? scrub(**vault, false) : UpkeepReceipt{};
  };
  EXPECT_TRUE(look().whole());
  for (const char* file : {"superblock.0", "superblock.1", "keyslots.0", "keyslots.1"}) {
    SCOPED_TRACE(file);
    const std::string right = machine.disk(1).content(file).value();
    ASSERT_TRUE(machine.disk(1).flip_bit(file, ByteOffset{right.size() / 3}, 2));
    const UpkeepReceipt receipt = look();
    EXPECT_FALSE(receipt.whole());
    EXPECT_EQ(receipt.bad.size(), 1U);
    ASSERT_TRUE(machine.disk(1).set_content(file, right));
  }
  EXPECT_TRUE(look().whole());
  // Both copies as they were once: each of them verifies.
  const std::string old[] = {machine.disk(1).content("superblock.0").value(),
                             machine.disk(1).content("superblock.1").value()};
  auto vault = machine.open();
  ASSERT_TRUE(vault);
  ASSERT_TRUE(machine.disk(1).set_content("superblock.0", old[0]));
  ASSERT_TRUE(machine.disk(1).set_content("superblock.1", old[1]));
  EXPECT_FALSE(scrub(**vault, false).whole());
  EXPECT_TRUE(scrub(**vault).whole());
  EXPECT_TRUE(scrub(**vault, false).whole());
}

TEST(Heal, AMirrorThatCannotBeMadeLeavesNothingBehind) {
  SimulatedMachine machine({2, 2});
  leave_one_file(machine, pattern(300'000, 'm'));
  auto vault = machine.open();
  ASSERT_TRUE(vault) << vault.error().context;
  std::size_t without = machine.disk_count();
  const auto status = (*vault)->status();
  ASSERT_TRUE(status);
  for (const VolumeStatus& volume : status->volumes)
    if (!volume.metadata) without = volume.index;
  ASSERT_LT(without, machine.disk_count());
  machine.disk((without + 1) % machine.disk_count()).vanish();
  ASSERT_TRUE((*vault)->commit_and_sync());
  const auto directories = [&] {
    const auto paths = machine.disk(without).paths();
    return std::ranges::count_if(paths,
                                 [](const std::string& p) { return p.starts_with("meta."); });
  };
  for (int round = 0; round < 40; ++round) {
    machine.disk(without).faults().add({.kind = IoKind::AreaAppend,
                                        .path_contains = "meta.",
                                        .nth = 1,
                                        .effect = FaultEffect::NoSpace,
                                        .repeat = Fault::Repeat::Forever});
    EXPECT_TRUE(tells(heal(**vault).unrepaired, "no metadata mirror")) << round;
    EXPECT_EQ(directories(), 0) << round;
  }
  machine.disk(without).faults().clear();
  EXPECT_EQ(heal(**vault).mirrors_made, 1U);
  EXPECT_GT(directories(), 0);
}

}  // namespace
}  // namespace coffer::sim
