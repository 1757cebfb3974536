/// Single faults and odd histories on simulated disks: each of these once lost data or lied in a walk through the code.

#include "tests/sim/one_file.h"
#include "tests/sim/simulated_machine.h"
#include "tests/sim/tree_model.h"

namespace coffer::sim {
namespace {

TEST(SharedExtents, CopiesOfAnOverwrittenFileAreCountedOnceAndFreedOnce) {
  SimulatedMachine machine({2, 1});
  auto opened = machine.open();
  ASSERT_TRUE(opened) << opened.error().context;
  VaultService& vault = **opened;
  Tree& tree = vault.tree();
  const InodeId bystander = make_file(tree, "bystander");
  const std::string stays = pattern(60'000, 'A');
  ASSERT_TRUE(tree.write(bystander, 0, as_bytes(stays)));
  ASSERT_TRUE(tree.commit_file(bystander));

  // The overwritten middle of a chunk leaves its two ends as extents of their own, with another extent in between.
  const InodeId source = make_file(tree, "source");
  std::string content = pattern(48 * 1024, 'a');
  ASSERT_TRUE(tree.write(source, 0, as_bytes(content)));
  ASSERT_TRUE(tree.commit_file(source));
  const std::string middle = pattern(4096, 'k');
  ASSERT_TRUE(tree.write(source, 20 * 1024, as_bytes(middle)));
  content.replace(20 * 1024, middle.size(), middle);
  ASSERT_TRUE(tree.commit_file(source));

  const InodeId copy = make_file(tree, "copy");
  const auto copied = tree.copy_range(source, 0, copy, 0, content.size());
  ASSERT_TRUE(copied) << copied.error().context;
  EXPECT_EQ(*copied, content.size());
  EXPECT_EQ(read_back(tree, copy, 0, content.size()) == content, true);
  expect_clean(vault);
  ASSERT_TRUE(tree.write(copy, 1000, as_bytes(pattern(30'000, 'p'))));
  ASSERT_TRUE(tree.commit_file(copy));
  EXPECT_EQ(read_back(tree, source, 0, content.size()) == content, true);
  expect_clean(vault);
  ASSERT_TRUE(tree.unlink(kRootInode, "source"));
  expect_clean(vault);
  ASSERT_TRUE(tree.unlink(kRootInode, "copy"));
  expect_clean(vault);
  ASSERT_TRUE(vault.segments().seal_open());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(vault.commit_and_sync());
  EXPECT_EQ(read_back(tree, bystander, 0, stays.size()) == stays, true);
  expect_clean(vault);
}

TEST(ExtentWindows, LoadingEverythingKeepsWhatMemoryKnowsBetter) {
  SimulatedMachine machine({1, 0});
  const std::string old_bytes = pattern(64 * 1024, 'o');
  const std::string new_bytes = pattern(64 * 1024, 'N');
  constexpr std::uint64_t kFar = std::uint64_t{1200} << 20;
  {
    auto vault = machine.open();
    ASSERT_TRUE(vault);
    Tree& tree = (*vault)->tree();
    const InodeId file = make_file(tree, "big");
    for (std::uint64_t i = 0; i < 10; ++i)
      ASSERT_TRUE(tree.write(file, i * 128 * 1024, as_bytes(old_bytes)));
    ASSERT_TRUE(tree.write(file, kFar, as_bytes(old_bytes)));
    ASSERT_TRUE(tree.commit_file(file));
    ASSERT_TRUE((*vault)->close());
  }
  auto vault = machine.open();
  ASSERT_TRUE(vault);
  Tree& tree = (*vault)->tree();
  const auto found = tree.lookup(kRootInode, "big");
  ASSERT_TRUE(found);
  ASSERT_TRUE(tree.write(found->inode, 0, as_bytes(new_bytes)));
  EXPECT_TRUE(tree.seek(found->inode, 0, SeekTarget::Hole));  // looks at all of it
  EXPECT_EQ(read_back(tree, found->inode, 0, new_bytes.size()) == new_bytes, true);
  ASSERT_TRUE(tree.sync_file(found->inode));
  EXPECT_EQ(read_back(tree, found->inode, 0, new_bytes.size()) == new_bytes, true);
  expect_clean(**vault);
}

TEST(Volumes, AnOldCopyOfOneIsNotTakenForWhole) {
  SimulatedMachine machine({1, 1});
  const std::string content = pattern(200'000, 'v');
  const MemoryDisk::Image before = machine.disk(1).snapshot();
  const InodeId file = leave_one_file(machine, content);
  machine.disk(1).restore(before);
  {
    auto vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    EXPECT_EQ(read_back((*vault)->tree(), file, 0, content.size()) == content, true);
    const auto status = (*vault)->status();
    ASSERT_TRUE(status);
    EXPECT_EQ(status->data_losses_survived, 0U);
    EXPECT_GT(status->degraded_stripes, 0U);
    ASSERT_TRUE((*vault)->close());
  }
  machine.set_absent({0});
  auto vault = machine.open();
  ASSERT_TRUE(vault) << vault.error().context;
  EXPECT_EQ(read_back((*vault)->tree(), file, 0, content.size()), "<Io>");
}

TEST(Volumes, OneWithoutAReadableSuperblockIsKnownByItsKeySlotsAndGetsOne) {
  SimulatedMachine machine({2, 1});
  const std::string content = pattern(200'000, 's');
  const InodeId file = leave_one_file(machine, content);
  for (const std::string& path : machine.disk(1).paths()) {
    if (!path.starts_with("superblock")) continue;
    ASSERT_TRUE(machine.disk(1).flip_bit(path, ByteOffset{100}, 1));
  }
  {
    auto vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    const auto status = (*vault)->status();
    ASSERT_TRUE(status);
    EXPECT_EQ(status->degraded_stripes, 0U);
    EXPECT_EQ(status->data_losses_survived, 1U);
    ASSERT_TRUE((*vault)->close());
  }
  machine.set_absent({0});
  auto vault = machine.open();
  ASSERT_TRUE(vault) << vault.error().context;
  EXPECT_EQ(read_back((*vault)->tree(), file, 0, content.size()) == content, true);
  expect_clean(**vault);
}

TEST(Volumes, OneThatFailsUnderWritesCostsNothingThatWasSynced) {
  for (const IoKind kind :
       {IoKind::ShardWrite, IoKind::ShardSync, IoKind::AreaAppend, IoKind::AreaSync}) {
    for (std::size_t disk = 0; disk < 3; ++disk) {
      SCOPED_TRACE(std::string(to_string(kind)) + " of disk " + std::to_string(disk));
      SimulatedMachine machine({2, 1});
      auto vault = machine.open();
      ASSERT_TRUE(vault) << vault.error().context;
      machine.disk(disk).faults().add({.kind = kind, .nth = 3, .effect = FaultEffect::Vanish});
      Workload work(5 + disk);
      for (int i = 0; i < 40; ++i) ASSERT_TRUE(work.step(**vault)) << "operation " << i;
      EXPECT_FALSE((*vault)->read_only());
      EXPECT_EQ(read_tree((*vault)->tree()) == work.states().back(), true);
      ASSERT_TRUE((*vault)->tree().sync_all());
      machine.power_cut(disk);
      vault->reset();
      machine.set_absent({disk});
      auto again = machine.open();
      ASSERT_TRUE(again) << again.error().context;
      EXPECT_EQ(read_tree((*again)->tree()) == work.states().back(), true);
      expect_clean(**again);
    }
  }
}

TEST(LostWrites, AreToldByEveryLaterCloseAndSync) {
  SimulatedMachine machine({1, 0});
  auto vault = machine.open();
  ASSERT_TRUE(vault);
  Tree& tree = (*vault)->tree();
  const InodeId file = make_file(tree, "file");
  ASSERT_TRUE(tree.write(file, 0, as_bytes(pattern(200'000, 'l'))));
  ASSERT_TRUE(
      tree.commit_file(file));  // nothing is left to commit: what follows is the sync's to tell
  machine.disk(0).faults().add({.kind = IoKind::ShardSync, .effect = FaultEffect::Io});
  EXPECT_FALSE((*vault)->commit_and_sync());
  for (int i = 0; i < 2; ++i) {
    const auto closed = tree.commit_file(file);
    EXPECT_EQ(closed ? Errc::Exists : closed.error().code, Errc::Io);
    const auto synced = tree.sync_file(file);
    EXPECT_EQ(synced ? Errc::Exists : synced.error().code, Errc::Io);
    static_cast<void>((*vault)->segments().seal_open());  // as making room does
  }
}

TEST(LostWrites, AreToldByCloseBeforeAnySync) {
  SimulatedMachine machine({1, 0});
  auto vault = machine.open();
  ASSERT_TRUE(vault);
  Tree& tree = (*vault)->tree();
  const InodeId early = make_file(tree, "early");
  ASSERT_TRUE(tree.write(early, 0, as_bytes(pattern(200'000, 'e'))));
  ASSERT_TRUE(tree.commit_file(early));
  machine.disk(0).faults().add({.kind = IoKind::ShardWrite,
                                .effect = FaultEffect::NoSpace,
                                .repeat = Fault::Repeat::Forever});
  const InodeId late = make_file(tree, "late");
  static_cast<void>(tree.write(late, 0, as_bytes(pattern(4 << 20, 'l'))));  // ends stripes
  const auto closed = tree.commit_file(early);
  EXPECT_EQ(closed ? Errc::Exists : closed.error().code, Errc::Io)
      << "its stripe may be the lost one";
}

TEST(FailedTruncation, LeavesTheFileAsItWasAndLaterWritesAreKept) {
  SimulatedMachine machine({1, 0});
  constexpr std::uint64_t kPieces = 6000;  // more rows than the blocks that opening reads hold
  constexpr std::uint64_t kLast = (kPieces - 1) * 8192;
  const std::string content = pattern(4096, 't');
  const std::string later = pattern(70'000, 'x');
  InodeId file;
  {
    auto vault = machine.open();
    ASSERT_TRUE(vault);
    Tree& tree = (*vault)->tree();
    file = make_file(tree, "file");
    for (std::uint64_t i = 0; i < kPieces; ++i)
      ASSERT_TRUE(tree.write(file, i * 8192, as_bytes(content)));
    ASSERT_TRUE(tree.commit_file(file));
    ASSERT_TRUE((*vault)->close());
  }
  {
    auto vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    Tree& tree = (*vault)->tree();
    ASSERT_TRUE(tree.attributes(file));
    machine.disk(0).faults().add({.kind = IoKind::AreaRead,
                                  .path_contains = "meta.",
                                  .effect = FaultEffect::Io,
                                  .repeat = Fault::Repeat::Forever});
    SetAttributes cut;
    cut.size = 500'000;
    const auto failed = tree.set_attributes(file, cut);
    ASSERT_FALSE(failed) << "nothing was read: the test shows nothing";
    machine.disk(0).faults().clear();
    ASSERT_TRUE(tree.write(file, 0, as_bytes(later)));
    ASSERT_TRUE(tree.sync_file(file));
  }
  machine.power_cut(3);
  auto vault = machine.open();
  ASSERT_TRUE(vault) << vault.error().context;
  Tree& tree = (*vault)->tree();
  EXPECT_EQ(read_back(tree, file, 0, later.size()) == later, true);
  EXPECT_EQ(read_back(tree, file, kLast, content.size()) == content, true);
}

}  // namespace
}  // namespace coffer::sim
