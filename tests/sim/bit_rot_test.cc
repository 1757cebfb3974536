/// Flipped bits and lost files: right bytes, or an error of what they touch, and what was damaged is made whole.

#include <random>
#include <set>

#include "tests/sim/one_file.h"
#include "tests/sim/simulated_machine.h"
#include "tests/sim/tree_model.h"
#include "vault/volume/superblock.h"

namespace coffer::sim {
namespace {

class BitRotTest : public testing::TestWithParam<std::tuple<Geometry, CipherId>> {};

TEST_P(BitRotTest, AFlippedBitAnywhereOnOneVolumeGivesRightBytes) {
  SimulatedMachine machine(std::get<Geometry>(GetParam()), std::get<CipherId>(GetParam()));
  Workload work(21);
  {
    auto vault = machine.open();
    ASSERT_TRUE(vault);
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(work.step(**vault));
    ASSERT_TRUE((*vault)->close());
  }
  std::mt19937_64 random(4);
  for (const std::string& path : machine.disk(0).paths()) {
    const auto content = machine.disk(0).content(path);
    if (!content || content->empty()) continue;
    SCOPED_TRACE(path);
    ASSERT_TRUE(machine.disk(0).flip_bit(path, ByteOffset{random() % content->size()}, 1));
    auto vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    EXPECT_EQ(read_tree((*vault)->tree()) == work.states().back(), true);
    ASSERT_TRUE((*vault)->close());
  }
}

INSTANTIATE_TEST_SUITE_P(
    Geometries, BitRotTest,
    testing::Combine(testing::Values(Geometry{1, 1}, Geometry{2, 2}, Geometry{4, 2}),
                     testing::Values(CipherId::Aes256Gcm, CipherId::XChaCha20Poly1305)));

/// The metadata directories of a machine's only disk.
std::set<std::string> meta_directories(MemoryDisk& disk) {
  std::set<std::string> found;
  for (const std::string& path : disk.paths()) {
    if (path.starts_with("meta.")) found.insert(path.substr(0, path.find('/')));
  }
  return found;
}

TEST(BitRot, WithoutParityAFlippedBitInTheMetadataGivesRightBytes) {
  SimulatedMachine machine({1, 0});
  Workload work(23);
  {
    auto vault = machine.open();
    ASSERT_TRUE(vault);
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(work.step(**vault));
    ASSERT_TRUE((*vault)->close());
  }
  MemoryDisk& disk = machine.disk(0);
  std::mt19937_64 random(9);
  for (const std::string_view kind : {".sst", ".log", "CURRENT", "MANIFEST", "OPTIONS", "IDENTITY",
                                      "superblock.0", "superblock.1", "keyslots", "lock.record"}) {
    for (std::size_t round = 0; round < 12; ++round) {
      std::vector<std::string> paths;
      for (const std::string& path : disk.paths()) {
        const auto content = disk.content(path);
        if (content && !content->empty() && path.find(kind) != std::string::npos)
          paths.push_back(path);
      }
      if (paths.empty() && kind == "IDENTITY") continue;  // made anew by an opening at the earliest
      ASSERT_FALSE(paths.empty()) << kind;
      const std::string path = paths[round % paths.size()];
      SCOPED_TRACE(path);
      const std::string right = disk.content(path).value();
      ASSERT_TRUE(disk.flip_bit(path, ByteOffset{random() % right.size()}, round % 8));
      const std::string wrong = disk.content(path).value();
      auto vault = machine.open();
      ASSERT_TRUE(vault) << vault.error().context;
      EXPECT_FALSE((*vault)->read_only());
      EXPECT_EQ(read_tree((*vault)->tree()) == work.states().back(), true);
      ASSERT_TRUE(work.step(**vault));
      ASSERT_TRUE((*vault)->close());
      // Nobody reads a second copy while the first one is right; the next round is about one flipped bit again.
      for (const std::string& left : disk.paths()) {
        if (disk.content(left) == wrong) {
          ASSERT_TRUE(disk.set_content(left, right));
        }
      }
    }
  }
  EXPECT_EQ(meta_directories(disk).size(), 2U);
}

TEST(BitRot, AfterAKillAFlippedBitInEitherSuperblockOfALoneVolumeChangesNothing) {
  SimulatedMachine machine({1, 0});
  MemoryDisk& disk = machine.disk(0);
  Workload work(25);
  std::mt19937_64 random(10);
  for (unsigned round = 0; round < 8; ++round) {
    auto vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    ASSERT_FALSE((*vault)->read_only()) << "round " << round;
    EXPECT_EQ(read_tree((*vault)->tree()) == work.states().back(), true);
    ASSERT_TRUE(work.step(**vault));
    machine.kill();
    vault->reset();
    ASSERT_TRUE(disk.flip_bit("superblock." + std::to_string(round / 2 % 2),
                              ByteOffset{random() % Superblock::kBytes}, round));
  }
}

TEST(BitRot, ALostSecondCopyOfTheMetadataIsMadeAnew) {
  SimulatedMachine machine({1, 0});
  MemoryDisk& disk = machine.disk(0);
  Workload work(24);
  const auto erase = [&disk](const std::string& directory) {
    for (const std::string& path : disk.paths()) {
      if (path.starts_with(directory + "/")) {
        ASSERT_TRUE(disk.erase(path));
      }
    }
  };
  for (std::size_t which = 0; which < 4; ++which) {
    const std::set<std::string> directories = meta_directories(disk);
    ASSERT_EQ(directories.size(), 2U);
    erase(*std::next(directories.begin(), static_cast<std::ptrdiff_t>(which % 2)));
    for (int opening = 0; opening < 2; ++opening) {  // the first one goes on with one copy
      auto vault = machine.open();
      ASSERT_TRUE(vault) << vault.error().context;
      for (int i = 0; i < 10; ++i) ASSERT_TRUE(work.step(**vault));
      EXPECT_EQ(read_tree((*vault)->tree()) == work.states().back(), true);
      EXPECT_EQ((*vault)->status()->metadata_losses_survived, 0U);
      ASSERT_TRUE((*vault)->close());
    }
  }
}

TEST(BitRot, ADiskWithoutRoomForASecondCopyOfTheMetadataOpens) {
  SimulatedMachine machine({1, 0});
  MemoryDisk& disk = machine.disk(0);
  Workload work(25);
  const auto use = [&](std::size_t copies) {
    auto vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    EXPECT_FALSE((*vault)->read_only());
    EXPECT_EQ(read_tree((*vault)->tree()) == work.states().back(), true);
    disk.faults().clear();
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(work.step(**vault));
    ASSERT_TRUE((*vault)->close());
    EXPECT_EQ(meta_directories(disk).size(), copies);
  };
  ASSERT_TRUE(work.step(**machine.open()));
  machine.kill();
  use(2);
  const std::string lost = *meta_directories(disk).begin();
  for (const std::string& path : disk.paths()) {
    if (path.starts_with(lost + "/") && path.ends_with(".sst")) {
      ASSERT_TRUE(disk.erase(path));
    }
  }
  {
    auto vault = machine.open();
    ASSERT_TRUE(vault);
    ASSERT_TRUE(work.step(**vault));
    machine.kill();
  }
  disk.faults().add(
      {.kind = IoKind::AreaCreate, .path_contains = ".sst", .effect = FaultEffect::NoSpace});
  use(1);
  EXPECT_EQ(disk.faults().fired(), 1U);
  use(2);
}

TEST(BitRot, NoSecondCopyOfTheMetadataGoesIntoTheReserve) {
  SimulatedMachine machine({1, 0});
  MemoryDisk& disk = machine.disk(0);
  const auto copies_after_recovery = [&](std::uint64_t free) {
    {
      auto killed = machine.open();
      EXPECT_TRUE(killed) << killed.error().context;
      machine.kill();
    }
    disk.set_capacity(ByteCount(disk.used().value() + free));
    auto vault = machine.open();
    EXPECT_TRUE(vault) << vault.error().context;
    EXPECT_FALSE((*vault)->read_only());
    EXPECT_TRUE((*vault)->close());
    return meta_directories(disk).size();
  };
  constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
  EXPECT_EQ(copies_after_recovery(200 * kMiB), 2U);
  EXPECT_EQ(copies_after_recovery(12 * kMiB), 1U) << "less than the reserve is free";
  disk.set_capacity(ByteCount(disk.used().value() + 200 * kMiB));
  EXPECT_EQ(copies_after_recovery(200 * kMiB), 2U);
}

TEST(BitRot, WithoutParityItIsAnErrorAndNeverOtherBytes) {
  SimulatedMachine machine({1, 0});
  const std::string content = pattern(300'000, 'b');
  const InodeId file = leave_one_file(machine, content);
  for (const std::string& path : machine.disk(0).paths()) {
    if (!path.ends_with(".shard")) continue;
    ASSERT_TRUE(machine.disk(0).flip_bit(path, ByteOffset{100'000}, 3));
  }
  auto vault = machine.open();
  ASSERT_TRUE(vault);
  EXPECT_EQ(read_back((*vault)->tree(), file, 0, content.size()), "<Io>");
  EXPECT_EQ(read_back((*vault)->tree(), file, 0, 16'384) == content.substr(0, 16'384), true)
      << "that extent alone";
}

}  // namespace
}  // namespace coffer::sim
