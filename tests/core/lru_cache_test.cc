#include "coffer/core/lru_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace coffer {
namespace {

using Text = std::shared_ptr<const std::string>;
Text text(const std::string& value) { return std::make_shared<const std::string>(value); }

TEST(LruCache, EvictsTheLeastRecentlyUsedFirst) {
  LruCache<int, Text> cache(3, 1);
  cache.put(1, text("one"), 1);
  cache.put(2, text("two"), 1);
  cache.put(3, text("three"), 1);
  ASSERT_TRUE(cache.get(1).has_value());
  cache.put(4, text("four"), 1);
  EXPECT_FALSE(cache.get(2).has_value());
  const std::optional<Text> one = cache.get(1);
  ASSERT_TRUE(one.has_value());
  EXPECT_EQ(**one, "one");
  EXPECT_TRUE(cache.get(3).has_value());
  EXPECT_TRUE(cache.get(4).has_value());
  EXPECT_EQ(cache.stats().evictions, 1U);
}

TEST(LruCache, ReplacingCountsTheNewCostOnly) {
  LruCache<int, int> cache(10, 1);
  cache.put(1, 100, 8);
  cache.put(1, 200, 3);
  EXPECT_EQ(cache.get(1), 200);
  EXPECT_EQ(cache.stats().cost, 3U);
  EXPECT_EQ(cache.stats().entries, 1U);
}

TEST(LruCache, AnEntryBeyondTheBoundIsNotKeptAndItsOldValueGoes) {
  LruCache<int, int> cache(10, 1);
  cache.put(1, 100, 5);
  cache.put(2, 100, 5);
  cache.put(1, 200, 11);
  EXPECT_FALSE(cache.get(1).has_value());
  EXPECT_TRUE(cache.get(2).has_value());
}

TEST(LruCache, EvictsAsManyAsTheNewEntryNeeds) {
  LruCache<int, int> cache(10, 1);
  for (int key = 0; key < 10; ++key) cache.put(key, key, 1);
  cache.put(10, 10, 7);
  EXPECT_EQ(cache.cost(), 10U);
  EXPECT_FALSE(cache.get(6).has_value());
  EXPECT_TRUE(cache.get(7).has_value());
}

TEST(LruCache, CountsHitsAndMisses) {
  LruCache<int, int> cache(100, 4);
  cache.put(1, 1, 1);
  (void)cache.get(1);
  (void)cache.get(2);
  (void)cache.get(3);
  EXPECT_EQ(cache.stats().hits, 1U);
  EXPECT_EQ(cache.stats().misses, 2U);
}

TEST(LruCache, ErasesByKeyAndByPredicateAndReleasesTheValues) {
  LruCache<int, Text> cache(100, 4);
  const Text kept = text("kept");
  for (int key = 0; key < 20; ++key) cache.put(key, kept, 1);
  EXPECT_EQ(kept.use_count(), 21);
  EXPECT_TRUE(cache.erase(0));
  EXPECT_FALSE(cache.erase(0));
  EXPECT_EQ(cache.erase_if([](int key, const Text&) { return key % 2 == 1; }), 10U);
  EXPECT_EQ(kept.use_count(), 10);
  cache.clear();
  EXPECT_EQ(kept.use_count(), 1);
  EXPECT_EQ(cache.stats().cost, 0U);
}

// A model of one shard: the plain list that the cache's linked array has to equal.
TEST(LruCache, BehavesAsAPlainListOverRandomOperations) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  constexpr std::size_t kCostMax = 200;
  LruCache<int, int> cache(kCostMax, 1);
  struct Entry {
    int key, value;
    std::size_t cost;
  };
  std::list<Entry> model;  // most recently used first
  const auto in_model = [&](int key) {
    return std::find_if(model.begin(), model.end(), [&](const Entry& e) { return e.key == key; });
  };
  std::size_t model_cost = 0;
  const auto remove = [&](std::list<Entry>::iterator entry) {
    model_cost -= entry->cost;
    model.erase(entry);
  };
  for (int step = 0; step < 50'000; ++step) {
    const int key = static_cast<int>(random() % 60);
    const auto found = in_model(key);
    switch (random() % 4) {
      case 0: {
        const std::size_t cost = 1 + random() % 20;
        if (found != model.end()) remove(found);
        while (model_cost + cost > kCostMax) remove(std::prev(model.end()));
        model.push_front({key, step, cost});
        model_cost += cost;
        cache.put(key, step, cost);
        break;
      }
      case 1:
        ASSERT_EQ(cache.erase(key), found != model.end()) << "step " << step;
        if (found != model.end()) remove(found);
        break;
      default:
        const std::optional<int> got = cache.get(key);
        ASSERT_EQ(got.has_value(), found != model.end()) << "step " << step;
        if (!got) break;
        ASSERT_EQ(*got, found->value) << "step " << step;
        model.splice(model.begin(), model, found);
    }
    ASSERT_EQ(cache.cost(), model_cost) << "step " << step;
  }
}

TEST(LruCache, StaysBoundedUnderManyThreads) {
  LruCache<int, Text> cache(1000, 8);
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&cache, thread] {
      std::mt19937 random(thread);
      for (int round = 0; round < 20'000; ++round) {
        const int key = static_cast<int>(random() % 500);
        if (const auto found = cache.get(key)) {
          EXPECT_EQ(**found, std::to_string(key));
        } else {
          cache.put(key, text(std::to_string(key)), 1 + random() % 10);
        }
        if (round % 1000 == 0) cache.erase_if([](int each, const Text&) { return each % 7 == 0; });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(cache.cost(), cache.cost_max());
}

}  // namespace
}  // namespace coffer
