#include "coffer/core/sharded_map.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace coffer {
namespace {

TEST(ShardedMap, FindsWhatWasInsertedAndNothingElse) {
  ShardedMap<std::string, int> map;
  EXPECT_TRUE(map.insert_or_assign("a", 1));
  EXPECT_FALSE(map.insert_or_assign("a", 2));
  EXPECT_FALSE(map.insert("a", 3));
  EXPECT_EQ(map.find("a"), 2);
  EXPECT_EQ(map.find("b"), std::nullopt);
  EXPECT_TRUE(map.contains("a"));
  EXPECT_TRUE(map.erase("a"));
  EXPECT_FALSE(map.erase("a"));
  EXPECT_EQ(map.size(), 0U);
}

TEST(ShardedMap, WithRunsOnlyOnAKeyThatIsThere) {
  ShardedMap<int, std::string> map;
  EXPECT_FALSE(map.with(1, [](std::string&) { FAIL(); }));
  EXPECT_EQ(map.with_or_create(1, [](std::string& value) { return (value += "x").size(); }), 1U);
  EXPECT_TRUE(map.with(1, [](std::string& value) { value += "y"; }));
  EXPECT_EQ(map.find(1), "xy");
}

TEST(ShardedMap, EraseIfAsksUnderTheLock) {
  ShardedMap<int, int> map;
  map.insert(1, 10);
  EXPECT_FALSE(map.erase_if(1, [](int value) { return value != 10; }));
  EXPECT_TRUE(map.erase_if(1, [](int value) { return value == 10; }));
  EXPECT_FALSE(map.erase_if(1, [](int) { return true; }));
}

TEST(ShardedMap, HoldsValuesThatCannotBeCopied) {
  ShardedMap<int, std::unique_ptr<int>> map;
  map.insert(1, std::make_unique<int>(7));
  const auto taken = map.take(1);
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(**taken, 7);
  EXPECT_FALSE(map.take(1).has_value());
}

TEST(ShardedMap, VisitsEveryEntryOnceAndErasesThoseChosen) {
  ShardedMap<int, int> map;
  for (int key = 0; key < 1000; ++key) map.insert(key, key);
  int sum = 0;
  map.for_each([&](int, int& value) { sum += value; });
  EXPECT_EQ(sum, 999 * 1000 / 2);
  EXPECT_EQ(map.erase_all_if([](int key, int) { return key % 2 == 0; }), 500U);
  EXPECT_EQ(map.size(), 500U);
  map.clear();
  EXPECT_EQ(map.size(), 0U);
}

TEST(ShardedMap, UpdatesFromManyThreadsAreAllKept) {
  ShardedMap<int, int> map;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&map] {
      for (int round = 0; round < 20'000; ++round) {
        map.with_or_create(round % 100, [](int& value) { ++value; });
        if (round % 64 == 0) map.insert_or_assign(1000 + round, round);
        if (round % 64 == 1) map.erase(1000 + round - 1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int key = 0; key < 100; ++key) EXPECT_EQ(map.find(key), 4 * 200);
}

}  // namespace
}  // namespace coffer
