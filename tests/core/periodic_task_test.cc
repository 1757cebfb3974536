#include "coffer/core/periodic_task.h"

#include <gtest/gtest.h>

#include <atomic>
#include <semaphore>

namespace coffer {
namespace {
using std::chrono::hours;
using std::chrono::milliseconds;
constexpr auto kPatience =
    std::chrono::seconds(20);  // a failing run ends; a passing one never waits it

TEST(PeriodicTask, RunsAgainAndAgain) {
  std::counting_semaphore<> runs(0);
  PeriodicTask task("test", milliseconds(1), [&runs] { runs.release(); });
  for (int run = 0; run < 5; ++run) ASSERT_TRUE(runs.try_acquire_for(kPatience));
}

TEST(PeriodicTask, RunsAtOnceWhenWoken) {
  std::counting_semaphore<> runs(0);
  PeriodicTask task("test", hours(1), [&runs] { runs.release(); });
  task.wake();
  EXPECT_TRUE(runs.try_acquire_for(kPatience));
}

TEST(PeriodicTask, WithoutAnIntervalRunsOnlyWhenWoken) {
  std::counting_semaphore<> runs(0);
  PeriodicTask task("test", milliseconds(0), [&runs] { runs.release(); });
  task.wake();
  ASSERT_TRUE(runs.try_acquire_for(kPatience));
  task.stop();
  EXPECT_FALSE(runs.try_acquire());
}

TEST(PeriodicTask, AWakeDuringARunLeadsToOneMore) {
  std::counting_semaphore<> entered(0);
  std::counting_semaphore<> go(0);
  PeriodicTask task("test", hours(1), [&] {
    entered.release();
    go.acquire();
  });
  task.wake();
  ASSERT_TRUE(entered.try_acquire_for(kPatience));
  task.wake();
  task.wake();
  go.release();
  ASSERT_TRUE(entered.try_acquire_for(kPatience));
  go.release(2);
  task.stop();
  EXPECT_FALSE(entered.try_acquire());
}

TEST(PeriodicTask, StopDoesNotWaitForTheIntervalAndNothingRunsAfterIt) {
  std::atomic<int> runs{0};
  PeriodicTask task("test", hours(24), [&runs] { ++runs; });
  task.stop();
  task.wake();
  task.stop();
  EXPECT_EQ(runs, 0);
}

TEST(PeriodicTask, MayStopItselfFromItsFunction) {
  std::atomic<int> runs{0};
  std::binary_semaphore ready(0);
  std::binary_semaphore stopped(0);
  PeriodicTask* self = nullptr;
  PeriodicTask task("test", milliseconds(0), [&] {
    ready.acquire();
    ++runs;
    self->stop();
    stopped.release();
  });
  self = &task;
  ready.release();
  task.wake();
  ASSERT_TRUE(stopped.try_acquire_for(kPatience));
  task.wake();
  task.stop();
  EXPECT_EQ(runs, 1);
}

}  // namespace
}  // namespace coffer
