#include "coffer/core/memory_budget.h"

#include <gtest/gtest.h>

namespace coffer {
namespace {

TEST(ParseSize, KnowsTheUsualForms) {
  EXPECT_EQ(parse_size("4096"), 4096U);
  EXPECT_EQ(parse_size("0"), 0U);
  EXPECT_EQ(parse_size("512B"), 512U);
  EXPECT_EQ(parse_size("512M"), 512U << 20);
  EXPECT_EQ(parse_size("512m"), 512U << 20);
  EXPECT_EQ(parse_size("1GiB"), 1U << 30);
  EXPECT_EQ(parse_size("1GB"), 1'000'000'000U);
  EXPECT_EQ(parse_size("2T"), std::uint64_t{2} << 40);
}

TEST(ParseSize, RefusesEverythingElse) {
  for (const char* text : {"", "M", "-1", "+1", "1.5G", "1 G", "1X", "1KX", "1KiBx", "1G ",
                           "18446744073709551616", "99999999T"}) {
    const auto result = parse_size(text);
    ASSERT_FALSE(result.has_value()) << text;
    EXPECT_EQ(result.error().code, Errc::InvalidArgument);
  }
}

TEST(MemoryBudget, PartsNeverExceedTheTotalAndNoneIsEmpty) {
  for (const auto profile : {MemoryProfile::Standard, MemoryProfile::Throughput,
                             MemoryProfile::LowMemory, MemoryProfile::LargeFiles}) {
    for (const std::uint64_t total : {std::uint64_t{0}, kMemoryBytesMin, kMemoryBytesMin + 1,
                                      std::uint64_t{1} << 30, std::uint64_t{1} << 40}) {
      const MemoryBudget budget = MemoryBudget::split(total, profile);
      EXPECT_GE(budget.total_bytes, kMemoryBytesMin);
      EXPECT_LE(budget.chunk_cache_bytes + budget.metadata_bytes + budget.buffer_bytes +
                    budget.attribute_bytes,
                budget.total_bytes);
      EXPECT_GE(budget.chunk_cache_bytes, std::uint64_t{4} << 20);
      EXPECT_GE(budget.metadata_bytes, std::uint64_t{4} << 20);
      EXPECT_GE(budget.buffer_bytes, std::uint64_t{4} << 20);
      EXPECT_GE(budget.attribute_bytes, std::uint64_t{4} << 20);
    }
  }
}

TEST(MemoryBudget, TheDefaultIsBounded) {
  EXPECT_GT(default_memory_bytes(), 0U);
  EXPECT_LE(default_memory_bytes(), std::uint64_t{1} << 30);
  EXPECT_LE(default_memory_bytes(MemoryProfile::LowMemory), std::uint64_t{128} << 20);
  EXPECT_GE(default_workers(MemoryProfile::LowMemory), 2U);
}

TEST(MemoryProfile, ParsesItsWordsOnly) {
  EXPECT_EQ(parse_memory_profile("low-memory").value(), MemoryProfile::LowMemory);
  EXPECT_EQ(parse_memory_profile("large-files").value(), MemoryProfile::LargeFiles);
  EXPECT_FALSE(parse_memory_profile("fast").has_value());
}

}  // namespace
}  // namespace coffer
