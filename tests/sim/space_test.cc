// Full disks: what is refused, what is told, what still works, and that the space comes back.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "simulated_machine.h"

namespace coffer::sim {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::size_t kSmall = 50'000;

class FullDisk : public testing::TestWithParam<Geometry> {
 protected:
  FullDisk() : machine_(GetParam()) {
    for (std::size_t i = 0; i < machine_.disk_count(); ++i)
      machine_.disk(i).set_capacity(ByteCount(64 * kMiB));
    open();
  }
  void open() {
    auto opened = machine_.open();
    ASSERT_TRUE(opened) << opened.error().context;
    vault_ = *std::move(opened);
  }
  void close() {
    const auto closed = vault_->close();
    EXPECT_TRUE(closed) << closed.error().context;
    vault_.reset();
  }

  Tree& tree() { return vault_->tree(); }
  Result<InodeId> make(const std::string& name) {
    NewNode node;
    node.type = FileType::Regular;
    node.permissions = 0644;
    COFFER_ASSIGN(const Entry entry, tree().make_node(kRootInode, name, node));
    return entry.inode;
  }
  /// As cp does: write, close.
  Result<void> put(const std::string& name, std::size_t bytes) {
    COFFER_ASSIGN(const InodeId inode, make(name));
    const std::string content(bytes, static_cast<char>('a' + name.size() % 20));
    COFFER_TRY(tree().write(inode, 0, as_bytes(content)));
    return tree().commit_file(inode);
  }
  /// Small files until the first that finds no room; how many went in.
  std::size_t fill() {
    for (std::size_t i = 0; i < 10'000; ++i) {
      const auto done = put("f" + std::to_string(i), kSmall);
      if (done) continue;
      EXPECT_EQ(done.error().code, Errc::NoSpace) << done.error().context;
      return i;
    }
    ADD_FAILURE() << "it takes without end";
    return 0;
  }
  void expect_sound() {
    const auto report = vault_->fsck({});
    ASSERT_TRUE(report) << report.error().context;
    EXPECT_TRUE(report->problems.empty()) << report->problems.front();
  }

  SimulatedMachine machine_;
  std::unique_ptr<VaultService> vault_;
};

TEST_P(FullDisk, FilledBySmallFilesItClosesInOrder) {
  const std::size_t went_in = fill();
  EXPECT_GT(went_in, 100U);
  for (int i = 0; i < 300; ++i) {
    const auto refused = put("g" + std::to_string(i), kSmall);
    EXPECT_TRUE(refused || refused.error().code == Errc::NoSpace);
  }
  EXPECT_LE(vault_->pending_bytes(), 2 * kMiB) << "without bound";
  const auto synced = tree().sync_all();
  EXPECT_TRUE(synced || synced.error().code == Errc::NoSpace);
  close();
  open();
  const auto entry = tree().lookup(kRootInode, "f0");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->attributes.size, kSmall);
}

TEST_P(FullDisk, WriteItselfSaysThatThereIsNoRoom) {
  fill();
  const auto inode = make("late");
  ASSERT_TRUE(inode);
  const std::string content(kSmall, 'x');
  int answered = 0;
  while (answered < 100 &&
         tree().write(*inode, static_cast<std::uint64_t>(answered) * kSmall, as_bytes(content)))
    ++answered;
  EXPECT_LT(answered, 100);
  EXPECT_LE(vault_->pending_bytes(), 2 * PendingBytes::kBytesMax);
  // What was answered can be read as long as the vault is open, and every close says that it has no room.
  for (int i = 0; i < 2; ++i) {
    const auto told = tree().commit_file(*inode);
    EXPECT_TRUE(told || told.error().code == Errc::NoSpace);
  }
  std::string read(static_cast<std::size_t>(answered) * kSmall, '\0');
  const auto got = tree().read(*inode, 0, {reinterpret_cast<std::byte*>(read.data()), read.size()});
  ASSERT_TRUE(got);
  EXPECT_EQ(*got, read.size());
  EXPECT_EQ(read == std::string(read.size(), 'x'), true);
  close();
  open();
  expect_sound();
}

TEST_P(FullDisk, AFileWithoutRoomCanBeChangedMovedAndCut) {
  const auto inode = make("torn");
  ASSERT_TRUE(inode);
  const std::string content(40'000, 'x');
  ASSERT_TRUE(tree().write(*inode, 0, as_bytes(content)));  // answered, and then the room goes
  for (std::size_t i = 0; i < machine_.disk_count(); ++i)
    machine_.disk(i).set_capacity(ByteCount(machine_.disk(i).used().value() + 4 * kMiB));
  SetAttributes mode;
  mode.permissions = 0600;
  EXPECT_TRUE(tree().set_attributes(*inode, mode));
  RenameRequest move;
  move.from_parent = move.to_parent = kRootInode;
  move.from_name = "torn";
  move.to_name = "moved";
  EXPECT_TRUE(tree().rename(move));
  auto read = std::string(40'000, '\0');
  const auto got = tree().read(*inode, 0, {reinterpret_cast<std::byte*>(read.data()), read.size()});
  ASSERT_TRUE(got);
  EXPECT_EQ(read, content) << "what is not told as lost is there";
  SetAttributes cut;
  cut.size = 0;
  EXPECT_TRUE(tree().set_attributes(*inode, cut));
  ASSERT_TRUE(tree().write(*inode, 0, as_bytes(std::string("tiny"))) ||
              tree().attributes(*inode)->size == 0);
  EXPECT_EQ(tree().attributes(*inode)->permissions, 0600U);
  static_cast<void>(tree().commit_file(*inode));
  close();
}

TEST_P(FullDisk, ARowWithoutItsBytesHasNotTheirSize) {
  const auto inode = make("torn");
  ASSERT_TRUE(inode);
  ASSERT_TRUE(tree().write(*inode, 0, as_bytes(std::string(40'000, 'x'))));
  for (std::size_t i = 0; i < machine_.disk_count(); ++i)
    machine_.disk(i).set_capacity(ByteCount(machine_.disk(i).used().value() + 4 * kMiB));
  SetAttributes mode;
  mode.permissions = 0600;
  ASSERT_TRUE(tree().set_attributes(*inode, mode));
  machine_.kill();
  vault_.reset();
  for (std::size_t i = 0; i < machine_.disk_count(); ++i)
    machine_.disk(i).set_capacity(ByteCount(64 * kMiB));
  open();
  const auto entry = tree().lookup(kRootInode, "torn");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->attributes.permissions, 0600U);
  EXPECT_EQ(entry->attributes.size, 0U) << "zeros where bytes were written";
  expect_sound();
  close();
}

TEST_P(FullDisk, RemovedFilesMakeRoomAtOnce) {
  const std::size_t went_in = fill();
  for (std::size_t i = 0; i < went_in; ++i)
    ASSERT_TRUE(tree().unlink(kRootInode, "f" + std::to_string(i)));
  for (std::size_t i = 0; i < went_in / 2; ++i) {
    const auto done = put("again" + std::to_string(i), kSmall);
    ASSERT_TRUE(done) << i << ": " << done.error().context;
  }
  expect_sound();
  close();
}

TEST_P(FullDisk, OneFileWithoutRoomKeepsNoOtherFromBeingSynced) {
  const auto torn = make("torn");
  ASSERT_TRUE(torn);
  ASSERT_TRUE(tree().write(*torn, 0, as_bytes(std::string(40'000, 'x'))));
  for (std::size_t i = 0; i < machine_.disk_count(); ++i)
    machine_.disk(i).set_capacity(ByteCount(machine_.disk(i).used().value() + 4 * kMiB));
  const auto other = make("other");
  ASSERT_TRUE(other);
  const auto synced = tree().sync_all();
  ASSERT_FALSE(synced);
  EXPECT_EQ(synced.error().code, Errc::NoSpace);
  machine_.power_cut(7);
  vault_.reset();
  for (std::size_t i = 0; i < machine_.disk_count(); ++i)
    machine_.disk(i).set_capacity(ByteCount(64 * kMiB));
  open();
  EXPECT_TRUE(tree().lookup(kRootInode, "other")) << "made before a sync that ended";
  close();
}

INSTANTIATE_TEST_SUITE_P(Geometries, FullDisk, testing::Values(Geometry{1, 0}, Geometry{2, 1}),
                         [](const auto& info) {
                           return std::to_string(info.param.k) + "and" +
                                  std::to_string(info.param.m);
                         });

}  // namespace
}  // namespace coffer::sim
