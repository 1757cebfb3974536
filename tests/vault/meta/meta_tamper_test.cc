/// Files of the metadata that somebody or the disk changed: right rows, or an error.

#include <random>
#include <set>

#include "tests/vault/meta/damaged_store.h"
#include "vault/meta/sealed_blocks.h"

namespace coffer::meta {
namespace {

using Mode = MetaStore::Mode;

TEST(MetaTamper, NoFileHoldsPlaintext) {
  Machine machine(2);
  fill_and_kill(machine);
  for (const auto& disk : machine.disks) {
    for (const std::string& path : disk->paths()) {
      const auto content = disk->content(path);
      if (!content) continue;
      EXPECT_EQ(content->find("CANARY"), std::string::npos) << path;
      EXPECT_EQ(content->find("rocksdb"), std::string::npos) << path;
    }
  }
}

TEST(MetaTamper, FlippedBitsOnOneMirrorAreReadFromTheOther) {
  const std::uint64_t seed = std::random_device{}();
  std::mt19937_64 random(seed);
  for (const std::string_view kind : {".sst", ".log", "MANIFEST-", "CURRENT"}) {
    for (int round = 0; round < 6; ++round) {
      SCOPED_TRACE(std::string(kind) + " seed " + std::to_string(seed));
      Machine machine(2);
      fill_and_kill(machine);
      const auto paths = machine.files_of(round % 2, kind);
      ASSERT_FALSE(paths.empty());
      for (const std::string& path : paths) flip_somewhere(*machine.disks[round % 2], path, random);
      auto store = machine.recover();
      ASSERT_TRUE(store) << store.error().context;
      for (int i = 0; i < kRows; ++i) {
        ASSERT_EQ(get(**store, "CANARYKEY" + std::to_string(i)), "CANARYVALUE" + value_of(i));
      }
      EXPECT_EQ(get(**store, "last"), "row");
      EXPECT_TRUE((*store)->close());
    }
  }
}

TEST(MetaTamper, FlippedBitsOnTheOnlyMirrorNeverGiveWrongRows) {
  const std::uint64_t seed = std::random_device{}();
  std::mt19937_64 random(seed);
  for (const std::string_view kind : {".sst", ".log", "MANIFEST-", "CURRENT"}) {
    for (int round = 0; round < 6; ++round) {
      SCOPED_TRACE(std::string(kind) + " seed " + std::to_string(seed));
      Machine machine(1);
      fill_and_kill(machine);
      for (const std::string& path : machine.files_of(0, kind))
        flip_somewhere(*machine.disks[0], path, random);
      auto store = machine.recover();
      if (store) expect_right_or_error(**store);
    }
  }
}

TEST(MetaTamper, ABadBlockOfATableTakesOnlyTheRowsInIt) {
  Machine machine(1);
  auto store = std::move(machine.open(Mode::Create).value());
  for (int i = 0; i < kRows; ++i)
    put(*store, "CANARYKEY" + std::to_string(i), "CANARYVALUE" + value_of(i));
  ASSERT_TRUE(store->close());
  store.reset();
  const auto tables = machine.files_of(0, ".sst");
  ASSERT_EQ(tables.size(), 1U);
  MemoryDisk& disk = *machine.disks[0];
  const std::string whole = disk.content(tables[0]).value();
  const std::uint64_t blocks = BlockLayout::of(whole.size()).value().blocks;
  ASSERT_GT(blocks, 50U);
  // In front lies the store's own row, and at the end filter, index and footer: without those there is no store.
  for (std::uint64_t block = 3; block + 3 < blocks; ++block) {
    SCOPED_TRACE(block);
    const ByteOffset at(SealedIdentity::kHeaderBytes + block * kSealedBlockBytes + 4000);
    ASSERT_TRUE(disk.flip_bit(tables[0], at, 3));
    auto damaged = machine.open(Mode::ReadOnly);
    ASSERT_TRUE(damaged) << damaged.error().context;
    int lost = 0;
    for (int i = 0; i < kRows; ++i) {
      const auto value = (*damaged)->get("CANARYKEY" + std::to_string(i));
      if (value) {
        ASSERT_EQ(value->value_or("absent"), "CANARYVALUE" + value_of(i));
      } else {
        ++lost;
      }
    }
    EXPECT_GT(lost, 0);
    EXPECT_LT(lost, 50);  // two of RocksDB's blocks of 8 KiB, at most
    ASSERT_TRUE(disk.flip_bit(tables[0], at, 3));
  }
}

TEST(MetaTamper, SwappedFilesAreRefused) {
  Machine machine(1);
  auto store = std::move(machine.open(Mode::Create).value());
  for (int table = 0; table < 2; ++table) {
    put(*store, "k" + std::to_string(table), value_of(table));
    ASSERT_TRUE(store->close());
    store = std::move(machine.open(Mode::ReadWrite).value());
  }
  ASSERT_TRUE(store->close());
  store.reset();
  const auto tables = machine.files_of(0, ".sst");
  ASSERT_GE(tables.size(), 2U);
  MemoryDisk& disk = *machine.disks[0];
  const std::string first = disk.content(tables[0]).value();
  const std::string second = disk.content(tables[1]).value();
  ASSERT_TRUE(disk.set_content(tables[0], second));
  ASSERT_TRUE(disk.set_content(tables[1], first));
  EXPECT_FALSE(machine.open(Mode::ReadWrite));
  EXPECT_FALSE(machine.recover());
}

TEST(MetaTamper, LongerAndShorterCopiesOfAClosedStoreAreReadFromTheOther) {
  Machine machine(3);
  auto store = std::move(machine.open(Mode::Create).value());
  for (int i = 0; i < kRows; ++i)
    put(*store, "CANARYKEY" + std::to_string(i), "CANARYVALUE" + value_of(i));
  ASSERT_TRUE(store->close());
  store.reset();
  for (const std::string& path : machine.files_of(0, "/")) {
    const std::string content = machine.disks[0]->content(path).value();
    ASSERT_TRUE(machine.disks[0]->set_content(path, content + std::string(5000, 'x')));
  }
  for (const std::string& path : machine.files_of(1, "/")) {
    const std::string content = machine.disks[1]->content(path).value();
    ASSERT_TRUE(machine.disks[1]->set_content(path, content.substr(0, content.size() / 2)));
  }
  auto again = machine.open(Mode::ReadWrite);
  ASSERT_TRUE(again) << again.error().context;
  for (int i = 0; i < kRows; ++i) {
    ASSERT_EQ(get(**again, "CANARYKEY" + std::to_string(i)), "CANARYVALUE" + value_of(i));
  }
  EXPECT_EQ((*again)->damaged_members(), (std::vector<std::uint8_t>{0, 1}));
}

TEST(MetaTamper, DeletedFilesAreSeen) {
  for (const std::string_view kind : {".sst", ".log", "MANIFEST-", "CURRENT"}) {
    SCOPED_TRACE(kind);
    Machine machine(1);
    fill_and_kill(machine);
    for (const std::string& path : machine.files_of(0, kind))
      ASSERT_TRUE(machine.disks[0]->erase(path));
    EXPECT_FALSE(machine.recover());
  }
}

TEST(MetaTamper, CutFilesAreSeenOrLeaveAPrefix) {
  for (const std::string_view kind : {".sst", ".log", "MANIFEST-", "CURRENT"}) {
    SCOPED_TRACE(kind);
    Machine machine(1);
    fill_and_kill(machine);
    for (const std::string& path : machine.files_of(0, kind)) {
      const std::string content = machine.disks[0]->content(path).value();
      ASSERT_TRUE(machine.disks[0]->set_content(path, content.substr(0, content.size() / 2)));
    }
    auto store = machine.recover();
    // The end of the newest log has no witness in these files: an older end is an older state, whole in itself.
    EXPECT_EQ(store.has_value(), kind == ".log");
    if (!store) continue;
    const int there = static_cast<int>((*store)->committed().value());
    for (int i = 0; i < kRows; ++i) {
      EXPECT_EQ(get(**store, "CANARYKEY" + std::to_string(i)),
                i < there ? "CANARYVALUE" + value_of(i) : "absent");
    }
  }
}
}  // namespace
}  // namespace coffer::meta
