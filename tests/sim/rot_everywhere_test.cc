/// A thousand bits rot over all files of as many volumes as there is parity: shards, metadata, superblocks, key slots, lock files
/// (docs/architecture.md, "Invariants", 8).
///
/// COFFER_SIM_ROUNDS=<n> takes n rounds of it instead of one.

#include <random>

#include "tests/sim/upkeep_checks.h"
#include "vault/upkeep/keyless_scrub.h"

namespace coffer::sim {
namespace {

constexpr int kFlips = 1000;

/// Which shards, without what is wrong with them: keys tell more.
std::set<std::string> shards_in(const UpkeepReceipt& receipt) {
  std::set<std::string> found;
  for (const std::string& line : receipt.bad)
    if (line.starts_with("segment ")) found.insert(line.substr(0, line.find(':')));
  return found;
}

class RotEverywhere : public testing::TestWithParam<Geometry> {
 protected:
  RotEverywhere() : machine(GetParam()) { machine.shard_bytes_max = 1U << 20; }
  struct File {
    std::size_t disk;
    std::string path;
    std::uint64_t bytes;
  };
  void flip(const File& file, std::mt19937_64& random) {
    ASSERT_TRUE(machine.disk(file.disk).flip_bit(file.path, ByteOffset{random() % file.bytes},
                                                 static_cast<unsigned>(random() % 8)));
  }
  /// On volumes first, first + 1, …: anywhere in their bytes, and in each of their small files that tell which volume it is, but for
  /// one of a kind. Where nothing tells that any more, the volume is to be replaced.
  void rot(std::size_t first, std::mt19937_64& random) {
    std::vector<File> files;
    std::uint64_t total = 0;
    for (std::size_t d = 0; d < GetParam().m; ++d) {
      const std::size_t disk = (first + d) % machine.disk_count();
      for (const std::string& path : machine.disk(disk).paths()) {
        const auto bytes = machine.disk(disk).content(path);
        if (!bytes || bytes->empty()) continue;
        const File file{disk, path, bytes->size()};
        if (path.ends_with(".0")) flip(file, random);
        if (path.starts_with("superblock.") || path.starts_with("keyslots.")) continue;
        files.push_back(file);
        total += file.bytes;
      }
    }
    ASSERT_GT(files.size(), 5U);
    for (int i = 0; i < kFlips; ++i) {
      std::uint64_t at = random() % total;
      std::size_t chosen = 0;
      while (at >= files[chosen].bytes) at -= files[chosen++].bytes;
      flip(files[chosen], random);
    }
  }
  std::set<std::string> scrub_without_keys(VaultUuid vault) {
    VolumeSet volumes;
    for (std::size_t i = 0; i < machine.disk_count(); ++i)
      volumes.set(static_cast<std::uint8_t>(i), machine.session(i), VolumeSet::State::Current);
    const auto receipt = scrub_keyless(volumes, vault, {});
    EXPECT_TRUE(receipt) << receipt.error().context;
    return receipt ? shards_in(*receipt) : std::set<std::string>{};
  }
  SimulatedMachine machine;
};

TEST_P(RotEverywhere, ScrubFindsAndMendsAllThatMattersAndTheSecondOneIsClean) {
  const std::uint64_t seed = 71;
  std::mt19937_64 random(seed);
  Workload work(seed);
  Uuid uuid;
  {
    auto vault = machine.open();
    ASSERT_TRUE(vault);
    uuid = (*vault)->uuid();
    for (int i = 0; i < 60; ++i) ASSERT_TRUE(work.step(**vault));
    ASSERT_TRUE((*vault)->close());
  }
  const std::uint64_t rounds = number_from("COFFER_SIM_ROUNDS", 1);
  for (std::uint64_t round = 0; round < rounds && !HasFailure(); ++round) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", round " + std::to_string(round));
    rot(round, random);
    const std::set<std::string> keyless = scrub_without_keys(VaultUuid(uuid));
    EXPECT_GT(keyless.size(), 5U);
    auto vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    ASSERT_FALSE((*vault)->read_only());
    const UpkeepReceipt found = scrub(**vault);
    EXPECT_TRUE(found.whole()) << found.unrepaired.front();
    EXPECT_EQ(shards_in(found) == keyless, true)
        << shards_in(found).size() << " " << keyless.size();
    const UpkeepReceipt again = scrub(**vault);
    EXPECT_TRUE(again.whole());
    EXPECT_TRUE(again.bad.empty()) << again.bad.front();
    EXPECT_EQ(read_tree((*vault)->tree()) == work.states().back(), true);
    ASSERT_TRUE((*vault)->commit_and_sync());
    ASSERT_TRUE((*vault)->commit_and_sync());
    expect_survives(**vault, GetParam().m);
    expect_clean(**vault);
    ASSERT_TRUE((*vault)->close());
    vault->reset();
    EXPECT_TRUE(scrub_without_keys(VaultUuid(uuid)).empty());
  }
  expect_any_may_go(machine, work, GetParam().m);
}

INSTANTIATE_TEST_SUITE_P(Geometries, RotEverywhere,
                         testing::Values(Geometry{1, 1}, Geometry{2, 2}, Geometry{4, 2}));

}  // namespace
}  // namespace coffer::sim
