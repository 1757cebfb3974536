#pragma once
/// Pace: how fast long work may go, how far it is, and whether it is to stop.
///
/// Threads   step() from one thread; the stop flag from any.
/// Errors    Cancelled.

#include <atomic>
#include <chrono>
#include <cstdint>

#include "coffer/core/error.h"
#include "coffer/vault/upkeep.h"

namespace coffer {

class Pace {
 public:
  Pace(const UpkeepOptions& options, const std::atomic<bool>& stop)
      : options_(options), stop_(stop) {}

  void expect(std::uint64_t bytes) { total_ += bytes; }
  /// After some work; sleeps where the rate asks for it.
  Result<void> step(std::uint64_t bytes);
  [[nodiscard]] std::uint64_t done() const { return done_; }

 private:
  const UpkeepOptions& options_;
  const std::atomic<bool>& stop_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point next_report_ = start_;
  std::uint64_t done_ = 0;
  std::uint64_t total_ = 0;
};

}  // namespace coffer
