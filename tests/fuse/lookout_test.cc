#include "fuse/lookout.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <thread>

namespace coffer::fuse {
namespace {

using Turn = Lookout::Turn;
constexpr std::chrono::seconds kPatience{20};

/// A worker that calls listen() on a thread of its own.
class Other {
 public:
  Other(Lookout& lookout, Turn turn)
      : lookout_(lookout), listens_(std::async(std::launch::async, [&lookout, turn]() mutable {
          return lookout.listen(turn);
        })) {}
  ~Other() { lookout_.end(); }  // before the future waits for the thread
  Other(const Other&) = delete;
  Other& operator=(const Other&) = delete;
  [[nodiscard]] bool came_back() {
    return listens_.wait_for(kPatience) == std::future_status::ready;
  }
  [[nodiscard]] bool listens() { return listens_.get(); }

 private:
  Lookout& lookout_;
  std::future<bool> listens_;
};

bool wait_parked(const Lookout& lookout, std::size_t wanted) {
  const auto deadline = Lookout::Clock::now() + kPatience;
  while (lookout.parked() != wanted && Lookout::Clock::now() < deadline) std::this_thread::yield();
  return lookout.parked() == wanted;
}

/// One worker is in read(2), another one is parked.
struct OneListensOneIsParked {
  Lookout lookout;
  Turn mine;
  const bool listening = lookout.listen(mine);
  Other other{lookout, {.parked = true}};
  const bool ready = listening && wait_parked(lookout, 1);
};

TEST(Lookout, AParkedWorkerIsCalledForALongRequest) {
  OneListensOneIsParked scene;
  auto& [lookout, mine, listening, other, ready] = scene;
  ASSERT_TRUE(ready);
  lookout.took(mine);
  lookout.call_replacement();
  EXPECT_EQ(lookout.called(), 1U) << "not left to the watch";
  ASSERT_TRUE(other.came_back());
  EXPECT_TRUE(other.listens());
}

TEST(Lookout, NobodyIsCalledWhileAnotherListens) {
  Lookout lookout;
  Turn mine;
  Turn second;
  ASSERT_TRUE(lookout.listen(mine));
  ASSERT_TRUE(lookout.listen(second));
  Other other(lookout, {.parked = true});
  ASSERT_TRUE(wait_parked(lookout, 1));
  lookout.took(mine);
  lookout.call_replacement();
  EXPECT_EQ(lookout.called(), 0U);
  lookout.end();
  ASSERT_TRUE(other.came_back());
  EXPECT_FALSE(other.listens());
}

TEST(Lookout, TheWatchReplacesAWorkerThatDoesNotComeBack) {
  OneListensOneIsParked scene;
  auto& [lookout, mine, listening, other, ready] = scene;
  ASSERT_TRUE(ready);
  lookout.took(mine);
  ASSERT_TRUE(other.came_back());
  EXPECT_TRUE(other.listens());
}

// Every one of these requests could be the one that blocks, just as the watch goes to sleep.
TEST(Lookout, TheWatchIsAwakeForEveryRequest) {
  for (int round = 0; round < 50; ++round) {
    OneListensOneIsParked scene;
    auto& [lookout, mine, listening, other, ready] = scene;
    ASSERT_TRUE(ready);
    lookout.took(mine);
    ASSERT_TRUE(lookout.listen(mine));
    // The time at which the watch falls asleep is what is tried; whenever that is, the test's answer is the same.
    std::this_thread::sleep_for(Lookout::kTick + std::chrono::microseconds(100 * round));
    lookout.took(mine);
    ASSERT_TRUE(other.came_back()) << "round " << round;
    EXPECT_TRUE(other.listens());
  }
}

TEST(Lookout, AWorkerThatFindsRequestsWaitingCallsForHelp) {
  OneListensOneIsParked scene;
  auto& [lookout, mine, listening, other, ready] = scene;
  ASSERT_TRUE(ready);
  for (int tries = 0; tries < 10'000; ++tries) {
    mine.busy_since = {};  // for ages
    lookout.took(mine);
    if (mine.waits_in_row == 0) break;  // else this thread lost its CPU between the two
    ASSERT_TRUE(lookout.listen(mine));
  }
  EXPECT_EQ(lookout.called(), 1U);
  ASSERT_TRUE(other.came_back());
  EXPECT_TRUE(other.listens());
}

TEST(Lookout, WhoWaitedForManyRequestsParksWhenAnotherListens) {
  Lookout lookout;
  Turn mine{.waits_in_row = Lookout::kLonelyMax};
  ASSERT_TRUE(lookout.listen(mine)) << "the only one never parks";
  Other other(lookout, {.waits_in_row = Lookout::kLonelyMax});
  EXPECT_TRUE(wait_parked(lookout, 1));
  lookout.end();
  ASSERT_TRUE(other.came_back());
  EXPECT_FALSE(other.listens());
  EXPECT_FALSE(lookout.listen(mine));
}

}  // namespace
}  // namespace coffer::fuse
