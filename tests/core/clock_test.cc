#include "coffer/core/clock.h"

#include <gtest/gtest.h>

namespace coffer {
namespace {
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Timespec, OrdersBySecondsThenNanoseconds) {
  EXPECT_LT((Timespec{1, 999'999'999}), (Timespec{2, 0}));
  EXPECT_LT((Timespec{-1, 0}), (Timespec{-1, 1}));
  EXPECT_EQ((Timespec{3, 4}), (Timespec{3, 4}));
}

TEST(ManualClock, StandsStillUntilAdvancedAndCarriesNanoseconds) {
  ManualClock clock(Timespec{10, 900'000'000});
  EXPECT_EQ(clock.wall(), (Timespec{10, 900'000'000}));
  clock.advance(milliseconds(2200));
  EXPECT_EQ(clock.wall(), (Timespec{13, 100'000'000}));
  EXPECT_EQ(clock.monotonic(), milliseconds(2200));
}

TEST(ManualClock, SettingTheWallLeavesTheMonotonicClockAlone) {
  ManualClock clock;
  clock.advance(seconds(5));
  clock.set_wall(Timespec{1, 0});
  EXPECT_EQ(clock.wall(), (Timespec{1, 0}));
  EXPECT_EQ(clock.monotonic(), seconds(5));
}

TEST(SystemClock, NeverGoesBack) {
  const SystemClock clock;
  const auto first = clock.monotonic();
  EXPECT_GE(clock.monotonic(), first);
  EXPECT_GT(clock.wall(), (Timespec{1'577'836'800, 0}));  // 2020-01-01
  EXPECT_LT(clock.wall().nanoseconds, 1'000'000'000U);
}

}  // namespace
}  // namespace coffer
