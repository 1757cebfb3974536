#include "vault/tree/copy_map.h"

#include "tree_fixture.h"
#include "vault/tree/new_runs.h"

namespace coffer::test {
namespace {

constexpr SegmentId kOld{7};

Extent extent(std::uint64_t offset, std::uint64_t length, std::uint32_t ordinal,
              std::uint32_t skip) {
  Extent made;
  made.offset = offset;
  made.length = length;
  made.skip = skip;
  made.place.segment = kOld;
  made.place.ordinal = ordinal;
  made.place.bytes = 64 * kChunkBytes;
  return made;
}

Reference copy_of(std::uint32_t bytes) {
  Reference copy;
  copy.place.segment = SegmentId{9};
  copy.place.ordinal = 100;
  copy.place.bytes = bytes;
  return copy;
}

TEST(CopyMap, AnExtentNamesTheSameBytesOfTheCopy) {
  CopyMap map;
  const Reference* copy = map.keep(copy_of(100'000));
  // The copy's bytes from 5000 on are those at chunk 3, byte 100.
  map.add(CopyMap::Of::Exclusive, kOld, 3 * kChunkBytes + 100, 50'000, copy, 5'000);
  const auto found = map.find(extent(1'000'000, 40'000, 3, 200));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].extent.offset, 1'000'000U);
  EXPECT_EQ(found[0].extent.length, 40'000U);
  EXPECT_EQ(found[0].extent.place.segment, SegmentId{9});
  EXPECT_EQ(position_of(found[0].extent), 100 * kChunkBytes + 5'100);
  EXPECT_EQ(found[0].copy, copy);
}

TEST(CopyMap, OnlyWhatWasCopiedIsReplaced) {
  CopyMap map;
  const Reference* copy = map.keep(copy_of(20'000));
  map.add(CopyMap::Of::Exclusive, kOld, 10 * kChunkBytes, 20'000, copy, 0);
  // It begins before and ends behind the copy.
  const auto found = map.find(extent(0, 3 * kChunkBytes, 9, 0));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].extent.offset, kChunkBytes);
  EXPECT_EQ(found[0].extent.length, 20'000U);
  EXPECT_TRUE(map.find(extent(0, kChunkBytes, 9, 0)).empty());
  EXPECT_TRUE(map.find(extent(0, 100, 12, 0)).empty());
  Extent other = extent(0, kChunkBytes, 10, 0);
  other.place.segment = SegmentId{8};
  EXPECT_TRUE(map.find(other).empty());
}

TEST(CopyMap, WhatBecameSharedMeanwhileIsNotTheExtentThatWasCopied) {
  CopyMap map;
  const Reference* copy = map.keep(copy_of(20'000));
  map.add(CopyMap::Of::Exclusive, kOld, 0, 20'000, copy, 0);
  Extent shared = extent(0, 1'000, 0, 0);
  shared.shared = true;
  EXPECT_TRUE(map.find(shared).empty());
  map.add(CopyMap::Of::Shared, kOld, 0, 20'000, copy, 0);
  const auto found = map.find(shared);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(found[0].extent.shared);
  EXPECT_EQ(found[0].extent.run, 100U);
}

TEST(CopyMap, PiecesSideBySideAreFoundInOrder) {
  CopyMap map;
  const Reference* first = map.keep(copy_of(kChunkBytes));
  const Reference* second = map.keep(copy_of(kChunkBytes));
  map.add(CopyMap::Of::Exclusive, kOld, kChunkBytes, kChunkBytes, second, 0);
  map.add(CopyMap::Of::Exclusive, kOld, 0, kChunkBytes, first, 0);
  const auto found = map.find(extent(500, 2 * kChunkBytes - 1'000, 0, 500));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].copy, first);
  EXPECT_EQ(found[1].copy, second);
  EXPECT_EQ(found[0].extent.end(), found[1].extent.offset);
  EXPECT_EQ(found[1].extent.end(), 500 + 2 * kChunkBytes - 1'000);
}

TEST(RunHold, ARunWithoutReferencesGoesWhenTheHoldEnds) {
  World world;
  const std::string content(100'000, 'c');
  const auto made = world.tree().make_node(kRootInode, "a", NewNode{});
  const auto copy = world.tree().make_node(kRootInode, "b", NewNode{});
  ASSERT_TRUE(made && copy);
  ASSERT_TRUE(world.tree().write(made->inode, 0, as_bytes(content)));
  ASSERT_TRUE(world.tree().copy_range(made->inode, 0, copy->inode, 0, content.size()));
  const std::string prefix(1, keys::kSharedRun);
  const auto runs = [&] {
    std::vector<NewRuns::Key> found;
    auto rows = world.meta().cursor(prefix, keys::prefix_end(prefix));
    for (rows->seek(prefix); rows->valid(); rows->next()) {
      ByteReader in(rows->key());
      in.u8();
      const SegmentId segment{in.u64_big_endian()};
      found.emplace_back(segment, in.u32_big_endian());
    }
    return found;
  };
  const auto held = runs();
  ASSERT_FALSE(held.empty());
  {
    SegmentLedger::RunHold hold(world.segment_ledger());
    for (const auto& run : held) hold.add(run.first, run.second);
    ASSERT_TRUE(world.tree().unlink(kRootInode, "a"));
    ASSERT_TRUE(world.tree().unlink(kRootInode, "b"));
    world.inodes->drain_reaper();
    EXPECT_EQ(runs(), held) << "somebody is about to refer to them";
  }
  EXPECT_TRUE(runs().empty());
  EXPECT_EQ(world.segment_ledger().live_bytes(), 0U);
}

TEST(FileRanges, AreMergedInOrder) {
  const auto all = merged({{50, 60}, {0, 10}, {10, 20}, {15, 18}, {55, 70}});
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].from, 0U);
  EXPECT_EQ(all[0].to, 20U);
  EXPECT_EQ(all[1].from, 50U);
  EXPECT_EQ(all[1].to, 70U);
}

}  // namespace
}  // namespace coffer::test
