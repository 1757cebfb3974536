#pragma once
/// Progress: how far long work has come: a bar with rate and time left on a terminal, a plain line
/// now and then elsewhere, on standard error.
///
/// Threads   one at a time.

#include <chrono>
#include <cstdint>
#include <string>

namespace coffer::cli {

class Progress {
 public:
  enum class Unit { Things, Bytes };
  Progress(std::string doing, Unit unit);
  /// Ends the bar's line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(std::uint64_t done, std::uint64_t total);
  /// The text of one update, for a line of `columns`.
  [[nodiscard]] static std::string bar(std::uint64_t done, std::uint64_t total, double seconds,
                                       Unit unit, std::size_t columns);

 private:
  using Clock = std::chrono::steady_clock;
  std::string doing_;
  Unit unit_;
  bool terminal_;
  bool shown_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point next_;
};

}  // namespace coffer::cli
