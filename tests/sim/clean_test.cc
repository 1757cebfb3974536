/// Cleaning over simulated disks: space comes back, and nothing else changes, while files are changed beside it
/// (docs/decisions/0014).
///
/// COFFER_TEST_SEED=<n> adds one seed to those that are always run.

#include <atomic>
#include <cstdlib>
#include <thread>

#include "tests/sim/file_model.h"
#include "tests/sim/one_file.h"
#include "tests/sim/simulated_machine.h"
#include "vault/upkeep/cleaning.h"

namespace coffer::sim {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

std::vector<std::uint64_t> seeds() {
  std::vector<std::uint64_t> all{1, 2, 3};
  const char* text = std::getenv("COFFER_TEST_SEED");  // NOLINT(concurrency-mt-unsafe)
  if (text != nullptr) all.push_back(std::strtoull(text, nullptr, 10));
  return all;
}

/// Takes everything that has a dead byte.
Cleaning::Wish everything() {
  Cleaning::Wish wish;
  wish.dead_share_min = 0;
  wish.dead_bytes_min = 1;
  return wish;
}

/// Something is done between the copies, and so between look and swap.
CleaningPace between(std::function<Result<void>()> after_piece) {
  return {std::move(after_piece), [](std::uint64_t) { return Result<void>(); }};
}
CleaningPace go_on() {
  return between([] { return Result<void>(); });
}

void expect_whole(VaultService& vault) {
  FsckOptions options;
  options.verify_data = true;
  const auto report = vault.fsck(options);
  ASSERT_TRUE(report) << report.error().context;
  for (const std::string& problem : report->problems) ADD_FAILURE() << "fsck: " << problem;
}

void seal(VaultService& vault) {
  ASSERT_TRUE(vault.commit_and_sync());
  ASSERT_TRUE(vault.segments().seal_open());
  ASSERT_TRUE(vault.commit_and_sync());
}

std::uint64_t used(SimulatedMachine& machine) {
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < machine.disk_count(); ++i) bytes += machine.disk(i).used().value();
  return bytes;
}

class CleanTest : public testing::TestWithParam<Geometry> {
 protected:
  [[nodiscard]] double overhead() const {
    return static_cast<double>(GetParam().k + GetParam().m) / GetParam().k;
  }
};

TEST_P(CleanTest, WhatWasOverwrittenPieceByPieceGivesItsSpaceBack) {
  SimulatedMachine machine(GetParam());
  machine.shard_bytes_max = kMiB;
  auto vault = machine.open();
  ASSERT_TRUE(vault) << vault.error().context;
  Tree& tree = (*vault)->tree();
  const InodeId file = make_file(tree, "f");
  std::string content = pattern(8 * kMiB, 'a');
  for (std::size_t at = 0; at < content.size(); at += kMiB)
    ASSERT_TRUE(tree.write(file, at, as_bytes(std::string_view(content).substr(at, kMiB))));
  // Three of four chunks of every segment die.
  for (std::size_t at = 0; at < content.size(); at += 65'536) {
    const std::string piece = pattern(49'152, static_cast<char>('n' + at / 65'536 % 5));
    ASSERT_TRUE(tree.write(file, at, as_bytes(piece)));
    content.replace(at, piece.size(), piece);
  }
  ASSERT_TRUE(tree.sync_file(file));
  const std::uint64_t before = used(machine);
  const auto receipt = (*vault)->clean({});
  ASSERT_TRUE(receipt) << receipt.error().context;
  EXPECT_GT(receipt->segments_freed, 2U);
  EXPECT_TRUE(receipt->unmoved.empty());
  EXPECT_EQ(receipt->bytes_moved, receipt->bytes_copied);
  EXPECT_LT(receipt->dead_bytes_after, receipt->dead_bytes_before / 4);
  EXPECT_LT(used(machine), before);
  const auto data = static_cast<double>((*vault)->ledger().live_bytes()) * overhead();
  EXPECT_LT(static_cast<double>(used(machine)), 1.3 * data + 2.0 * kMiB);
  EXPECT_EQ(read_back(tree, file, 0, content.size()) == content, true);
  EXPECT_GT((*vault)->status()->bytes_moved, 0U);
  expect_whole(**vault);
  // A second one finds nothing that is worth it.
  const auto again = (*vault)->clean({});
  ASSERT_TRUE(again);
  EXPECT_LE(again->bytes_copied, receipt->bytes_copied);
  EXPECT_EQ(read_back(tree, file, 0, content.size()) == content, true);
  ASSERT_TRUE((*vault)->close());
}

TEST_P(CleanTest, FilesThatChangeWhileTheyAreMovedStayWhatTheyAre) {
  for (const std::uint64_t seed : seeds()) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimulatedMachine machine(GetParam());
    machine.shard_bytes_max = kMiB;
    auto vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    FileModel model(**vault, seed);
    CleaningReceipt receipt;
    for (int round = 0; round < 8; ++round) {
      for (int i = 0; i < 25; ++i) ASSERT_TRUE(model.step());
      seal(**vault);
      const auto done = (*vault)->cleaning().round(everything(), receipt, between([&] {
                                                     EXPECT_TRUE(model.step());
                                                     return Result<void>();
                                                   }));
      ASSERT_TRUE(done) << done.error().context;
      ASSERT_EQ(model.difference(), "");
      expect_whole(**vault);
      if (HasFailure()) return;
    }
    EXPECT_GT(receipt.segments_freed, 0U);
    EXPECT_GT(receipt.bytes_moved, 0U);
    ASSERT_TRUE((*vault)->close());
    vault->reset();
    vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    model.moved_to(**vault);
    EXPECT_EQ(model.difference(), "");
    expect_whole(**vault);
  }
}

TEST_P(CleanTest, ACleanerBesideWritersAndReaders) {
  SimulatedMachine machine(GetParam());
  machine.shard_bytes_max = kMiB;
  auto vault = machine.open();
  ASSERT_TRUE(vault) << vault.error().context;
  FileModel model(**vault, 77);
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(model.step());
  const std::string still = pattern(300'000, 'k');
  const InodeId kept = make_file((*vault)->tree(), "kept");
  ASSERT_TRUE((*vault)->tree().write(kept, 0, as_bytes(still)));
  std::atomic<bool> stop{false};
  CleaningReceipt receipt;
  std::thread cleaner([&] {
    while (!stop) {
      seal(**vault);
      EXPECT_TRUE((*vault)->cleaning().round(everything(), receipt, go_on()));
    }
  });
  std::thread reader([&] {
    while (!stop) EXPECT_EQ(read_back((*vault)->tree(), kept, 0, still.size()) == still, true);
  });
  for (int i = 0; i < 400 && !HasFailure(); ++i) {
    EXPECT_TRUE(model.step());
    if (i % 50 == 0) {
      EXPECT_EQ(model.difference(), "");
    }
  }
  stop = true;
  cleaner.join();
  reader.join();
  EXPECT_EQ(model.difference(), "");
  EXPECT_GT(receipt.segments_freed, 0U);
  EXPECT_GT(receipt.bytes_moved, 0U);
  expect_whole(**vault);
  ASSERT_TRUE((*vault)->close());
}

TEST_P(CleanTest, SharedExtentsAreMovedOnceForAllWhoShareThem) {
  SimulatedMachine machine(GetParam());
  machine.shard_bytes_max = kMiB;
  auto vault = machine.open();
  ASSERT_TRUE(vault) << vault.error().context;
  Tree& tree = (*vault)->tree();
  const std::string content = pattern(1'000'000, 'c');
  const InodeId original = make_file(tree, "original");
  const InodeId other = make_file(tree, "other");
  // Both in the same segments; `other` goes, so that they are half dead.
  for (std::size_t at = 0; at < content.size(); at += 100'000) {
    ASSERT_TRUE(tree.write(original, at, as_bytes(std::string_view(content).substr(at, 100'000))));
    ASSERT_TRUE(tree.write(other, at, as_bytes(pattern(100'000, 'x'))));
  }
  std::vector<InodeId> copies;
  for (int i = 0; i < 10; ++i) {
    copies.push_back(make_file(tree, "copy" + std::to_string(i)));
    const auto copied = tree.copy_range(original, 0, copies.back(), 0, content.size());
    ASSERT_TRUE(copied);
    ASSERT_EQ(*copied, content.size());
  }
  ASSERT_TRUE(tree.unlink(kRootInode, "other"));
  (*vault)->inodes().drain_reaper();
  seal(**vault);
  const std::uint64_t live = (*vault)->ledger().live_bytes();
  CleaningReceipt receipt;
  const auto done = (*vault)->cleaning().round(everything(), receipt, go_on());
  ASSERT_TRUE(done) << done.error().context;
  EXPECT_GT(receipt.segments_freed, 0U);
  EXPECT_LE(receipt.bytes_copied, content.size());
  EXPECT_LE((*vault)->ledger().live_bytes(), live);
  for (const InodeId copy : copies)
    EXPECT_EQ(read_back(tree, copy, 0, content.size()) == content, true);
  expect_whole(**vault);
  // And it dies with the last of them.
  ASSERT_TRUE(tree.unlink(kRootInode, "original"));
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(tree.unlink(kRootInode, "copy" + std::to_string(i)));
  (*vault)->inodes().drain_reaper();
  ASSERT_TRUE((*vault)->commit_and_sync());
  EXPECT_EQ((*vault)->ledger().live_bytes(), 0U);
  expect_whole(**vault);
  ASSERT_TRUE((*vault)->close());
}

INSTANTIATE_TEST_SUITE_P(Geometries, CleanTest,
                         testing::Values(Geometry{1, 0}, Geometry{2, 2}, Geometry{4, 2}),
                         [](const auto& info) {
                           return std::to_string(info.param.k) + "and" +
                                  std::to_string(info.param.m);
                         });

TEST(Clean, AnObjectOfPartsIsFoundByWhereThePartsWent) {
  SimulatedMachine machine({1, 0});
  machine.shard_bytes_max = kMiB;
  auto vault = machine.open();
  ASSERT_TRUE(vault) << vault.error().context;
  Objects& objects = (*vault)->objects();
  ASSERT_TRUE(objects.create_bucket("bucket", Durability::Synced, {}));
  // Something beside it will die.
  const InodeId other = make_file((*vault)->tree(), "other");
  ASSERT_TRUE((*vault)->tree().write(other, 0, as_bytes(pattern(200'000, 'q'))));
  const auto upload = objects.create_upload("bucket", "o", {});
  ASSERT_TRUE(upload);
  std::string content;
  std::vector<CompletedPart> parts;
  for (std::uint32_t number = 1; number <= 3; ++number) {
    const std::string piece = pattern(90'000 + number, static_cast<char>('a' + number));
    auto writer = objects.begin_part("bucket", "o", *upload, number);
    ASSERT_TRUE(writer);
    ASSERT_TRUE((*writer)->write(as_bytes(piece)));
    ObjectMetadata metadata;
    metadata.etag = std::to_string(number);
    ASSERT_TRUE((*writer)->commit(metadata, {}, Durability::Synced));
    parts.push_back({number, metadata.etag});
    content += piece;
  }
  ASSERT_TRUE(objects.complete_upload("bucket", "o", *upload, parts, {}, {}, Durability::Synced));
  ASSERT_TRUE((*vault)->tree().unlink(kRootInode, "other"));
  (*vault)->inodes().drain_reaper();
  seal(**vault);
  CleaningReceipt receipt;
  const auto done = (*vault)->cleaning().round(everything(), receipt, go_on());
  ASSERT_TRUE(done) << done.error().context;
  EXPECT_EQ(receipt.bytes_moved, content.size());
  EXPECT_EQ(receipt.segments_left, 0U);
  const auto bucket = (*vault)->tree().lookup(kRootInode, "bucket");
  ASSERT_TRUE(bucket);
  const auto object = (*vault)->tree().lookup(bucket->inode, "o");
  ASSERT_TRUE(object);
  EXPECT_EQ(read_back((*vault)->tree(), object->inode, 0, content.size()) == content, true);
  expect_whole(**vault);
}

TEST(Clean, WhatCannotBeReadStaysAndIsNamed) {
  SimulatedMachine machine({1, 0});
  machine.shard_bytes_max = kMiB;
  const std::string content = pattern(400'000, 'b');
  const InodeId file = leave_one_file(machine, content);
  std::string shard;
  for (const std::string& path : machine.disk(0).paths())
    if (path.ends_with(".shard")) shard = path;
  ASSERT_TRUE(machine.disk(0).flip_bit(shard, ByteOffset{50'000}, 3));
  auto vault = machine.open();
  ASSERT_TRUE(vault);
  ASSERT_TRUE((*vault)->tree().allocate(file, AllocateMode::PunchHole, 300'000, 100'000));
  ASSERT_TRUE((*vault)->commit_and_sync());
  CleaningReceipt receipt;
  const auto done = (*vault)->cleaning().round(everything(), receipt, go_on());
  ASSERT_TRUE(done) << done.error().context;
  EXPECT_EQ(*done, Cleaning::Outcome::InVain);
  EXPECT_EQ(receipt.segments_left, 1U);
  EXPECT_FALSE(receipt.unmoved.empty());
  EXPECT_EQ(read_back((*vault)->tree(), file, 0, 16'384) == content.substr(0, 16'384), true);
  EXPECT_EQ(read_back((*vault)->tree(), file, 40'000, 16'384), "<Io>");
  expect_clean(**vault);
}

TEST(Clean, StoppedItKeepsWhatItDid) {
  SimulatedMachine machine({1, 0});
  machine.shard_bytes_max = kMiB;
  auto vault = machine.open();
  ASSERT_TRUE(vault);
  FileModel model(**vault, 5);
  for (int i = 0; i < 80; ++i) ASSERT_TRUE(model.step());
  seal(**vault);
  CleaningReceipt receipt;
  int copies = 0;
  const auto done = (*vault)->cleaning().round(
      everything(), receipt, between([&] {
        return ++copies < 3 ? Result<void>() : Result<void>(fail(Errc::Cancelled, "stopped"));
      }));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::Cancelled);
  EXPECT_EQ(copies, 3);
  EXPECT_EQ(receipt.bytes_moved, receipt.bytes_copied);
  EXPECT_EQ(model.difference(), "");
  expect_whole(**vault);
}

}  // namespace
}  // namespace coffer::sim
