#include "coffer/core/clock.h"

#include <time.h>

#include <cassert>

namespace coffer {
namespace {
constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

timespec read_clock(clockid_t id) {
  timespec now{};
  // Fails for a clock that does not exist only, and these two exist on every Linux.
  [[maybe_unused]] const int result = ::clock_gettime(id, &now);
  assert(result == 0);
  return now;
}
}  // namespace

Timespec wall_now() {
  const timespec now = read_clock(CLOCK_REALTIME);
  return {now.tv_sec, static_cast<std::uint32_t>(now.tv_nsec)};
}

Timespec SystemClock::wall() const { return wall_now(); }

std::chrono::nanoseconds SystemClock::monotonic() const {
  const timespec now = read_clock(CLOCK_MONOTONIC);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

Timespec ManualClock::wall() const {
  MutexLock lock(mutex_);
  return wall_;
}

std::chrono::nanoseconds ManualClock::monotonic() const {
  MutexLock lock(mutex_);
  return monotonic_;
}

void ManualClock::advance(std::chrono::nanoseconds by) {
  assert(by.count() >= 0);
  MutexLock lock(mutex_);
  monotonic_ += by;
  const std::int64_t nanoseconds = wall_.nanoseconds + by.count() % kNanosecondsPerSecond;
  wall_.seconds += by.count() / kNanosecondsPerSecond + nanoseconds / kNanosecondsPerSecond;
  wall_.nanoseconds = static_cast<std::uint32_t>(nanoseconds % kNanosecondsPerSecond);
}

void ManualClock::set_wall(Timespec wall) {
  MutexLock lock(mutex_);
  wall_ = wall;
}

}  // namespace coffer
