#include "fuse/inode_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace coffer::fuse {
namespace {

struct Model {
  std::uint64_t lookups = 0;
  std::uint64_t opens = 0;
  std::uint64_t writers = 0;
};

void expect_same(const InodeTable& table, const std::map<std::uint64_t, Model>& model,
                 std::uint64_t ids) {
  std::size_t used = 0;
  for (std::uint64_t id = 1; id <= ids; ++id) {
    const auto at = model.find(id);
    const Model want = at == model.end() ? Model{} : at->second;
    used += want.lookups + want.opens > 0 ? 1 : 0;
    ASSERT_EQ(table.lookups(InodeId(id)), want.lookups) << id;
    ASSERT_EQ(table.opens(InodeId(id)), want.opens) << id;
    ASSERT_EQ(table.open_for_writing(InodeId(id)), want.writers > 0) << id;
  }
  ASSERT_EQ(table.size(), used);
}

TEST(InodeTable, FollowsAModelThroughARandomStorm) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  constexpr std::uint64_t kIds = 3000;
  InodeTable table;
  std::map<std::uint64_t, Model> model;
  for (int step = 0; step < 200000; ++step) {
    const std::uint64_t id = 1 + random() % kIds;
    Model& m = model[id];
    const Access access = random() % 2 == 0 ? Access::Read : Access::Write;
    switch (random() % 4) {
      case 0:
        table.add_lookups(InodeId(id), 1 + step % 3);
        m.lookups += 1 + static_cast<std::uint64_t>(step) % 3;
        break;
      case 1: {
        const std::uint64_t n = random() % (m.lookups + 1);
        m.lookups -= n;
        const Remains left = table.drop_lookups(InodeId(id), n);
        ASSERT_EQ(left == Remains::Unused, m.lookups + m.opens == 0);
        break;
      }
      case 2:
        table.opened(InodeId(id), access);
        ++m.opens;
        if (access == Access::Write) ++m.writers;
        break;
      default: {
        if (m.opens == 0) break;
        // Only close what is open in that way.
        const bool write = m.writers > 0 && (access == Access::Write || m.writers == m.opens);
        --m.opens;
        if (write) --m.writers;
        const Remains left = table.closed(InodeId(id), write ? Access::Write : Access::Read);
        ASSERT_EQ(left == Remains::Unused, m.lookups + m.opens == 0);
      }
    }
    if (step % 50000 == 0) expect_same(table, model, kIds);
  }
  expect_same(table, model, kIds);
  for (auto& [id, m] : model) {
    table.drop_lookups(InodeId(id), m.lookups);
    for (; m.opens > 0; --m.opens) {
      table.closed(InodeId(id), m.writers > 0 ? Access::Write : Access::Read);
      if (m.writers > 0) --m.writers;
    }
  }
  EXPECT_EQ(table.size(), 0U);
}

TEST(InodeTable, AMillionInodesFitTheirMemoryAndGiveItBack) {
  constexpr std::uint64_t kInodes = 1'000'000;
  InodeTable table;
  const std::size_t empty = table.memory_bytes();
  for (std::uint64_t id = 1; id <= kInodes; ++id) table.add_lookups(InodeId(id));
  EXPECT_EQ(table.size(), kInodes);
  EXPECT_LE(table.memory_bytes(), 51'000'000U);
  for (std::uint64_t id = 1; id <= kInodes; ++id)
    ASSERT_EQ(table.drop_lookups(InodeId(id), 1), Remains::Unused);
  EXPECT_EQ(table.size(), 0U);
  EXPECT_EQ(table.memory_bytes(), empty);
}

TEST(InodeTable, ForgettingTooMuchStopsAtZero) {
  InodeTable table;
  table.add_lookups(InodeId(7), 2);
  table.opened(InodeId(7), Access::Read);
  EXPECT_EQ(table.drop_lookups(InodeId(7), 5), Remains::InUse);
  EXPECT_EQ(table.lookups(InodeId(7)), 0U);
  EXPECT_FALSE(table.known(InodeId(7)));
  EXPECT_EQ(table.closed(InodeId(7), Access::Read), Remains::Unused);
  EXPECT_EQ(table.drop_lookups(InodeId(7), 1), Remains::Unused);
}

TEST(InodeTable, ACapabilityIsLookedForAgainAfterItWasSet) {
  InodeTable table;
  table.note_capability_absent(InodeId(9));
  EXPECT_FALSE(table.note_write(InodeId(9)));  // no slot to remember it in
  table.add_lookups(InodeId(9));
  table.note_capability_absent(InodeId(9));
  EXPECT_TRUE(table.note_write(InodeId(9)));
  table.note_capability_set(InodeId(9));
  EXPECT_FALSE(table.note_write(InodeId(9)));
}

TEST(InodeTable, WritesAreTakenOnce) {
  InodeTable table;
  table.opened(InodeId(4), Access::Write);
  EXPECT_FALSE(table.take_written(InodeId(4)));
  table.note_write(InodeId(4));
  EXPECT_TRUE(table.take_written(InodeId(4)));
  EXPECT_FALSE(table.take_written(InodeId(4)));
}

TEST(InodeTable, TheFirstCountIsTold) {
  InodeTable table;
  EXPECT_TRUE(table.add_lookups(InodeId(5)));
  EXPECT_FALSE(table.add_lookups(InodeId(5)));
  table.opened(InodeId(5), Access::Read);
  table.drop_lookups(InodeId(5), 2);
  EXPECT_TRUE(table.in_use(InodeId(5)));
  EXPECT_FALSE(table.add_lookups(InodeId(5))) << "an open inode cannot have been reclaimed";
}

TEST(InodeTable, DrainTellsOfEveryInodeOnce) {
  InodeTable table;
  for (std::uint64_t id = 1; id <= 500; ++id) table.add_lookups(InodeId(id));
  std::set<std::uint64_t> seen;
  table.drain([&](InodeId id) { EXPECT_TRUE(seen.insert(id.value()).second); });
  EXPECT_EQ(seen.size(), 500U);
  EXPECT_EQ(table.size(), 0U);
  table.add_lookups(InodeId(3));
  EXPECT_EQ(table.lookups(InodeId(3)), 1U);
}

TEST(InodeTable, CountsAreExactFromSeveralThreads) {
  InodeTable table;
  constexpr std::uint64_t kIds = 64;
  constexpr int kRounds = 4000;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&table] {
      for (int round = 0; round < kRounds; ++round) {
        const InodeId id(1 + static_cast<std::uint64_t>(round) % kIds);
        table.add_lookups(id, 2);
        table.opened(id, Access::Write);
        table.drop_lookups(id, 1);
        table.closed(id, Access::Write);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::uint64_t total = 0;
  for (std::uint64_t id = 1; id <= kIds; ++id) total += table.lookups(InodeId(id));
  EXPECT_EQ(total, 4U * kRounds);
}

}  // namespace
}  // namespace coffer::fuse
