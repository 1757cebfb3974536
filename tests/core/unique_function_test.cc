#include "coffer/core/unique_function.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>

namespace coffer {
namespace {

TEST(UniqueFunction, OwnsWhatItCapturesAndReleasesItOnce) {
  const auto counted = std::make_shared<int>(3);
  UniqueFunction<int(int)> small = [counted](int by) { return *counted + by; };
  EXPECT_EQ(counted.use_count(), 2);
  UniqueFunction<int(int)> moved = std::move(small);
  EXPECT_EQ(counted.use_count(), 2);
  EXPECT_FALSE(small);  // NOLINT(bugprone-use-after-move): this is what is tested
  EXPECT_EQ(moved(4), 7);
  moved.reset();
  EXPECT_EQ(counted.use_count(), 1);
}

TEST(UniqueFunction, KeepsACallableTooLargeForItsInlineStorage) {
  const auto counted = std::make_shared<int>(1);
  std::array<int, 100> big{};
  big[99] = 5;
  {
    UniqueFunction<int()> function = [counted, big] { return *counted + big[99]; };
    UniqueFunction<int()> other;
    other = std::move(function);
    EXPECT_EQ(other(), 6);
    EXPECT_EQ(counted.use_count(), 2);
  }
  EXPECT_EQ(counted.use_count(), 1);
}

TEST(UniqueFunction, TakesArgumentsThatCannotBeCopied) {
  UniqueFunction<int(std::unique_ptr<int>)> function = [](std::unique_ptr<int> p) { return *p; };
  EXPECT_EQ(function(std::make_unique<int>(9)), 9);
}

TEST(UniqueFunction, KeepsStateBetweenCalls) {
  UniqueFunction<int()> next = [n = 0]() mutable { return ++n; };
  next();
  EXPECT_EQ(next(), 2);
}

}  // namespace
}  // namespace coffer
