#include "vault/erasure/erasure_code.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <numeric>
#include <random>
#include <string>
#include <thread>

namespace coffer {
namespace {

using Shard = std::vector<std::byte>;

std::uint64_t test_seed() {
  if (const char* fixed = std::getenv("COFFER_TEST_SEED")) return std::strtoull(fixed, nullptr, 10);
  return std::random_device{}();
}

Shard random_shard(std::mt19937_64& random, std::size_t length) {
  Shard shard(length);
  for (std::byte& b : shard) b = static_cast<std::byte>(random());
  return shard;
}

/// All shards of one stripe; data shards may be ragged, parity has the length of the longest.
std::vector<Shard> encoded_stripe(const ErasureCode& code, std::vector<Shard> shards) {
  std::size_t length = 0;
  for (const Shard& shard : shards) length = std::max(length, shard.size());
  std::vector<Bytes> data(shards.begin(), shards.end());
  std::vector<Shard> parity(code.geometry().parity, Shard(length, std::byte{0xEE}));
  std::vector<MutableBytes> out(parity.begin(), parity.end());
  code.encode(data, out);
  shards.insert(shards.end(), parity.begin(), parity.end());
  return shards;
}

std::vector<Shard> random_stripe(const ErasureCode& code, std::mt19937_64& random,
                                 std::size_t length) {
  std::vector<Shard> data;
  for (unsigned i = 0; i < code.geometry().data; ++i) {
    data.push_back(random_shard(random, i == 0 ? length : random() % (length + 1)));
  }
  return encoded_stripe(code, std::move(data));
}

/// Takes away the shards in `lost` and expects every one of them back.
void expect_rebuilt(const ErasureCode& code, const std::vector<Shard>& shards, std::uint32_t lost) {
  std::vector<ErasureCode::Present> present;
  std::vector<ErasureCode::Wanted> wanted;
  std::vector<Shard> rebuilt(shards.size());
  for (unsigned i = 0; i < shards.size(); ++i) {
    if ((lost >> i & 1U) != 0) {
      rebuilt[i].assign(shards[i].size(), std::byte{0x55});
      wanted.push_back({i, rebuilt[i]});
    } else {
      present.push_back({i, shards[i]});
    }
  }
  ASSERT_TRUE(code.reconstruct(present, wanted).has_value());
  for (const auto& want : wanted) {
    ASSERT_EQ(rebuilt[want.index], shards[want.index])
        << code.geometry().data << "+" << code.geometry().parity << " lost bits " << lost
        << " shard " << want.index;
  }
}

TEST(ErasureCode, EveryLossUpToParityIsRebuiltForAllSmallGeometries) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE("COFFER_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  ErasureCodes codes;
  for (unsigned k = 1; k <= 6; ++k) {
    for (unsigned m = 0; m <= 3; ++m) {
      const auto code = codes.get({k, m});
      ASSERT_TRUE(code.has_value());
      const auto shards = random_stripe(**code, random, 1 + random() % 300);
      for (std::uint32_t lost = 0; lost < (1U << (k + m)); ++lost) {
        if (static_cast<unsigned>(std::popcount(lost)) <= m) expect_rebuilt(**code, shards, lost);
      }
    }
  }
}

TEST(ErasureCode, RandomLossesAreRebuiltForLargeGeometriesAndRaggedLengths) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE("COFFER_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  ErasureCodes codes;
  for (int round = 0; round < 300; ++round) {
    const auto k = static_cast<unsigned>(1 + random() % 31);
    const auto m = static_cast<unsigned>(random() % (33 - k));
    const auto code = codes.get({k, m});
    ASSERT_TRUE(code.has_value());
    const auto shards = random_stripe(**code, random, 1 + random() % 40'000);
    std::vector<unsigned> order(k + m);
    std::iota(order.begin(), order.end(), 0U);
    std::shuffle(order.begin(), order.end(), random);
    std::uint32_t lost = 0;
    for (unsigned i = 0; i < random() % (m + 1); ++i) lost |= 1U << order[i];
    expect_rebuilt(**code, shards, lost);
  }
}

TEST(ErasureCode, OneParityBeyondSingleDataFollowsTheDocumentedMatrix) {
  // Coefficient 1 / ((k+p) xor j): with k = 2, p = 0 these are 1/2 = 0x8e and 1/3 = 0xf4.
  const auto code = ErasureCode::make({2, 1});
  ASSERT_TRUE(code.has_value());
  const auto first = encoded_stripe(**code, {Shard{std::byte{1}}, Shard{std::byte{0}}});
  const auto second = encoded_stripe(**code, {Shard{std::byte{0}}, Shard{std::byte{1}}});
  EXPECT_EQ(first[2][0], std::byte{0x8e});
  EXPECT_EQ(second[2][0], std::byte{0xf4});
}

TEST(ErasureCode, MirrorsAreCopies) {
  const auto code = ErasureCode::make({1, 3});
  ASSERT_TRUE(code.has_value());
  std::mt19937_64 random(1);
  const auto shards = encoded_stripe(**code, {random_shard(random, 1000)});
  for (const Shard& shard : shards) EXPECT_EQ(shard, shards[0]);
}

TEST(ErasureCode, AMiddleRangeIsRebuiltFromTheSameRangeOfOthers) {
  const auto code = ErasureCode::make({4, 2});
  ASSERT_TRUE(code.has_value());
  std::mt19937_64 random(2);
  std::vector<Shard> data;
  for (int i = 0; i < 4; ++i) data.push_back(random_shard(random, 5000));
  const auto shards = encoded_stripe(**code, std::move(data));
  std::vector<ErasureCode::Present> present;
  for (const unsigned i : {5U, 0U, 3U, 4U}) {
    present.push_back({i, Bytes(shards[i]).subspan(1234, 777)});
  }
  Shard out(777);
  const std::vector<ErasureCode::Wanted> wanted{{2, out}};
  ASSERT_TRUE((*code)->reconstruct(present, wanted).has_value());
  EXPECT_TRUE(std::equal(out.begin(), out.end(), shards[2].begin() + 1234));
}

TEST(ErasureCode, WhatIsPresentIsGivenBackEvenWithFewerThanKShards) {
  const auto code = ErasureCode::make({4, 2});
  ASSERT_TRUE(code.has_value());
  const Shard only(10, std::byte{7});
  Shard out(12, std::byte{1});
  const std::vector<ErasureCode::Present> present{{3, only}};
  ASSERT_TRUE((*code)->reconstruct(present, std::vector<ErasureCode::Wanted>{{3, out}}));
  EXPECT_EQ(out[9], std::byte{7});
  EXPECT_EQ(out[11], std::byte{0});
  const auto missing = (*code)->reconstruct(present, std::vector<ErasureCode::Wanted>{{2, out}});
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, Errc::NotEnoughVolumes);
}

TEST(ErasureCode, BadGeometriesAndIndicesAreRefused) {
  ErasureCodes codes;
  EXPECT_FALSE(codes.get({0, 1}).has_value());
  EXPECT_FALSE(codes.get({30, 3}).has_value());
  EXPECT_FALSE(codes.get({1, 0xFFFFFFFFU}).has_value());
  const auto code = codes.get({2, 1});
  ASSERT_TRUE(code.has_value());
  EXPECT_EQ(codes.get({2, 1})->get(), code->get());
  const Shard shard(8);
  Shard out(8);
  const std::vector<ErasureCode::Present> twice{{0, shard}, {0, shard}};
  const std::vector<ErasureCode::Present> outside{{0, shard}, {3, shard}};
  const std::vector<ErasureCode::Wanted> wanted{{1, out}};
  EXPECT_EQ((*code)->reconstruct(twice, wanted).error().code, Errc::InvalidArgument);
  EXPECT_EQ((*code)->reconstruct(outside, wanted).error().code, Errc::InvalidArgument);
}

TEST(ErasureCode, DecodeTablesStayBounded) {
  const auto code = ErasureCode::make({16, 16});
  ASSERT_TRUE(code.has_value());
  std::mt19937_64 random(3);
  const auto shards = random_stripe(**code, random, 16);
  for (int round = 0; round < 200; ++round) {
    std::uint32_t lost = static_cast<std::uint32_t>(random());
    while (std::popcount(lost) > 16) lost &= lost - 1;
    expect_rebuilt(**code, shards, lost);
  }
  EXPECT_GT((*code)->cached_bytes(), 0U);
  EXPECT_LE((*code)->cached_bytes(), ErasureCode::kCacheBytesMax);
}

TEST(ErasureCode, ThreadsShareOneCode) {
  ErasureCodes codes;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&codes, t] {
      std::mt19937_64 random(t);
      const auto code = codes.get({4, 2});
      ASSERT_TRUE(code.has_value());
      const auto shards = random_stripe(**code, random, 500);
      for (std::uint32_t lost = 0; lost < 64; ++lost) {
        if (std::popcount(lost) <= 2) expect_rebuilt(**code, shards, lost);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace coffer
