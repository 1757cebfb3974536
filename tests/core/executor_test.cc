#include "coffer/core/executor.h"

#include <gtest/gtest.h>

#include <array>
#include <future>
#include <numeric>
#include <semaphore>

namespace coffer {
namespace {

// Holds one worker until opened.
class Gate {
 public:
  void open() { promise_.set_value(); }
  Executor::Task task() {
    return [future = promise_.get_future().share(), this] {
      entered_.set_value();
      future.wait();
    };
  }
  void wait_entered() { entered_.get_future().wait(); }

 private:
  std::promise<void> promise_;
  std::promise<void> entered_;
};

TEST(Executor, RunsEveryTaskBeforeStopReturns) {
  Executor executor({.name = "test", .threads = 3, .queue_max = 4});
  std::atomic<int> ran{0};
  for (int task = 0; task < 1000; ++task) {
    EXPECT_TRUE(executor.submit([&ran] { ++ran; }));
  }
  executor.stop();
  EXPECT_EQ(ran, 1000);
  EXPECT_FALSE(executor.submit([&ran] { ++ran; }));
  EXPECT_FALSE(executor.try_submit([&ran] { ++ran; }));
  executor.stop();
  EXPECT_EQ(ran, 1000);
}

TEST(Executor, TrySubmitSaysNoWhenTheQueueIsFull) {
  Gate gate;
  Executor executor({.name = "test", .threads = 1, .queue_max = 2});
  ASSERT_TRUE(executor.submit(gate.task()));
  gate.wait_entered();
  EXPECT_TRUE(executor.try_submit([] {}));
  EXPECT_TRUE(executor.try_submit([] {}));
  EXPECT_FALSE(executor.try_submit([] {}));
  EXPECT_EQ(executor.queued(), 2U);
  gate.open();
}

TEST(Executor, SubmitWaitsForAPlaceAndThenQueues) {
  Gate gate;
  Executor executor({.name = "test", .threads = 1, .queue_max = 1});
  ASSERT_TRUE(executor.submit(gate.task()));
  gate.wait_entered();
  ASSERT_TRUE(executor.submit([] {}));
  std::atomic<bool> ran{false};
  std::thread submitter([&] { EXPECT_TRUE(executor.submit([&ran] { ran = true; })); });
  gate.open();
  submitter.join();
  executor.stop();
  EXPECT_TRUE(ran);
}

TEST(Executor, StopReleasesASubmitterThatWaits) {
  Gate gate;
  Executor executor({.name = "test", .threads = 1, .queue_max = 1});
  ASSERT_TRUE(executor.submit(gate.task()));
  gate.wait_entered();
  ASSERT_TRUE(executor.submit([] {}));
  // Whether it queued its task or was refused depends on who is faster; it must come back either
  // way.
  std::thread submitter([&] { (void)executor.submit([] {}); });
  std::thread stopper([&] { executor.stop(); });
  gate.open();
  submitter.join();
  stopper.join();
}

TEST(Executor, AWorkerSubmitsToItsOwnFullQueueWithoutWaiting) {
  std::atomic<int> ran{0};
  std::promise<int> ran_at_once;
  Executor executor({.name = "test", .threads = 1, .queue_max = 1});
  executor.submit([&] {
    for (int task = 0; task < 10; ++task) executor.submit([&ran] { ++ran; });
    ran_at_once.set_value(ran);
  });
  EXPECT_EQ(ran_at_once.get_future().get(), 9);  // the first had a place in the queue
  executor.stop();
  EXPECT_EQ(ran, 10);
}

TEST(Executor, TrySubmitToIdleLeavesABusyExecutorAlone) {
  Gate gate;
  Executor executor({.name = "test", .threads = 1, .queue_max = 8});
  ASSERT_TRUE(executor.submit(gate.task()));
  gate.wait_entered();
  EXPECT_FALSE(executor.try_submit_to_idle([] {}));
  EXPECT_EQ(executor.queued(), 0U);
  gate.open();
}

TEST(ParallelFor, UsesAnIdleWorkerBesideTheCaller) {
  Executor executor({.name = "test", .threads = 1});
  std::atomic<bool> met{false};
  // Two items wait for each other, a moment only, since the worker may not idle yet in the first rounds.
  for (int round = 0; round < 1000 && !met; ++round) {
    std::counting_semaphore<2> here[2] = {std::counting_semaphore<2>(0),
                                          std::counting_semaphore<2>(0)};
    parallel_for(executor, 2, [&](std::size_t index) {
      here[1 - index].release();
      if (here[index].try_acquire_for(std::chrono::milliseconds(20)) && index == 0) met = true;
    });
    // The caller alone runs 0 and then 1, so that only 1 can find a release that came before it.
  }
  EXPECT_TRUE(met);
}

TEST(ParallelFor, RunsEachIndexOnce) {
  Executor executor({.name = "test", .threads = 3});
  std::vector<std::atomic<int>> runs(5000);
  parallel_for(executor, runs.size(), [&](std::size_t index) { ++runs[index]; });
  for (const auto& count : runs) EXPECT_EQ(count, 1);
}

TEST(ParallelFor, WorksFromEveryWorkerAtOnceWithAFullQueue) {
  Executor executor({.name = "test", .threads = 2, .queue_max = 1});
  std::atomic<int> ran{0};
  parallel_for(executor, 8, [&](std::size_t) {
    parallel_for(executor, 8,
                 [&](std::size_t) { parallel_for(executor, 4, [&](std::size_t) { ++ran; }); });
  });
  EXPECT_EQ(ran, 8 * 8 * 4);
}

TEST(ParallelFor, WorksOnAStoppedExecutor) {
  Executor executor({.name = "test", .threads = 2});
  executor.stop();
  int sum = 0;
  parallel_for(executor, 10, [&](std::size_t index) { sum += static_cast<int>(index); });
  EXPECT_EQ(sum, 45);
}

TEST(ParallelFor, LateHelpersNeverTouchWhatHasGone) {
  Executor executor({.name = "test", .threads = 2, .queue_max = 64});
  for (int round = 0; round < 2000; ++round) {
    std::array<int, 3> local{};
    parallel_for(executor, local.size(), [&local](std::size_t index) { local[index] = 1; });
    ASSERT_EQ(std::accumulate(local.begin(), local.end(), 0), 3);
  }
}

TEST(TryParallelFor, ReturnsTheErrorOfTheLowestFailedIndex) {
  Executor executor({.name = "test", .threads = 2});
  const Result<void> fine =
      try_parallel_for(executor, 100, [](std::size_t) -> Result<void> { return {}; });
  EXPECT_TRUE(fine.has_value());
  const Result<void> bad = try_parallel_for(executor, 2, [](std::size_t index) -> Result<void> {
    return fail(index == 0 ? Errc::NoSpace : Errc::Io);
  });
  ASSERT_FALSE(bad.has_value());
  EXPECT_TRUE(bad.error().code == Errc::NoSpace || bad.error().code == Errc::Io);
}

}  // namespace
}  // namespace coffer
