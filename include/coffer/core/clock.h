#pragma once
/// Timespec and Clock: what time it is, and a clock that a test can turn by hand.
///
/// Wall time is for people and for stat's fields; it may jump. Monotonic time is for intervals and
/// deadlines. Nothing durable is ordered by either.
///
/// Owns      nothing. Whoever takes a `const Clock&` borrows it for life.
/// Threads   everything may be called from any thread.
/// Errors    none.

#include <chrono>
#include <compare>
#include <cstdint>

#include "coffer/core/mutex.h"

namespace coffer {

/// A point in wall time since 1970-01-01 UTC; negative seconds are before it. nanoseconds < 1e9.
struct Timespec {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
  auto operator<=>(const Timespec&) const = default;
};

/// The wall clock of this machine, now.
Timespec wall_now();

class Clock {
 public:
  Clock() = default;
  virtual ~Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;

  [[nodiscard]] virtual Timespec wall() const = 0;
  /// Since an arbitrary start; never goes back.
  [[nodiscard]] virtual std::chrono::nanoseconds monotonic() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Timespec wall() const override;
  [[nodiscard]] std::chrono::nanoseconds monotonic() const override;
};

/// Stands still until told otherwise.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timespec wall = {1'700'000'000, 0}) : wall_(wall) {}
  [[nodiscard]] Timespec wall() const override;
  [[nodiscard]] std::chrono::nanoseconds monotonic() const override;

  /// Moves both clocks forward. @pre by >= 0
  void advance(std::chrono::nanoseconds by);
  /// Sets the wall clock alone, as an operator or NTP does; may go back.
  void set_wall(Timespec wall);

 private:
  mutable Mutex mutex_;
  Timespec wall_ GUARDED_BY(mutex_);
  std::chrono::nanoseconds monotonic_ GUARDED_BY(mutex_){0};
};

}  // namespace coffer
